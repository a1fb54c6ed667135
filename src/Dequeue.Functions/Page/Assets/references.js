// Pages of a long history that come by reference: fetched side by side from where they are stored, checked, given in order.

import { SyncFailure, isObject } from './api.js';
import { EventDigest } from './digest.js';
import { elements, eventTexts } from './rawjson.js';
import { isCheckpoint, textOf } from './wire.js';

const PATIENCE = 30_000;

/**
 * The pages of a batch, in order, each `{ events, texts, checkpoint, bytes }`. One that cannot be had, or is not what its digest
 * says, comes by REST instead.
 * @param {{ api: import('./api.js').Api, references: object[], since: string | null, signal: AbortSignal }} options
 * @throws {SyncFailure} when REST does not bring it either.
 */
export async function* pages({ api, references, since, signal }) {
  const fetched = await Promise.all(references.map(reference => fetchPage(reference, signal).catch(() => null)));
  signal.throwIfAborted();
  for (const [index, reference] of references.entries()) {
    yield fetched[index] ?? await restPage(api, reference, since, signal);
    since = reference.checkpoint;
  }
}

async function fetchPage(reference, signal) {
  const answer = await fetch(reference.url, {
    credentials: 'omit', cache: 'no-store', redirect: 'error', referrerPolicy: 'no-referrer', signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
  });
  if (!answer.ok) throw new SyncFailure('stream', `A page answered ${answer.status}.`);
  const text = await textOf(answer.body);
  const events = JSON.parse(text);
  if (!Array.isArray(events)) throw new SyncFailure('stream', 'A page is no array.');
  const page = { events, texts: elements(text), checkpoint: reference.checkpoint, bytes: Number(answer.headers.get('Content-Length')) || text.length };
  return verified(page, reference);
}

async function restPage(api, reference, since, signal) {
  const { events, text, bytes, nextCheckpoint } = await api.page(since, reference.count, signal);
  if (!isCheckpoint(nextCheckpoint)) throw new SyncFailure('answer', 'A page has no checkpoint.');
  return verified({ events, texts: eventTexts(text), checkpoint: reference.checkpoint, bytes }, reference);
}

function verified(page, { count, digest }) {
  const actual = new EventDigest();
  actual.add(page.texts);
  if (page.events.length !== count || !page.events.every(isObject) || actual.end() !== digest) {
    throw new SyncFailure('stream', 'A page that came by reference is not what its digest says.');
  }

  return page;
}
