// A link with a round trip of its own, simulated in the page on top of the real one: a request waits half a round trip before it
// is sent and half before its answer is read, opening a socket waits two (TCP, then the upgrade), a message waits half.

export class Link {
  /** @param {number} roundTrip milliseconds; 0 for the real link alone */
  constructor(roundTrip) {
    this.roundTrip = roundTrip;
  }

  wait(roundTrips, signal) {
    return delay(this.roundTrip * roundTrips, signal);
  }

  /** Waits until a message that reached the browser at `at` would have come over the link. */
  arrival(at, signal) {
    return delay(at + this.roundTrip / 2 - performance.now(), signal);
  }
}

export const REAL_LINK = new Link(0);

/** Resolves after so many milliseconds, at once when there are none; rejects when aborted. */
export function delay(milliseconds, signal) {
  signal?.throwIfAborted();
  if (milliseconds <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
