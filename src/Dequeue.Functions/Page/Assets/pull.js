// A pull: by stream, and on whatever failure by REST pages from the last checkpoint. The rules, and the numbers of the rows in
// brackets, are those of docs/client-states.md.

import { SyncFailure } from './api.js';
import { delay } from './link.js';
import { messages } from './socket.js';
import { bytesOf, isBefore, isCheckpoint, read, request } from './wire.js';

const IDLE_PATIENCE = 30_000;
const MAX_IDLE_MESSAGES = 1000;
const MAX_ATTEMPTS = 5;
const BASE_DELAY = 500;
const MAX_DELAY = 30_000;
const MAX_RETRY_AFTER = 60_000;

/** Longest the page may be busy before it lets the browser draw. */
const BREATH = 12;

/**
 * Brings a device up to date.
 * @param {{ api: import('./api.js').Api, device: import('./device.js').Device, signal: AbortSignal, stream?: boolean,
 *   pageSize?: number, total?: number, wishes?: object, onProgress?: (progress: object) => void, onEvents?: (events: object[]) => void }} options
 *   `total` is what is expected, until the stream tells; `wishes` are further fields of the request.
 * @returns {Promise<object>} the last progress: `{ phase, transport, processed, total, bytes, answers, streamFailure, failure }`
 * @throws {SyncFailure} when pages fail too; what came before stays stored.
 */
export async function pull({ api, device, signal, stream = true, pageSize = 1000, total = null, wishes, onProgress, onEvents }) {
  let progress = { phase: 'connecting', transport: stream ? 'stream' : 'REST', processed: 0, total, bytes: 0, answers: 0, streamFailure: null, failure: null };
  const report = change => {
    progress = { ...progress, ...change };
    onProgress?.(progress);
  };
  const keep = (events, checkpoint, bytes) => {
    const added = device.save(events, checkpoint);
    if (added.length > 0) onEvents?.(added);
    report({ processed: progress.processed + events.length, bytes: progress.bytes + bytes, answers: progress.answers + 1 });
  };

  report({});
  if (stream) {
    try {
      await byStream({ api, device, signal, wishes, report, keep });
      report({ phase: 'done' });
      return progress;
    } catch (failure) {
      signal.throwIfAborted();
      if (!(failure instanceof SyncFailure)) throw failure;
      report({ transport: 'REST', streamFailure: failure }); // [P2, P5, P6, P8, P11-P14, P17-P20, P30]
    }
  }

  await byPages({ api, device, signal, pageSize, report, keep });
  report({ phase: 'done' });
  return progress;
}

async function byStream({ api, device, signal, wishes, report, keep }) {
  const origin = device.mark();
  const breathe = breather();
  let total = null;
  let streamed = 0, nextBatch = 0, idleMessages = 0, sawLast = false;
  const doubt = why => { // what was streamed is in doubt: pages bring it again from where the pull began
    device.rewind(origin);
    report({ processed: 0 });
    throw new SyncFailure('stream', why);
  };
  const ignore = () => {
    if (++idleMessages > MAX_IDLE_MESSAGES) throw new SyncFailure('stream', 'The stream brings nothing new.'); // [P30]
  };

  const url = await api.negotiate('/v1/sync/stream/negotiate', signal);
  for await (const { data } of messages(url, { link: api.link, signal, greeting: request(device.checkpoint, wishes), idle: IDLE_PATIENCE })) {
    const message = await read(data);
    const isBatch = message.type === 'sync.stream.batch';
    if (message.type === 'sync.stream.error') throw new SyncFailure('stream', `The stream ended in an error: ${message.error.replace(/\.?$/, '.')}`, { code: message.code }); // [P6]
    if (message.type === 'sync.stream.start') {
      if (total !== null) throw new SyncFailure('stream', 'The stream started twice.'); // [P8]
      total = message.totalEvents;
      report({ phase: 'streaming', total });
    } else if (isBatch || message.type === 'sync.stream.complete') {
      if (total === null) throw new SyncFailure('stream', 'The stream did not begin with its start.'); // [P5]
      if (isBatch) onBatch(message, bytesOf(data));
      else {
        onComplete(message);
        return;
      }
    } else {
      ignore(); // [P7]
    }

    await breathe();
  }

  function onBatch({ events, batchIndex, isLast, checkpoint }, bytes) {
    if (batchIndex < nextBatch) {
      if (checkpoint && device.checkpoint && isBefore(device.checkpoint, checkpoint)) throw new SyncFailure('stream', `Batch ${batchIndex} came again with other events.`); // [P11]
      ignore(); // [P10]
      return;
    }

    if (batchIndex > nextBatch) throw new SyncFailure('stream', `Batch ${nextBatch} is missing.`); // [P12]
    if (sawLast) throw new SyncFailure('stream', 'A batch came after the last one.'); // [P13]
    if (events.length === 0 && !isLast) throw new SyncFailure('stream', `Batch ${batchIndex} is empty.`);
    if (checkpoint && device.checkpoint && isBefore(checkpoint, device.checkpoint)) throw new SyncFailure('stream', `The checkpoint of batch ${batchIndex} lies before its events.`);
    if (streamed + events.length > total) doubt(`More events came than the ${total} announced.`); // [P14]
    keep(events, checkpoint, bytes); // [P9, P15]
    streamed += events.length;
    nextBatch++;
    sawLast = isLast;
  }

  function onComplete({ processedEvents, newCheckpoint }) {
    if (streamed !== total || processedEvents !== streamed) doubt(`${streamed} events came; ${total} were announced and ${processedEvents} sent.`); // [P17]
    if (!sawLast && streamed > 0) doubt('The stream ended without its last batch.'); // [P18]
    if (device.checkpoint && isBefore(newCheckpoint, device.checkpoint)) doubt('The new checkpoint lies before the events.'); // [P19]
    device.save([], newCheckpoint); // [P16, P21]
  }
}

async function byPages({ api, device, signal, pageSize, report, keep }) {
  const breathe = breather();
  report({ phase: 'paging' });
  for (let failures = 0; ;) {
    let page;
    try {
      page = await api.page(device.checkpoint, pageSize, signal);
      const leads = isCheckpoint(page.nextCheckpoint)
        && (!device.checkpoint || (page.hasMore ? isBefore(device.checkpoint, page.nextCheckpoint) : !isBefore(page.nextCheckpoint, device.checkpoint)));
      if (!leads) throw new SyncFailure('answer', 'A page does not lead beyond the checkpoint that it was asked for.'); // [P24]
    } catch (failure) {
      if (!(failure instanceof SyncFailure) || !failure.isTransient || ++failures >= MAX_ATTEMPTS || failure.retryAfter > MAX_RETRY_AFTER) throw failure; // [P28]
      report({ phase: 'waiting', failure, attempt: failures + 1, attempts: MAX_ATTEMPTS });
      await delay(backoff(failures, failure.retryAfter), signal); // [P27, P29]
      report({ phase: 'paging', failure: null });
      continue;
    }

    failures = 0;
    keep(page.events, page.nextCheckpoint, page.bytes); // [P23, P25]
    if (!page.hasMore) return; // [P26]
    await breathe();
  }
}

/** Full jitter: a random wait below a ceiling that doubles; a Retry-After is waited for in full, and a little more. */
export function backoff(failures, retryAfter) {
  const wait = Math.random() * Math.min(MAX_DELAY, BASE_DELAY * 2 ** (failures - 1));
  return retryAfter ? retryAfter + wait / 10 : wait;
}

function breather() {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
    await new Promise(resolve => setTimeout(resolve));
    last = performance.now();
  };
}
