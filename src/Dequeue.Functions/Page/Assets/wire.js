// The streaming messages, read as strictly as a client must: what is malformed ends the stream, what is unknown is ignored.

import { SyncFailure, isObject } from './api.js';
import { eventTexts } from './rawjson.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const CHECKPOINT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

export const request = (since, extra = {}) =>
  new TextEncoder().encode(JSON.stringify({ type: 'sync.stream.request', ...(since && { since }), ...extra }));

/** The acknowledgement of a batch, and of all before it. */
export const ack = batchIndex => new TextEncoder().encode(JSON.stringify({ type: 'sync.stream.ack', batchIndex }));

/**
 * The message of a frame, plain or gzipped, checked field by field. One with events has their `texts` too, as they are spelled.
 * @throws {SyncFailure} of kind stream
 */
export async function read(data) {
  const text = typeof data === 'string' ? data : await open(data);
  if (text.length > MAX_MESSAGE_BYTES) throw tooLarge();
  const message = parse(text);
  switch (message.type) {
    case 'sync.stream.start':
      check(isCount(message.totalEvents), message);
      break;
    case 'sync.stream.batch':
      check(isCount(message.batchIndex) && typeof message.isLast === 'boolean', message);
      check(message.checkpoint === undefined || isCheckpoint(message.checkpoint), message);
      check(isList(message.deltas ??= [], isCount) && isList(message.references ??= [], isReference), message);
      takeTexts(message, text);
      break;
    case 'sync.stream.live':
      check(isCount(message.before) && isCheckpoint(message.checkpoint), message);
      takeTexts(message, text);
      break;
    case 'sync.stream.ready':
      check(isCount(message.processedEvents), message);
      break;
    case 'sync.stream.complete':
      check(isCount(message.processedEvents) && isCheckpoint(message.newCheckpoint), message);
      check(isOptional(message.digest, value => typeof value === 'string') && isOptional(message.position, isCount), message);
      break;
    case 'sync.stream.error':
      check(typeof message.error === 'string' && typeof message.code === 'string', message);
      break;
    default:
      check(typeof message.type === 'string', message);
  }

  return message;
}

/** The text of a stream of bytes, up to the largest that there may be. @throws {SyncFailure} of kind stream when it is larger */
export async function textOf(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      if (text.length > MAX_MESSAGE_BYTES) throw tooLarge();
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Whether checkpoint `a` lies before `b`. */
export const isBefore = (a, b) => sortable(a) < sortable(b);

export const isCheckpoint = value => typeof value === 'string' && CHECKPOINT.test(value);

export const bytesOf = data => (typeof data === 'string' ? data.length : data.byteLength);

function sortable(checkpoint) {
  const [, seconds, fraction = ''] = CHECKPOINT.exec(checkpoint) ?? ['', ''];
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

/** The text of a frame. No compressed one begins with a brace. */
async function open(data) {
  const head = new Uint8Array(data, 0, Math.min(2, data.byteLength));
  try {
    if (head[0] !== 0x1f || head[1] !== 0x8b) return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    throw new SyncFailure('stream', 'A message of the stream is not valid JSON.');
  }

  try {
    return await textOf(new Blob([data]).stream().pipeThrough(new DecompressionStream('gzip')));
  } catch (failure) {
    throw failure instanceof SyncFailure ? failure : new SyncFailure('stream', 'A message of the stream is not valid gzip.');
  }
}

function parse(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw new SyncFailure('stream', 'A message of the stream is not valid JSON.');
  }

  check(isObject(message), {});
  return message;
}

function takeTexts(message, text) {
  check(isList(message.events, isObject), message);
  message.texts = eventTexts(text);
  check(message.texts.length === message.events.length, message);
}

function check(holds, { type = 'message' }) {
  if (!holds) throw new SyncFailure('stream', `A ${type} of the stream is malformed.`);
}

const tooLarge = () => new SyncFailure('stream', 'A message of the stream is too large.');
const isCount = value => Number.isSafeInteger(value) && value >= 0;
const isList = (value, isElement) => Array.isArray(value) && value.every(isElement);
const isOptional = (value, isRight) => value === undefined || isRight(value);
const isReference = value =>
  isObject(value) && typeof value.url === 'string' && isCheckpoint(value.checkpoint) && isCount(value.count) && typeof value.digest === 'string';
