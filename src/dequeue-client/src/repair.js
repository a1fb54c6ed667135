// Compares what a stream brought with the server's digests, part by part, and puts what REST brings in the place of what differs.

import { digestOf } from './digest.js';
import { textsOf } from './events.js';
import { bad } from './failure.js';
import { MAX_RANGES, digestsAt, eventsAfter } from './ranges.js';
import { attempt } from './waiting.js';

/** Parts that are replaced: their events are held until all have come. */
const MAX_WRONG = 32;

/**
 * On the way the checkpoint lies before all that may be wrong, and what is wrong leaves the store before it is fetched: a crash loses
 * nothing. A part is `{ since, mark, received, first, added, isWhole, digest }`.
 * @throws {import('./failure.js').SyncFailure} when it cannot be done
 */
export async function repair({ parts, origin, store, rest, keeps, retry, signal }) {
  const { epoch, position } = origin;
  const before = place => (place === 0 ? { checkpoint: parts[0].since, epoch, position } : parts[place - 1].mark);
  const end = parts.at(-1).mark;
  const wrong = [], replacements = [];
  let received = 0, fetched = 0, removed = 0, bytes = 0;
  await store.save([], before(0));
  for (let at = 0; at < parts.length; at += MAX_RANGES) {
    const some = parts.slice(at, at + MAX_RANGES);
    const answer = await attempt(() => digestsAt(rest, some[0].since, some.map(part => part.mark.checkpoint), signal), retry, signal);
    bytes += answer.bytes;
    for (const [place, part] of some.entries()) {
      const truth = answer.ranges[place];
      const digest = part.digest ?? digestOf(textsOf(await store.read(part.first, part.added)));

      // A part that is right may still lack in the store what a wrong one brought before its time, and gives back now.
      if (digest !== truth.digest.toLowerCase() || (wrong.length > 0 && !part.isWhole)) wrong.push({ ...part, truth, place: at + place });
    }
  }

  if (wrong.length > MAX_WRONG) throw bad(`${wrong.length} parts of the stream differ from the server's.`);
  if (wrong.length > 0) {
    await store.replace(wrong.map(part => ({ first: part.first, count: part.added, events: [] })), before(wrong[0].place));
  }

  for (const part of wrong) {
    const range = await attempt(() => eventsAfter(rest, part.since, part.truth.count, signal), retry, signal);
    bytes += range.bytes;
    if (digestOf(textsOf(range.events)) !== part.truth.digest.toLowerCase()) {
      throw bad(`The events after ${part.since} are not what their digest says.`);
    }

    replacements.push({ first: part.first - removed, count: 0, events: keeps(range.events) });
    removed += part.added;
    received += part.received;
    fetched += range.events.length;
  }

  const added = await store.replace(replacements, { ...end, position: end.position === null ? null : end.position + fetched - received });
  return { received, fetched, removed, bytes, added };
}
