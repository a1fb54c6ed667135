// Keeps a store up to date, without end. The rules are the table "Live" of docs/client-states.md; the numbers in brackets are its rows.

import { isBefore } from './events.js';
import { SyncFailure } from './failure.js';
import { readMessage } from './messages.js';
import { check, delay } from './waiting.js';

/** How long a gap may close by itself: what another server process committed before is told a moment later, as a rule. */
const GAP_PATIENCE = 500;

/** Live batches that are kept aside. What is dropped is missed, and asked for then. */
const MAX_ASIDE = 1000;

/** The one connection of a watch, used by a pull or by the tail, and what came live, by its place in the log. */
class LiveStream {
  ahead = [];
  connection = null;
  place = null;

  lend() {
    const { connection } = this;
    this.connection = null;
    if (!connection) this.ahead = [];
    return connection;
  }

  keep(batch) {
    return this.ahead.length < MAX_ASIDE && this.ahead.push(batch) > 0;
  }

  takeBack(connection, place) {
    connection.isSilent = true;
    this.connection = connection;
    this.place = place;
  }

  /** The next events that follow without a gap: `{ since, mark, events }`; null when there are none. */
  next() {
    for (;;) {
      const { checkpoint: since, epoch, position } = this.place;
      const at = this.ahead.findIndex(batch => batch.before <= position);
      if (at < 0) return null;
      const [{ before, checkpoint, events }] = this.ahead.splice(at, 1);
      const end = before + events.length;
      if (end <= position) continue;
      this.place = { checkpoint, epoch, position: end };
      return { since, mark: this.place, events: events.slice(position - before) };
    }
  }
}

/**
 * Runs until it is aborted. `pull(streams, live, signal)` pulls; `save({ since, mark, events }, signal)` tells false when the store lacks
 * what comes before; `backoff(failures, retryAfter, maxDelay)` is how long to wait.
 * @throws {SyncFailure} one that waiting does not help
 */
export async function runLive({ options, pull, save, backoff, onState, signal }) {
  const { random, log, pollInterval, maxPollInterval, streamRetryInterval } = options;
  const live = new LiveStream();
  let failures = 0, streamFailures = 0, quiet = 0, untilStream = 0, syncedAt = 0;

  const without = failure => { untilStream = backoff(++streamFailures, failure?.retryAfter, streamRetryInterval); };

  // The next poll, or the WebSocket, whichever comes first.
  const pollWait = () => {
    const poll = Math.min(maxPollInterval, pollInterval * 2 ** Math.min(quiet, 30)) * (1 + random()) / 2;
    return options.stream ? Math.min(poll, untilStream) : poll;
  };

  const listen = async () => {
    for (let gapSince = null; ;) {
      const { connection, ahead, place } = live;
      if (ahead.some(({ epoch }) => epoch && place.epoch && epoch !== place.epoch)) return;
      for (let run; (run = live.next());) {
        if (!await save(run, signal)) return;
        failures = streamFailures = quiet = 0; // [L7]
      }

      const now = performance.now();
      gapSince = ahead.length > 0 ? gapSince ?? now : null;
      const left = Math.min(options.catchUpInterval - (now - syncedAt), gapSince === null ? Infinity : GAP_PATIENCE - (now - gapSince));
      const received = left > 0 ? await connection.receive(signal, left) : null;
      if (!received) return; // [L8]
      try {
        const message = readMessage(received.text);
        if (message.type === 'sync.stream.live') live.keep(message);
      } catch {
        // Left alone: what it may have told comes when the log is asked again.
      }
    }
  };

  try {
    for (let streams = options.stream; ;) {
      let wait, failure;
      if (!live.connection) onState?.('connecting');
      try {
        const result = await pull(streams, live, signal);
        syncedAt = performance.now();
        failures = 0;
        if (live.connection) {
          quiet = 0;
          onState?.('live'); // [L1]
          await listen();
          continue;
        }

        failure = result.streamFailure;
        if (streams) without(failure); // [L2]
        quiet = result.added > 0 ? 0 : quiet + 1;
        wait = pollWait(); // [L3]
      } catch (error) {
        check(signal);
        failure = error;
        if (!(failure instanceof SyncFailure) || (failure.isVerdict && !failure.isTransient)) throw failure; // [L6]
        log(`Live was lost: ${failure.message}`);
        if (live.connection) {
          without(failure);
          wait = pollWait(); // [L5]
        } else {
          wait = untilStream = backoff(++failures, failure.retryAfter); // [L4]
        }
      }

      live.connection?.close();
      live.connection = null;
      onState?.('waiting', failure ?? undefined);
      await delay(wait, signal);
      streams = options.stream && untilStream <= wait; // [L9, L10]
      untilStream -= wait;
    }
  } finally {
    live.connection?.close();
  }
}

/** Whether a store that holds up to `checkpoint` lacks what comes before a run (-1), is followed by it (0), or has it already (1). */
export const standing = (checkpoint, { since, mark }) =>
  (isBefore(checkpoint, since) ? -1 : isBefore(checkpoint, mark.checkpoint) ? 0 : 1);
