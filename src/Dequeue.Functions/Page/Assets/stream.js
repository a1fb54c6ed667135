// One stream, with whatever options the request has. The rules, and the numbers of the rows in brackets, are those of
// docs/client-states.md; the messages are those of docs/protocol.md.

import { SyncFailure } from './api.js';
import { breather } from './breath.js';
import { EntityStates } from './deltas.js';
import { EventDigest } from './digest.js';
import { pages } from './references.js';
import { messages } from './socket.js';
import { ack, bytesOf, isBefore, read, request } from './wire.js';

const IDLE_PATIENCE = 60_000;

/** Bytes, and milliseconds, after which is acknowledged what has come, though it is less than a quarter of the window. */
const ACK_BYTES = 1024 * 1024;
const ACK_INTERVAL = 2000;

const MAX_IDLE_MESSAGES = 1000;

/** Live batches that are kept while the stream runs. What is dropped is missed at once, and asked for again. */
const MAX_EARLY_BATCHES = 1000;

/**
 * Brings a device up to date, and with the wish `live` keeps it so, until it is stopped.
 * @param {{ api: import('./api.js').Api, device: import('./device.js').Device, signal: AbortSignal, wishes?: object, origin?: object,
 *   report: (change: object) => void, keep: (events: object[], checkpoint: string | null, bytes: number) => void, onLive?: () => void }} options
 *   `wishes` are further fields of the request; `origin` is the mark that a stream in doubt is taken back to; `keep` stores events, and null leaves the checkpoint as it is.
 * @throws {SyncFailure} when it ends in any other way than it should.
 */
