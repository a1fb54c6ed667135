// A pull: by stream, once more by stream when that is cut, and on whatever failure by REST pages from the last checkpoint. The rules, and the numbers of the rows in
// brackets, are those of docs/client-states.md.

import { SyncFailure } from './api.js';
import { breather } from './breath.js';
import { delay } from './link.js';
import { byStream } from './stream.js';
import { isBefore, isCheckpoint } from './wire.js';

const MAX_ATTEMPTS = 5;
const BASE_DELAY = 500;
const MAX_DELAY = 30_000;
const MAX_RETRY_AFTER = 60_000;

/**
 * Brings a device up to date.
 * @param {{ api: import('./api.js').Api, device: import('./device.js').Device, signal: AbortSignal, stream?: boolean,
 *   pageSize?: number, total?: number, wishes?: object, onProgress?: (progress: object) => void }} options
 *   `total` is what is expected, until the stream tells; `wishes` are further fields of the request.
 * @returns {Promise<object>} the last progress: `{ phase, transport, processed, total, bytes, answers, ready, digest, streamFailure, failure }`:
 *   `resumes` counts the cuts after which the stream went on; `ready` counts the events that were asked for first, once they are here; `digest` is the server's, once the events agree with it
 * @throws {SyncFailure} when pages fail too; what came before stays stored.
 */
export async function pull({ api, device, signal, stream = true, pageSize = 1000, total = null, wishes, onProgress }) {
  let progress = {
    phase: 'connecting', transport: stream ? 'stream' : 'REST', processed: 0, total, bytes: 0, answers: 0, resumes: 0, ready: null, digest: null,
    streamFailure: null, failure: null,
  };
  const report = change => {
    progress = { ...progress, ...change };
    onProgress?.(progress);
  };
  const keep = (events, checkpoint, bytes) => {
    const added = device.save(events, checkpoint);
    report({ processed: progress.processed + added.length, bytes: progress.bytes + bytes, answers: progress.answers + 1 });
  };

  // What is announced after a cut is what is left, and the digest is that of what is left.
  const early = Boolean(wishes?.priority);
  const reportOfStream = change => {
    if (progress.resumes > 0 && 'total' in change) change = { ...change, total: Math.max(progress.total ?? 0, early ? 0 : progress.processed + change.total) };
    report(progress.resumes > 0 && 'digest' in change ? { ...change, digest: null } : change);
  };

  report({});
  const origin = device.mark();
  while (stream) {
    try {
      await byStream({ api, device, signal, wishes, origin, report: reportOfStream, keep });
      report({ phase: 'done' });
      return progress;
    } catch (failure) {
      signal.throwIfAborted();
      if (!(failure instanceof SyncFailure)) throw failure;
      if (failure.isCut && progress.resumes === 0) { // [P47, P48]
        report({ phase: 'connecting', resumes: 1 });
        wishes = again(wishes, progress, failure);
        continue;
      }

      stream = false;
      report({ transport: 'REST', streamFailure: failure }); // [P2, P5, P6, P8, P11-P14, P17-P20, P30, P33, P35, P37, P39, P43]
    }
  }

  await byPages({ api, device, signal, pageSize, report, keep });
  report({ phase: 'done' });
  return progress;
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

/** What the stream is asked for after a cut: what came first is here, and a window is taken where one is wanted. */
function again(wishes = {}, { ready }, { window }) {
  const { priority, ...others } = wishes;
  return { ...(priority && ready === null && { priority }), ...(window && { window }), ...others };
}

/** Full jitter: a random wait below a ceiling that doubles; a Retry-After is waited for in full, and a little more. */
export function backoff(failures, retryAfter) {
  const wait = Math.random() * Math.min(MAX_DELAY, BASE_DELAY * 2 ** (failures - 1));
  return retryAfter ? retryAfter + wait / 10 : wait;
}
