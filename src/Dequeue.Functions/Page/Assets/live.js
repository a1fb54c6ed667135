// The live tail: a stream that brings what is missing and then stays open. Its batches carry positions, so that a lost one is seen
// when the next arrives; and now and then the page asks anew, in case there was no next.

import { SyncFailure } from './api.js';
import { delay } from './link.js';
import { backoff } from './pull.js';
import { byStream } from './stream.js';

const RENEWAL_INTERVAL = 5 * 60_000;

/**
 * Follows a log until it is stopped.
 * @param {{ api: import('./api.js').Api, device: import('./device.js').Device, signal: AbortSignal,
 *   onEvents: (events: object[]) => void, onState: (state: 'connecting' | 'live' | 'waiting', failure?: SyncFailure) => void }} options
 * @throws {SyncFailure} one that waiting does not help.
 */
export async function follow({ api, device, signal, onEvents, onState }) {
  const keep = (events, checkpoint) => {
    const added = device.save(events, checkpoint);
    if (added.length > 0) onEvents(added);
  };

  onState('connecting');
  for (let failures = 0; ;) {
    const renewal = new AbortController();
    const timer = setTimeout(() => renewal.abort(), RENEWAL_INTERVAL);
    const onLive = () => {
      failures = 0;
      onState('live');
    };
    try {
      await byStream({ api, device, signal: AbortSignal.any([signal, renewal.signal]), wishes: { live: true, encodings: ['gzip'], window: 64 }, report: () => {}, keep, onLive });
    } catch (failure) {
      signal.throwIfAborted();
      if (renewal.signal.aborted) continue;
      if (!(failure instanceof SyncFailure) || !(failure.isTransient || failure.kind === 'stream')) throw failure;
      onState('waiting', failure);
      await delay(backoff(++failures, failure.retryAfter), signal);
      onState('connecting');
    } finally {
      clearTimeout(timer);
    }
  }
}
