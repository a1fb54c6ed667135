// The calls about parts of a log: what repairs, heals and references need, and most pulls do not.

import { isBefore, isSame } from './events.js';
import { bad } from './failure.js';
import { isCount } from './rest.js';

/** Digests of one call: the server's limit. */
export const MAX_RANGES = 100;

const isDigest = ({ digest, count }) => /^\w{64}$/.test(digest) && isCount(count);

/** The server's digests of parts of the log, one for each checkpoint. */
export const digestsAt = (rest, since, checkpoints, signal) => rest.post(
  'digests', { ...(since && { since }), checkpoints }, ({ ranges }) => ranges?.length === checkpoints.length
    && ranges.every((range, place) => isDigest(range) && isSame(range.checkpoint, checkpoints[place])))(signal);

/** The digests of the next pages of the log, as it keeps them: none at its end. */
export const pageDigests = (rest, since, signal) => rest.post(
  'digests', { ...(since && { since }), pages: MAX_RANGES }, ({ ranges }) => Array.isArray(ranges)
    && ranges.every((range, place) => isDigest(range) && range.count > 0
      && isBefore(place === 0 ? since : ranges[place - 1].checkpoint, range.checkpoint)))(signal);

/** The next `count` events after a checkpoint, in as many pages as that takes. */
export async function eventsAfter(rest, since, count, signal) {
  const events = [];
  let bytes = 0;
  while (events.length < count) {
    const page = await rest.page(since, Math.min(count - events.length, rest.pageSize), {}, signal);
    bytes += page.bytes;
    events.push(...page.events);
    if (page.events.length === 0 || !isBefore(since, page.nextCheckpoint) || events.length > count)
      throw bad(`The pages after ${since} are not those that they should be.`);
    since = page.nextCheckpoint;
  }

  return { events, bytes };
}
