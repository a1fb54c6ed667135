// Puts a server right that was put back to an earlier state of the same log. The rules are those of docs/client-states.md.

import { digestOf } from './digest.js';
import { isBefore, textsOf } from './events.js';
import { bad, otherHistory } from './failure.js';
import { PushBody } from './push.js';
import { pageDigests } from './ranges.js';
import { attempt } from './waiting.js';

const notHealed = why => otherHistory({}, `This device holds another history than the server, and it could not be healed: ${why}`);

/**
 * Finds by digests how far store and log hold the same, pushes again what the log lacks of the rest, and then takes the rest out of the
 * store: a pull brings it back in the order that it has in the log now. Nothing leaves the store before the server has acknowledged what
 * it lacked of it.
 * Once a pull: `isAgain` tells that it was tried.
 * @returns {Promise<{ pushed: number, bytes: number }>} how many events the server has again
 * @throws {import('./failure.js').SyncFailure}
 */
export async function heal({ isAgain, log, store, rest, retry, signal, onWait }) {
  if (isAgain) throw notHealed('they differ again after it was tried.');
  log('The server was put back: it gets again what it lacks.');
  const { epoch, events: held } = await store.load();
  const call = make => attempt(make, retry, signal, onWait);
  let pushed = 0, bytes = 0, refused = null, body = new PushBody();

  const common = await commonPart();
  const known = await idsAfter(common.checkpoint);
  for (let at = common.events; at < held; at += PushBody.MAX_EVENTS) await give(await store.read(at, PushBody.MAX_EVENTS));
  await give(await store.sent()); // Acknowledged, and not brought back yet: the store does not hold it.
  await send();
  if (refused) throw refused;
  await store.rewind({ checkpoint: common.checkpoint, epoch, position: common.events, events: common.events });
  return { pushed, bytes };

  async function commonPart() {
    let end = { checkpoint: null, events: 0 };
    for (;;) {
      const answer = await call(() => pageDigests(rest, end.checkpoint, signal));
      bytes += answer.bytes;
      for (const { checkpoint, count, digest } of answer.ranges) {
        if (end.events + count > held || digestOf(textsOf(await store.read(end.events, count))) !== digest.toLowerCase()) return end;
        end = { checkpoint, events: end.events + count };
      }

      if (answer.ranges.length === 0) return end;
    }
  }

  async function idsAfter(since) {
    const ids = new Set();
    for (let hasMore = true; hasMore;) {
      const page = await call(() => rest.page(since, rest.pageSize, { epoch }, signal));
      bytes += page.bytes;
      if (page.epoch !== undefined && page.epoch !== epoch) throw otherHistory(page);
      if (page.hasMore && !isBefore(since, page.nextCheckpoint)) {
        throw bad('A page does not lead beyond the checkpoint that it was asked for.');
      }

      for (const { id } of page.events) ids.add(id);
      ({ nextCheckpoint: since, hasMore } = page);
    }

    return ids;
  }

  async function give(events) {
    for (const { id, text } of events) {
      if (known.has(id) || body.add(text)) continue;
      await send();
      body.add(text);
    }
  }

  // What the server takes no more would leave both: the store keeps all of it, and the app is told.
  async function send() {
    if (body.count === 0) return;
    const { acknowledged, rejected, errors } = await call(() => rest.push(body.close(epoch), signal));
    pushed += acknowledged.length;
    body = new PushBody();
    if (rejected.length > 0) refused ??= notHealed(`the server does not take event ${rejected[0]} again. ${errors[0] ?? ''}`);
  }
}