export async function byStream({ api, device, signal, wishes = {}, origin = device.mark(), report, keep, onLive }) {
  const breathe = breather();
  const states = wishes.delta ? new EntityStates() : null;
  const digest = new EventDigest();
  const early = [];
  let total = null, position = null;
  let unacknowledgedBytes = 0, acknowledgedAt = performance.now();
  let streamed = 0, nextBatch = 0, lastSeen = -1, acknowledged = 0, idleMessages = 0, sawLast = false, sawRest = false, isReady = false, isComplete = false;

  const fail = why => { throw new SyncFailure('stream', why); };
  // What was streamed is in doubt. The page does not repair parts of it: pages bring all of it again, from where the pull began.
  const doubt = why => {
    device.rewind(origin);
    report({ processed: 0, ready: null });
    fail(why);
  };
  const ignore = () => {
    if (++idleMessages > MAX_IDLE_MESSAGES) fail('The stream brings nothing new.'); // [P30]
  };
  const take = (events, texts, checkpoint, bytes) => {
    if (streamed + events.length > total) doubt(`More events came than the ${total} announced.`); // [P14]
    digest.add(texts);
    keep(events, checkpoint, bytes); // [P9, P15]
    streamed += events.length;
  };

  const url = await api.negotiate('/v1/sync/stream/negotiate', signal);
  const greeting = request(device.checkpoint, wishes);
  for await (const { data, reply } of messages(url, { link: api.link, signal, greeting, idle: IDLE_PATIENCE, awaits: () => !isComplete, hasBegun: () => total !== null })) {
    const message = await read(data);
    switch (message.type) {
      case 'sync.stream.start':
        if (total !== null) fail('The stream started twice.'); // [P8]
        total = message.totalEvents;
        report({ phase: 'streaming', total });
        break;
      case 'sync.stream.batch':
        if (total === null) fail('The stream did not begin with its start.'); // [P5]
        await onBatch(message, bytesOf(data), reply);
        unacknowledgedBytes += bytesOf(data);
        if (wishes.window && isAckDue()) acknowledge(reply); // [P31]
        break;
      case 'sync.stream.ready':
        if (wishes.priority && total !== null && !isReady && !sawRest) onReady(message); // [P34]
        else ignore(); // [P36]
        break;
      case 'sync.stream.complete':
        if (total === null || isComplete) fail('The stream did not begin with its start.'); // [P5]
        onComplete(message);
        if (!wishes.live) return;
        isComplete = true;
        position = message.position ?? fail('The stream does not say where it ended.');
        onLive?.();
        break;
      case 'sync.stream.live':
        if (early.length < MAX_EARLY_BATCHES) early.push(message);
        break;
      case 'sync.stream.error':
        throw new SyncFailure('stream', `The stream ended in an error: ${message.error.replace(/\.?$/, '.')}`, { // [P6]
          code: message.code, isCut: total !== null && message.code === 'STREAM_TIMEOUT', window: message.window, // [P48]
        });
        break;
      default:
        ignore(); // [P7]
    }

    if (isComplete) early.splice(0).forEach(onLiveBatch);
    await breathe();
  }

  function isAckDue() {
    return nextBatch > acknowledged && ((nextBatch - acknowledged) * 4 >= wishes.window
      || unacknowledgedBytes >= ACK_BYTES || performance.now() - acknowledgedAt >= ACK_INTERVAL);
  }

  function acknowledge(reply) {
    acknowledged = nextBatch;
    unacknowledgedBytes = 0;
    acknowledgedAt = performance.now();
    reply(ack(nextBatch - 1));
  }

  function onReady({ processedEvents }) {
    if (processedEvents !== streamed) fail(`${streamed} events came until ready, and ${processedEvents} were sent.`); // [P35]
    isReady = true;
    report({ ready: streamed });
  }

  async function onBatch({ events, texts, batchIndex, isLast, checkpoint, priority, deltas, reset, references }, bytes, reply) {
    if (states) rebuild(events, texts, batchIndex, deltas, reset);
    else if (deltas.length > 0) fail(`Batch ${batchIndex} has deltas that were not asked for.`); // [P37]
    if (batchIndex < nextBatch) {
      if (checkpoint && device.checkpoint && isBefore(device.checkpoint, checkpoint)) fail(`Batch ${batchIndex} came again with other events.`); // [P11]
      ignore(); // [P10]
      if (wishes.window) acknowledge(reply);
      return;
    }

    if (batchIndex > nextBatch) fail(`Batch ${nextBatch} is missing.`); // [P12]
    if (sawLast) fail('A batch came after the last one.'); // [P13]
    if (events.length === 0 && references.length === 0 && !isLast) fail(`Batch ${batchIndex} is empty.`);
    if (priority && (!wishes.priority || isReady || sawRest)) fail(`Batch ${batchIndex} comes first out of turn.`); // [P33]
    if (references.length > 0 && (!wishes.references || events.length > 0)) fail(`Batch ${batchIndex} has references that were not asked for.`); // [P39]
    if (!priority && checkpoint && device.checkpoint && isBefore(checkpoint, device.checkpoint)) fail(`The checkpoint of batch ${batchIndex} lies before its events.`);
    sawRest ||= !priority;
    take(events, texts, references.length > 0 || priority ? null : checkpoint, bytes); // [P32]
    for await (const page of pages({ api, references, since: device.checkpoint, signal })) take(page.events, page.texts, page.checkpoint, page.bytes); // [P38-P44]
    nextBatch++;
    sawLast = isLast;
  }

  // A patch is against what came before it on the wire: a repeated batch leaves its states again.
  function rebuild(events, texts, batchIndex, deltas, reset) {
    if (reset) states.forget();
    else if (batchIndex !== lastSeen + 1) fail(`Batch ${batchIndex} does not follow the one before.`);
    lastSeen = batchIndex;
    const patched = new Set(deltas);
    texts.forEach((text, place) => {
      const whole = states.whole(text, patched.has(place));
      if (whole !== text) [texts[place], events[place]] = [whole, JSON.parse(whole)];
    });
  }

  function onComplete({ processedEvents, newCheckpoint, digest: expected }) {
    if (streamed !== total || processedEvents !== streamed) doubt(`${streamed} events came; ${total} were announced and ${processedEvents} sent.`); // [P17]
    if (!sawLast && streamed > 0) doubt('The stream ended without its last batch.'); // [P18]
    if (device.checkpoint && isBefore(newCheckpoint, device.checkpoint)) doubt('The new checkpoint lies before the events.'); // [P19]
    const actual = digest.end();
    if (expected !== undefined && expected !== actual) doubt('The events are not those that the server sent: the digest differs.'); // [P20]
    device.save([], newCheckpoint); // [P16, P21]
    report({ digest: expected ?? null });
  }

  function onLiveBatch({ before, checkpoint, events }) {
    if (before > position) fail('Live events were lost on the way.');
    if (before + events.length <= position) return;
    keep(events.slice(position - before), checkpoint, 0);
    position = before + events.length;
  }
}
