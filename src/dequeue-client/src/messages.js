// The messages of a stream, read as strictly as a client must: what is malformed ends the stream, what is unknown is ignored.

import { isCheckpoint, isObject, syncEvent } from './events.js';
import { bad } from './failure.js';
import { eventTexts } from './json-text.js';

const MAX_BATCH = 1000;

/** @throws {import('./failure.js').SyncFailure} of kind badAnswer */
export function readMessage(text) {
  const message = parse(text);
  const { type, epoch, checkpoint, processedEvents } = message;
  const isRight = {
    start: () => isCount(message.totalEvents) && isOptional(message.historyEvents, isCount),
    batch: () => isCount(message.batchIndex) && typeof message.isLast === 'boolean' && isOptional(checkpoint, isCheckpoint)
      && isRising(message.deltas ??= []) && isList(message.references ??= [], isReference) && takeEvents(message, text),
    live: () => isCount(message.before) && isCheckpoint(checkpoint) && takeEvents(message, text) && message.events.length > 0,
    ready: () => isCount(processedEvents),
    complete: () => isCount(processedEvents) && isCheckpoint(message.newCheckpoint) && isOptional(message.digest, isText)
      && isOptional(message.position, isCount),
    error: () => isText(message.error) && isText(message.code),
  }[/^sync\.stream\.(\w+)$/.exec(type)?.[1]] ?? (() => isText(type));
  if (!isRight() || !isOptional(epoch, isText)) throw bad(`A ${isText(type) ? type : 'message'} of the stream is malformed.`);
  return message;
}

/** The events of a page. @throws {import('./failure.js').SyncFailure} of kind badAnswer */
export function readPage(page) {
  const { nextCheckpoint, hasMore, epoch } = page;
  if (!isCheckpoint(nextCheckpoint) || typeof hasMore !== 'boolean' || !isOptional(epoch, isText) || !takeEvents(page, page.text)) {
    throw bad('A page is not what the contract says.');
  }

  return page;
}

function parse(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw bad('A message of the stream is not valid JSON.');
  }

  if (!isObject(message)) throw bad('A message of the stream is malformed.');
  return message;
}

function takeEvents(message, text) {
  if (!isList(message.events, isObject)) return false;
  const texts = eventTexts(text);
  if (texts.length !== message.events.length) return false;
  message.events = message.events.map((event, place) => syncEvent(texts[place], event));
  return true;
}

const isText = value => typeof value === 'string';
const isCount = value => Number.isSafeInteger(value) && value >= 0;
const isList = (value, isElement) => Array.isArray(value) && value.every(isElement);
const isRising = value => isList(value, (place, index) => isCount(place) && (index === 0 || place > value[index - 1]));
const isOptional = (value, isRight) => value === undefined || value === null || isRight(value);
const isReference = value =>
  isObject(value) && isText(value.url) && isCheckpoint(value.checkpoint) && isCount(value.count)
  && value.count >= 1 && value.count <= MAX_BATCH && isText(value.digest);
