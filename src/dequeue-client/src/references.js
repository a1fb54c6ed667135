// Pages of a long history that come by reference: fetched side by side from where they are stored, checked, given in order.

import { textOf } from './connection.js';
import { digestOf } from './digest.js';
import { isObject, syncEvent, textsOf } from './events.js';
import { SyncFailure, bad } from './failure.js';
import { elements } from './json-text.js';
import { eventsAfter } from './ranges.js';
import { readBody } from './rest.js';
import { check, within } from './waiting.js';

/** Pages that are fetched, or wait for their turn, at once. */
const AHEAD = 4;

/**
 * The pages of a batch, in order: `{ events, checkpoint, bytes }`. One that cannot be had, or is not what its digest says, comes by REST.
 * @throws {SyncFailure} when REST does not bring it either
 */
export async function* referencedPages({ pages, options, rest, signal, since }) {
  const stop = new AbortController();
  const fetching = [];
  try {
    for (const [place, page] of pages.entries()) {
      while (fetching.length < Math.min(pages.length, place + AHEAD)) {
        fetching.push(fetchPage(pages[fetching.length], options, stop.signal).catch(() => null));
      }

      const isRight = fetched => fetched?.events.length === page.count && digestOf(textsOf(fetched.events)) === page.digest.toLowerCase();
      let fetched = await fetching[place];
      fetching[place] = null;
      check(signal);
      if (!isRight(fetched)) { // [P41]
        fetched = await eventsAfter(rest, since(), page.count, signal);
        if (!isRight(fetched)) throw bad('The events of a page by reference are not what its digest says.'); // [P43]
      }

      yield { ...fetched, checkpoint: page.checkpoint }; // [P40, P42]
    }
  } finally {
    stop.abort();
  }
}

// By its URL alone: the token goes nowhere but to the server.
async function fetchPage({ url }, { server, fetch, requestTimeout, maxMessageBytes }, signal) {
  if (!isAllowed(url, server)) throw bad('A page by reference has no HTTPS address.');
  return within(requestTimeout, signal, async limit => {
    const answer = await fetch(url, {
      credentials: 'omit', cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer', signal: limit.signal,
    });
    if (answer.status !== 200) throw new SyncFailure('refused', `A page by reference was refused with ${answer.status}.`);
    const bytes = await readBody(answer, maxMessageBytes);
    const text = textOf(bytes);
    const events = JSON.parse(text);
    if (!Array.isArray(events) || !events.every(isObject)) throw bad('A page by reference is no array of events.');
    const texts = elements(text);
    return {
      events: events.map((event, place) => syncEvent(texts[place], event)), bytes: Number(answer.headers.get('Content-Length')) || bytes.length,
    };
  });
}

// Plain HTTP is for development: a server and a blob storage on this machine.
const isLocal = url => /^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/i.test(url);
const isAllowed = (url, server) => /^https:\/\//i.test(url) || (isLocal(url) && isLocal(server));
