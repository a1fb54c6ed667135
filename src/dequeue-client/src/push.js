// Pushing: bodies made by splicing the events' texts, at once or from the store's queue.

import { utf8Length } from './events.js';
import { bad } from './failure.js';
import { attempt } from './waiting.js';

/** `{"events":[…]}`, below the server's limits. */
export class PushBody {
  /** Events of a body: the server's limit. */
  static MAX_EVENTS = 1000;

  /** Bytes of a body, below the server's limit of 4 MB. */
  static #MAX_BYTES = 3_500_000;

  #texts = [];
  #bytes = 0;

  get count() {
    return this.#texts.length;
  }

  /** @returns {boolean} false when there is no room for it */
  add(text) {
    const bytes = utf8Length(text) + 1;
    if (this.count > 0 && (this.count === PushBody.MAX_EVENTS || this.#bytes + bytes > PushBody.#MAX_BYTES)) return false;
    this.#texts.push(text);
    this.#bytes += bytes;
    return true;
  }

  /** @param {string | null} epoch the log that they are for: another one stores none of them. With null the answer tells it */
  close(epoch) {
    return `{"events":[${this.#texts.join(',')}],"epoch":${JSON.stringify(epoch)}}`;
  }
}

/**
 * What a push and a flush have in common: the result, its reports, and how a body is sent.
 * @param {any} tools
 */
async function pushing({ store, rest, retry, onProgress, signal }, result, total) {
  let { epoch } = await store.load();
  const progress = { phase: 'connecting', transport: 'rest', processed: 0, total, failure: null };
  const report = change => onProgress?.({ ...Object.assign(progress, change) });
  report({});
  return {
    report,
    async post(body) {
      const answer = await attempt(() => rest.push(body.close(epoch), signal), retry, signal, failure => report({ phase: 'waiting', failure }));
      if (epoch === null && answer.epoch) await store.adopt(epoch = answer.epoch);
      return answer;
    },
    rejected: ({ rejected, errors }) => rejected.map((id, place) => ({ id, reason: errors[place] ?? 'No reason given.' })),
    settle(count, answer, rejected) {
      result.acknowledged += answer.acknowledged.length;
      result.rejected.push(...rejected);
      report({ phase: 'sending', processed: progress.processed + count, failure: null });
    },
  };
}

/** Sends events in order, without the queue. */
export async function push({ events, ...tools }) {
  const result = { acknowledged: 0, rejected: [] };
  const texts = Array.from(events, event => (typeof event === 'string' ? event : JSON.stringify(event)));
  const { report, post, rejected, settle } = await pushing(tools, result, texts.length);
  for (let at = 0; at < texts.length;) {
    const body = new PushBody();
    while (at < texts.length && body.add(texts[at])) at++;
    const answer = await post(body);
    settle(body.count, answer, rejected(answer));
  }

  report({ phase: 'completed' });
  return result;
}

/** Sends what waits in the queue, oldest first, and removes what the server has answered. Being offline is an outcome. */
export async function flush({ log, ...tools }) {
  const queue = tools.store;
  const result = { acknowledged: 0, rejected: [], pending: 0, failure: null };
  const { report, post, rejected, settle } = await pushing(tools, result, await queue.count());

  // The queue's first events as one body; as two when it is refused as a whole, until who is to blame is alone. [Q1-Q6]
  const send = async sent => {
    const body = new PushBody();
    for (const { text } of sent) body.add(text);
    let answer;
    try {
      answer = await post(body);
    } catch (failure) {
      if (failure.kind === undefined) throw failure;
      if (failure.isTransient || ![400, 413].includes(failure.status)) return failure; // [Q6]
      const half = sent.length >> 1;
      if (half > 0) return await send(sent.slice(0, half)) ?? send(sent.slice(half)); // [Q4]

      // A proxy that takes no body of this size says nothing about the event.
      if (failure.code !== 'INVALID_REQUEST') return failure;
      answer = { acknowledged: [], rejected: [sent[0].id], errors: [failure.message] }; // [Q5]
    }

    const answered = rejected(answer), refused = [], acknowledged = new Set(answer.acknowledged);
    let next = 0;
    for (const { number, id, text } of sent.filter(one => !acknowledged.has(one.id))) {
      // Both lists keep the order of the body. An id that breaks the rules comes back clipped, or not at all.
      const at = answered.findIndex((one, place) => place >= next && (one.id === '' || one.id === id.slice(0, 64)));
      if (at < 0) return bad(`The answer to the push leaves out event ${id}.`); // [Q2]
      refused.push({ number, id, reason: answered[at].reason, text });
      next = at + 1;
    }

    await queue.removeThrough(sent.at(-1).number, refused);
    for (const { id, reason } of refused) log(`The server refused event ${id}: ${reason}`);
    settle(sent.length, answer, answered); // [Q1]
    return null;
  };

  for (let waiting; !result.failure && (waiting = await queue.peek(PushBody.MAX_EVENTS)).length > 0;) {
    const body = new PushBody();
    const fits = waiting.findIndex(({ text }) => !body.add(text));
    result.failure = await send(fits < 0 ? waiting : waiting.slice(0, fits));
  }

  result.pending = await queue.count();
  report({ phase: 'completed' });
  return result;
}
