// The client. What its options and answers mean is in ../index.d.ts.

import { gunzip } from './connection.js';
import { kept, readQueued } from './events.js';
import { SyncFailure } from './failure.js';
import { runLive, standing } from './live.js';
import { pull } from './pull.js';
import { restCalls } from './rest.js';
import { Turn, abortable, load } from './waiting.js';

/** Batches ahead of what is saved: about 5 MB. */
const COMPRESSED_WINDOW = 64, PLAIN_WINDOW = 16, MAX_WINDOW = 1000;

const DEFAULTS = {
  stream: true, filter: 'mirror', verifyDigest: true, pageSize: 1000, batchSize: 1000, delta: false, references: false,
  connectTimeout: 10_000, idleTimeout: 60_000, requestTimeout: 60_000, catchUpInterval: 300_000, pollInterval: 2000,
  maxPollInterval: 30_000, streamRetryInterval: 300_000,
  maxAttempts: 5, baseDelay: 500, maxDelay: 30_000, maxRetryAfter: 60_000, maxMessageBytes: 4 * 1024 * 1024, maxBodyBytes: 80 * 1024 * 1024,
};

/** How many events a named consumer is given at once, and how long its cursor may lag: a write for each would be dear. */
const CONSUMER_PAGE = 256, CURSOR_LAG = 100;

/** @typedef {import('../index.d.ts').SyncManager} Contract */

/** @implements {Contract} */
export class SyncManager {
  #options;
  #pulling = new Turn();
  #flushing = new Turn();
  #saved = changed();

  /** @param {import('../index.d.ts').SyncOptions} options */
  constructor(options) {
    this.#options = validated(options);
  }

  /** @type {Contract['pull']} */
  pull({ signal, onProgress } = {}) {
    return this.#pull(this.#options, { signal, onProgress });
  }

