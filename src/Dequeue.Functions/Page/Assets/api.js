// The REST calls. Every failure is a SyncFailure that says what kind it is and what a person can do about it.

const REQUEST_PATIENCE = 60_000;

/**
 * A call that did not do what was asked. `kind`: signin, storage, offline, throttled, server, refused, answer, stream. A stream that was
 * cut may go on as a stream: `isCut`, with the `window` that the server wants, if it says one.
 */
export class SyncFailure extends Error {
  constructor(kind, message, { status, code, retryAfter, isCut = false, window } = {}) {
    super(message);
    Object.assign(this, { kind, status, code, retryAfter, isCut, window });
  }

  /** Whether the same call may succeed later. */
  get isTransient() {
    return ['storage', 'offline', 'throttled', 'server'].includes(this.kind);
  }
}

export class Api {
  #token;

  /** @param {string} token  @param {import('./link.js').Link} link what the calls go over */
  constructor(token, link) {
    this.#token = token;
    this.link = link;
  }

  over(link) {
    return new Api(this.#token, link);
  }

  meta(signal) {
    return this.#call('GET', '/v1/sync/meta', undefined, signal).then(({ body }) => {
      if (!Number.isSafeInteger(body.eventCount) || body.eventCount < 0) throw malformed();
      return body;
    });
  }

  /** One page: `{ events, nextCheckpoint, hasMore, text, bytes }`; `text` is the answer as it is spelled. */
  async page(since, limit, signal) {
    const { body, text, bytes } = await this.#call('POST', '/v1/sync/pull', { since: since ?? undefined, limit }, signal);
    if (!Array.isArray(body.events) || !body.events.every(isObject) || typeof body.nextCheckpoint !== 'string' || typeof body.hasMore !== 'boolean') throw malformed();
    return { ...body, text, bytes };
  }

  push(events, signal) {
    return this.#call('POST', '/v1/sync/push', { events }, signal).then(({ body }) => body);
  }

  /** A WebSocket URL. It holds a token of its own: never shown, never logged. */
  async negotiate(path, signal) {
    const { body } = await this.#call('POST', path, undefined, signal);
    const url = URL.parse(body.url);
    if (url?.protocol !== 'ws:' && url?.protocol !== 'wss:') throw malformed();
    return url;
  }

  async #call(method, path, body, signal) {
    await this.link.wait(0.5, signal);
    let answer, bytes;
    try {
      answer = await fetch(path, {
        method,
        headers: { Authorization: `Bearer ${this.#token}`, ...(body && { 'Content-Type': 'application/json' }) },
        body: body && JSON.stringify(body),
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(REQUEST_PATIENCE), ...(signal ? [signal] : [])]),
      });
      bytes = await answer.arrayBuffer();
    } catch (failure) {
      signal?.throwIfAborted();
      throw failure.name === 'TimeoutError'
        ? new SyncFailure('server', 'The server does not answer in time.')
        : new SyncFailure('offline', navigator.onLine ? 'The server cannot be reached.' : 'This device is offline.');
    }

    await this.link.wait(0.5, signal);
    const { text, json } = parse(bytes);
    if (!answer.ok) throw refusal(answer, json);
    if (!isObject(json)) throw malformed();
    return { body: json, text, bytes: bytes.byteLength };
  }
}

export const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = () => new SyncFailure('answer', 'The server gave an answer that makes no sense.');

function parse(bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, json: JSON.parse(text) };
  } catch {
    return { text: '', json: null };
  }
}

function refusal(answer, problem) {
  const seconds = Number(answer.headers.get('Retry-After'));
  const facts = { status: answer.status, code: problem?.code, retryAfter: seconds > 0 ? seconds * 1000 : undefined };
  const detail = typeof problem?.detail === 'string' ? problem.detail : '';
  if (answer.status === 401) return new SyncFailure('signin', 'The token is not valid, or it has expired.', facts);
  if (answer.status === 403) return new SyncFailure('signin', 'The token does not open this app.', facts);
  if (answer.status === 429) return new SyncFailure('throttled', 'Too many calls for now.', facts);
  if (answer.status === 503 && problem?.code === 'DB_ERROR') return new SyncFailure('storage', 'The event log’s storage does not answer.', facts);
  if (answer.status >= 500 || answer.status === 408) return new SyncFailure('server', `The server failed (${answer.status}). ${detail}`.trim(), facts);
  return new SyncFailure('refused', `The server refused the call (${answer.status}). ${detail}`.trim(), facts);
}
