// What goes wrong, as a value: in words for people, and facts for code. Never holds a token.

const TRANSIENT = ['unreachable', 'timedOut', 'throttled', 'serverError', 'noToken'];

/** A call that did not do what was asked. The kinds are in index.d.ts. */
export class SyncFailure extends Error {
  /** @type {any} */
  kind;

  /** @type {string | undefined} */
  code;

  /** @type {number | undefined} */
  retryAfter;

  /**
   * @param {import('../index.d.ts').SyncFailureKind} kind
   * @param {string} message one sentence
   * @param {{ code?: string, status?: number, retryAfter?: number, epoch?: string, eventCount?: number }} facts
   */
  constructor(kind, message, { code, status, retryAfter, epoch, eventCount } = {}) {
    super(message);
    Object.assign(this, { name: 'SyncFailure', kind, code, status, retryAfter, epoch, eventCount });
  }

  /** Whether the same call may succeed later. */
  get isTransient() {
    return TRANSIENT.includes(this.kind);
  }

  /** Whether our own server said so. Else something on the way may have answered in its place. */
  get isVerdict() {
    return this.code !== undefined;
  }
}

/** What a token provider throws when there is nobody to sync for: it ends a watch. */
export class SignedOut extends Error {
  constructor(message = 'Nobody is signed in.') {
    super(message);
    this.name = 'SignedOut';
  }
}

export const bad = message => new SyncFailure('badAnswer', message);

/**
 * The device and the server do not hold one history.
 * @param {{ epoch?: string, eventCount?: number }} facts of the server's log
 */
export const otherHistory = ({ epoch, eventCount }, words = 'The server has another history.') =>
  new SyncFailure('historyChanged', words, { code: 'HISTORY_CHANGED', epoch, eventCount });

/** What a refused call means. Only a problem document of our own server is its verdict: a proxy knows neither the user nor the call. */
export function kindOf(status, code) {
  if (code === 'HISTORY_CHANGED') return 'historyChanged';
  if (status === 429) return 'throttled';
  if (status === 408 || status >= 500) return 'serverError';
  if (code === undefined && status !== 401) return 'badAnswer';
  return status === 401 || status === 403 ? 'unauthorized' : 'refused';
}