  /** @type {Contract['push']} */
  async push(events, { signal, onProgress } = {}) {
    const { push } = await pushing();
    return push({ events, store: this.#options.store, rest: restCalls(this.#options), retry: this.#retry, onProgress, signal });
  }

  /** @type {Contract['enqueue']} */
  async enqueue(events) {
    await this.#options.store.enqueue(readQueued(events));
  }

  /** @type {Contract['flush']} */
  flush({ signal, onProgress } = {}) {
    const { store, log } = this.#options;
    return this.#flushing.take(signal, async () => {
      try {
        const { flush } = await pushing();
        return await flush({ store, rest: restCalls(this.#options), retry: this.#retry, log, onProgress, signal });
      } catch (failure) {
        if (!(failure instanceof SyncFailure)) throw failure;
        return { acknowledged: 0, rejected: [], pending: await store.count(), failure }; // offline before it was ever loaded
      }
    });
  }

  /** @type {Contract['refused']} */
  refused() {
    return this.#options.store.refused();
  }

  /** @type {Contract['forgetRefused']} */
  forgetRefused(number) {
    return this.#options.store.forgetRefused(number);
  }

  /** @type {Contract['meta']} */
  meta({ signal } = {}) {
    return restCalls(this.#options).meta(signal);
  }

  /** @type {Contract['beginAnew']} */
  beginAnew({ signal } = {}) {
    const { store } = this.#options;
    return this.#pulling.take(signal, () => this.#flushing.take(
      signal, () => store.clear('It was made for another log, and was not sent.')));
  }

  // Hands out what is saved while it runs, or, to a consumer with a name, the store's events from its cursor on, which moves past an event
  // when the consumer comes back for the next.
  /** @type {Contract['watch']} */
  async* watch({ consumer, signal, onState, onProgress } = {}) {
    const { store } = this.#options;
    const stop = new AbortController();
    const leave = () => stop.abort(signal.reason);
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave);
    const fresh = [];
    let place = 0, written = 0, edition = 0, writtenAt = 0;
    /** @type {{ error: any } | null} */
    let end = null;
    const onAdded = events => consumer === undefined && fresh.push(...events);
    const running = this.#live({ signal: stop.signal, onState, onProgress, onAdded }).catch(error => {
      end = { error };
      this.#tell();
    });
    const write = () => {
      if (place === written) return true;
      written = place;
      writtenAt = performance.now();
      return store.move(consumer, edition, place);
    };
    try {
      for (;;) {
        const more = this.#saved, ended = end;
        const page = consumer === undefined ? { place, edition, events: fresh.splice(0) } : await store.readFor(consumer, CONSUMER_PAGE);
        ({ place, edition } = page);
        written = place;
        writtenAt = performance.now();
        for (const event of page.events) {
          yield event;
          if (consumer === undefined) continue;
          place++;
          if (performance.now() - writtenAt >= CURSOR_LAG && !await write()) break;
        }

        await write();
        if (page.events.length > 0) continue;

        // What was saved before the end was read after it.
        if (ended) throw ended.error;
        await abortable(more.told, stop.signal);
      }
    } finally {
      signal?.removeEventListener('abort', leave);
      stop.abort();
      await running;
      await write();
    }
  }

  #live({ signal, onState, onProgress, onAdded }) {
    const options = this.#options;
    return runLive({
      options, signal, onState, backoff: this.#backoff,
      pull: (streams, stream, signal) => {
        const live = streams ? stream : undefined;
        return this.#pull({ ...options, stream: streams, priority: undefined }, { signal, onProgress, onAdded, live, isPatient: true });
      },

      // Not while a pull runs, which may take events back, or bring those that come before these.
      save: (run, signal) => this.#pulling.take(signal, async () => {
        const { checkpoint } = await options.store.load();
        const is = standing(checkpoint, run);
        if (is === 0) this.#added(onAdded)(await options.store.save(kept(run.events, options, false), run.mark));
        return is >= 0;
      }),
    });
  }

  /** @param {any} options  @param {any} call */
  #pull(options, { signal, onProgress, onAdded, live, isPatient }) {
    return this.#pulling.take(signal, () =>
      pull({ options, rest: restCalls(options, isPatient), retry: this.#retry, onProgress, live, onAdded: this.#added(onAdded), signal }));
  }

  #tell() {
    this.#saved.tell();
    this.#saved = changed();
  }

  #added(onAdded) {
    return events => {
      if (events.length === 0) return;
      onAdded?.(events);
      this.#tell();
    };
  }

  // Full jitter: a random wait below a ceiling that doubles; a Retry-After is waited for in full, and a little more.
  #backoff = (failures, retryAfter, maxDelay = this.#options.maxDelay) => {
    const { random, baseDelay } = this.#options;
    const wait = random() * Math.min(maxDelay, baseDelay * 2 ** Math.min(failures - 1, 30));
    return retryAfter === undefined ? wait : retryAfter + wait / 10;
  };

  #retry = (failures, failure) => {
    const { maxAttempts, maxRetryAfter } = this.#options;
    return !failure.isTransient || failures >= maxAttempts || failure.retryAfter > maxRetryAfter ? null
      : this.#backoff(failures, failure.retryAfter);
  };
}

const pushing = () => load(() => import('./push.js'));

function changed() {
  let tell;
  return { told: new Promise(resolve => { tell = resolve; }), tell: () => tell() };
}

/** @param {any} given @returns {any} */
function validated(given) {
  const opens = given.decompress ?? (typeof DecompressionStream === 'undefined' ? undefined : gunzip);
  /** @type {any} */
  const options = {
    ...DEFAULTS, fetch: (url, init) => globalThis.fetch(url, init), WebSocket: globalThis.WebSocket, random: Math.random, log: () => {},
    encodings: opens ? ['gzip'] : [], decompress: opens, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  const must = (holds, rule) => {
    if (!holds) throw new TypeError(rule);
  };
  const { server, store, token, window } = options;
  must(/^https?:\/\/[^?#]+$/.test(String(server)) && store && token, 'server (a URL), store and token are needed.');
  for (const [name, least] of [['batchSize', 1], ['pageSize', 1], ['window', 0]]) {
    must(!(options[name] < least || options[name] > 1000 || options[name] % 1), `${name} is ${least} to 1000.`);
  }

  return {
    ...options, server: String(server).replace(/\/+$/, ''),
    token: typeof token === 'string' ? async () => token : async (...args) => token(...args),
    stream: options.stream && options.WebSocket !== undefined, window: window === 0 ? null : window ?? usual(options),
  };
}

// Of smaller batches as many more.
const usual = ({ encodings, batchSize }) =>
  Math.min(MAX_WINDOW, Math.floor((encodings.length > 0 ? COMPRESSED_WINDOW : PLAIN_WINDOW) * 1000 / batchSize));
