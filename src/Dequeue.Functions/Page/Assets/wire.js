// The streaming messages, read as strictly as a client must: what is malformed ends the stream, what is unknown is ignored.

import { SyncFailure, isObject } from './api.js';

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const CHECKPOINT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

export const request = (since, extra = {}) =>
  new TextEncoder().encode(JSON.stringify({ type: 'sync.stream.request', ...(since && { since }), ...extra }));

/** The message of a frame, plain or gzipped, checked field by field. @throws {SyncFailure} of kind stream */
export async function read(data) {
  const message = parse(isGzip(data) ? await unzip(data) : data);
  switch (message.type) {
    case 'sync.stream.start':
      check(isCount(message.totalEvents), message);
      break;
    case 'sync.stream.batch':
      check(Array.isArray(message.events) && message.events.every(isObject) && isCount(message.batchIndex) && typeof message.isLast === 'boolean', message);
      check(message.checkpoint === undefined || isCheckpoint(message.checkpoint), message);
      break;
    case 'sync.stream.complete':
      check(isCount(message.processedEvents) && isCheckpoint(message.newCheckpoint), message);
      break;
    case 'sync.stream.error':
      check(typeof message.error === 'string' && typeof message.code === 'string', message);
      break;
    default:
      check(typeof message.type === 'string', message);
  }

  return message;
}

/** Whether checkpoint `a` lies before `b`. */
export const isBefore = (a, b) => sortable(a) < sortable(b);

export const isCheckpoint = value => typeof value === 'string' && CHECKPOINT.test(value);

export const bytesOf = data => (typeof data === 'string' ? data.length : data.byteLength);

function sortable(checkpoint) {
  const [, seconds, fraction = ''] = CHECKPOINT.exec(checkpoint) ?? ['', ''];
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

function isGzip(data) {
  const head = typeof data === 'string' ? [] : new Uint8Array(data, 0, Math.min(2, data.byteLength));
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Opens a frame, and stops at the largest message that there may be, whatever a few bytes would grow to. */
async function unzip(data) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      if (text.length > MAX_MESSAGE_BYTES) throw tooLarge();
    }
  } catch (failure) {
    throw failure instanceof SyncFailure ? failure : new SyncFailure('stream', 'A message of the stream is not valid gzip.');
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(data) {
  if (bytesOf(data) > MAX_MESSAGE_BYTES) throw tooLarge();
  let message;
  try {
    message = JSON.parse(typeof data === 'string' ? data : new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    throw new SyncFailure('stream', 'A message of the stream is not valid JSON.');
  }

  check(isObject(message), {});
  return message;
}

function check(holds, { type = 'message' }) {
  if (!holds) throw new SyncFailure('stream', `A ${type} of the stream is malformed.`);
}

const tooLarge = () => new SyncFailure('stream', 'A message of the stream is too large.');
const isCount = value => Number.isSafeInteger(value) && value >= 0;
