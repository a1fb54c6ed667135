// The REST calls. Every failure is a SyncFailure; only the caller's own abort, and what the token provider throws, is something else.

import { bytesOf, textOf } from './connection.js';
import { isObject } from './events.js';
import { SyncFailure, SignedOut, bad, kindOf } from './failure.js';
import { readPage } from './messages.js';
import { within } from './waiting.js';

export const isCount = value => Number.isSafeInteger(value) && value >= 0;

/**
 * The calls of one run, whose token is asked for once, and once more after a 401.
 * @param {boolean} isPatient whether what the token provider throws is a failure that may be over in a moment
 */
export function restCalls(options, isPatient = false) {
  let token, isRefreshed = false;

  // Of a foreign error the message stays out: it may hold a token.
  const ask = async (refused, signal) => {
    try {
      token = await options.token(refused, signal);
    } catch (error) {
      if (!isPatient || error instanceof SignedOut || signal.aborted) throw error;
      throw new SyncFailure('noToken', `The token provider threw ${error?.name}.`);
    }
  };

  // A call, which `isRight` judges the answer of.
  const post = (call, body, isRight, patience = options.requestTimeout, method = 'POST') =>
    signal => within(patience, signal, async limit => {
      const url = `${options.server}${options.app === undefined ? '/v1' : `/apps/${encodeURIComponent(options.app)}`}/sync/${call}`;
      const { fetch, maxBodyBytes } = options;
      let isAsking = true;
      try {
        if (token === undefined) await ask(false, limit.signal);
        for (;;) {
          isAsking = false;
          const headers = { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) };
          const answer = await fetch(url, {
            method, headers, body: body && (typeof body === 'string' ? body : JSON.stringify(body)), cache: 'no-store', credentials: 'omit',
            redirect: 'error', signal: limit.signal,
          });
          if (answer.status === 401 && !isRefreshed) {
            isRefreshed = isAsking = true;
            await ask(true, limit.signal);
            continue;
          }

          const bytes = await readBody(answer, maxBodyBytes);
          const { text, json } = parse(bytes);
          if (!answer.ok) throw refusal(answer, json ?? {});
          if (!isObject(json) || !isRight(json)) throw bad(`sync/${call} answered something else than the contract says.`);
          return { ...json, text, bytes: bytes.length };
        }
      } catch (error) {
        if (limit.isOver) throw new SyncFailure('timedOut', 'The server does not answer in time.');
        if (isAsking || error instanceof SyncFailure || signal?.aborted) throw error;
        throw new SyncFailure('unreachable', 'The server cannot be reached.'); // Foreign words stay out: an address may hold a secret.
      }
    });

  return {
    /** A call whose answer `isRight` judges, before it gets a signal. */
    post,

    /** How many events a page may have. */
    pageSize: options.pageSize,

    /** Where to open the WebSocket, `{ url, epoch }`: the URL holds a token of its own, never shown, never logged. */
    negotiate: signal => post('stream/negotiate', '', ({ url }) => /^wss?:\/\//.test(url), options.connectTimeout)(signal),

    /** One page: `{ events, nextCheckpoint, hasMore, epoch, bytes }`. */
    page: async (since, limit, extra, signal) =>
      readPage(await post('pull', { ...(since && { since }), limit, ...extra }, isObject)(signal)),

    /** @param {string} body `{"events":[…]}` as it is to be spelled */
    push: (body, signal) => post('push', body, ({ acknowledged, rejected, errors, epoch }) =>
      [acknowledged, rejected, errors].every(Array.isArray) && (epoch ?? '') === `${epoch ?? ''}`)(signal),

    meta: signal => post('meta', undefined, ({ eventCount }) => isCount(eventCount), options.requestTimeout, 'GET')(signal),
  };
}

export const readBody = async (answer, most) =>
  (answer.body?.getReader ? bytesOf(answer.body, most) : new Uint8Array(await answer.arrayBuffer()));

function parse(bytes) {
  try {
    const text = textOf(bytes);
    return { text, json: JSON.parse(text) };
  } catch {
    return {};
  }
}

function refusal({ status, headers }, { code, detail, title, epoch, eventCount }) {
  const words = [detail, title, `The answer was ${status}, and no problem document of the server.`].find(text => typeof text === 'string');
  const wait = retryAfter(headers.get('Retry-After'));
  return new SyncFailure(kindOf(status, code), words, { code, status, retryAfter: wait, epoch, eventCount });
}

/** How many milliseconds a Retry-After asks to wait, in seconds or as a date. */
function retryAfter(header) {
  if (!header) return undefined;
  const wait = /^\d+$/.test(header) ? header * 1000 : Date.parse(header) - Date.now();
  return wait >= 0 ? wait : wait < 0 ? 0 : undefined;
}
