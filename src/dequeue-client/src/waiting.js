// Time, and what ends a wait. Written for engines that lack AbortSignal.any, .timeout and .throwIfAborted.

import { SyncFailure } from './failure.js';

/** Throws what a signal was aborted with. */
export function check(signal) {
  if (signal?.aborted) throw signal.reason ?? Object.assign(new Error('Aborted.'), { name: 'AbortError' });
}

/** A promise that is waited for no longer than until a signal is aborted. */
export async function abortable(promise, signal) {
  check(signal);
  if (!signal) return promise;
  let stop;
  const aborted = new Promise((_, reject) => {
    stop = () => {
      try {
        check(signal);
      } catch (reason) {
        reject(reason);
      }
    };
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Resolves after so many milliseconds; rejects when aborted. */
export async function delay(milliseconds, signal) {
  let timer;
  try {
    await abortable(new Promise(resolve => { timer = setTimeout(resolve, milliseconds); }), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs something with a signal that is aborted by another one, or after so many milliseconds; `isOver` tells of the latter. */
export async function within(milliseconds, signal, run) {
  check(signal);
  const controller = new AbortController();
  const limit = { signal: controller.signal, isOver: false };
  const stop = () => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    limit.isOver = true;
    controller.abort();
  }, milliseconds);
  signal?.addEventListener('abort', stop);
  try {
    return await run(limit);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** The longest that work goes on without letting the engine draw, or hear its user: 12 ms. */
export function breather() {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < 12) return;
    await new Promise(resolve => { setTimeout(resolve); });
    last = performance.now();
  };
}

/** One at a time. */
export class Turn {
  #last = Promise.resolve();

  async take(signal, run) {
    const before = this.#last;
    let done;
    this.#last = new Promise(resolve => { done = resolve; });
    try {
      await abortable(before, signal);
      return await run();
    } finally {
      // Whoever gave up early must not let the next one in before its turn.
      before.then(done);
    }
  }
}

/** Makes a call again while it fails for a moment. `retry` says how long to wait, or null. */
export async function attempt(call, retry, signal, onWait) {
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (failure) {
      const wait = retry(failures, failure);
      if (wait === null) throw failure;
      onWait?.(failure);
      await delay(wait, signal);
    }
  }
}

/** A part of the client that only some calls need is loaded when one does. */
export const load = part => part().catch(() => {
  throw new SyncFailure('unreachable', 'A part of the client cannot be loaded.');
});
