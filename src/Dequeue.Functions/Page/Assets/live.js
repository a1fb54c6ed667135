// The live tail: open the socket, then catch up by pages, then listen; and so again whenever the socket is lost, or now and then,
// because a message may get lost. The rules are those of docs/client-states.md.

import { SyncFailure, isObject } from './api.js';
import { delay } from './link.js';
import { backoff, pull } from './pull.js';
import { messages } from './socket.js';

const CATCH_UP_INTERVAL = 5 * 60_000;

/**
 * Follows a log until it is stopped.
 * @param {{ api: import('./api.js').Api, app: string, device: import('./device.js').Device, signal: AbortSignal,
 *   onEvents: (events: object[]) => void, onState: (state: 'connecting' | 'live' | 'waiting', failure?: SyncFailure) => void }} options
 * @throws {SyncFailure} one that waiting does not help.
 */
export async function follow({ api, app, device, signal, onEvents, onState }) {
  for (let failures = 0; ;) {
    onState('connecting');
    const attempt = new AbortController();
    const connection = AbortSignal.any([signal, attempt.signal]);
    const catchUp = () => pull({ api, device, signal: connection, stream: false, onEvents });
    let timer;
    try {
      const url = await api.negotiate(`/apps/${encodeURIComponent(app)}/sync/live/negotiate`, connection);
      let caughtUp;
      const onOpen = () => {
        caughtUp = catchUp().then(() => onState('live'));
        caughtUp.catch(failure => attempt.abort(failure));
        timer = setInterval(() => catchUp().then(() => { failures = 0; }, failure => attempt.abort(failure)), CATCH_UP_INTERVAL);
      };
      for await (const { data } of messages(url, { link: api.link, signal: connection, onOpen })) {
        await caughtUp;
        const event = parse(data);
        const added = event ? device.save([event], null) : [];
        if (added.length > 0) onEvents(added);
        failures = 0;
      }
    } catch (failure) {
      signal.throwIfAborted();
      if (!(failure instanceof SyncFailure) || !(failure.isTransient || failure.kind === 'stream')) throw failure;
      onState('waiting', failure);
      await delay(backoff(++failures, failure.retryAfter), signal);
    } finally {
      clearInterval(timer);
      attempt.abort();
    }
  }
}

function parse(data) {
  try {
    const event = JSON.parse(typeof data === 'string' ? data : new TextDecoder('utf-8', { fatal: true }).decode(data));
    return isObject(event) ? event : null;
  } catch {
    return null;
  }
}
