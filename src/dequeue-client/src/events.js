// Events: the text as it is spelled beside the object, and what an event must be.

import { members } from './json-text.js';

const CHECKPOINT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const TIME = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const ENVELOPE = ['id', 'type', 'ts', 'user_id', 'device_id', 'payload', 'payload_version'];

/** The server's limits, so that what it would refuse is not queued. */
const MAX_BYTES = 64 * 1024, MAX_DEPTH = 60, MAX_TYPE = 128;

export const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value);

export const isCheckpoint = value => typeof value === 'string' && CHECKPOINT.test(value);

/** Whether two checkpoints are one position, however it is spelled. */
export const isSame = (a, b) => sortable(a) === sortable(b);

/** Whether checkpoint `a` lies before `b`. Null is the beginning. */
export const isBefore = (a, b) => sortable(a) < sortable(b);

function sortable(checkpoint) {
  const [, seconds = '1970-01-01T00:00:00', fraction = ''] = CHECKPOINT.exec(checkpoint ?? '') ?? [];
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

/** An event as the stores and the app get it. */
export const syncEvent = (text, event = JSON.parse(text)) => ({ id: typeof event.id === 'string' ? event.id : undefined, text, event });

export const textsOf = events => events.map(event => event.text);

/** How many bytes a text has in UTF-8. */
export const utf8Length = text => new TextEncoder().encode(text).length;

/**
 * An event to be pushed, held against the server's own rules.
 * @param {string | object} source its JSON, which is pushed as it is spelled, or an object, which is spelled by JSON.stringify
 * @throws {TypeError} that names the rule which it breaks
 */
export function readEvent(source) {
  const text = typeof source === 'string' ? source : JSON.stringify(source);
  let event;
  try {
    event = JSON.parse(text);
  } catch {
    throw new TypeError('An event is valid JSON.');
  }

  const rule = brokenRule(text, event);
  if (rule) throw new TypeError(rule);
  return syncEvent(text, event);
}

/** Reads events to be queued. @throws {TypeError} that names the first one which breaks a rule */
export const readQueued = events => [...events].map((event, place) => {
  try {
    return readEvent(event);
  } catch (error) {
    throw new TypeError(`events[${place}] cannot be queued: ${error.message}`);
  }
});

function brokenRule(text, event) {
  if (!isObject(event)) return 'An event is a JSON object.';
  if (typeof event.id !== 'string' || !/^[\w-]{1,64}$/.test(event.id)) return 'id is 1 to 64 of A-Z a-z 0-9 _ - (a CUID or a UUID).';
  const spelled = new Map();
  for (const { name, start, end } of members(text, text.indexOf('{'))) {
    const field = JSON.parse(name);
    if (!ENVELOPE.includes(field)) continue;
    if (spelled.has(field)) return 'An envelope field stands twice.';
    spelled.set(field, text.slice(start, end));
  }

  if (typeof event.type !== 'string' || event.type === '' || event.type.length > MAX_TYPE)
    return `type is a string of 1 to ${MAX_TYPE} characters.`;
  if (typeof event.ts !== 'string' || !TIME.test(event.ts)) return 'ts is an RFC 3339 date-time.';
  if (!isObject(event.payload)) return 'payload is an object.';
  if (!/^-?\d+$/.test(spelled.get('payload_version') ?? '') || event.payload_version !== (event.payload_version | 0))
    return 'payload_version is an integer.';
  if (event.user_id !== undefined && typeof event.user_id !== 'string') return 'user_id is a string.';
  const { length, depth } = measure(text);
  if (depth > MAX_DEPTH) return `An event nests at most ${MAX_DEPTH} levels deep.`;
  return length > MAX_BYTES ? `An event has at most ${MAX_BYTES} bytes.` : null;
}

/** How many bytes there are without white space between them, and how deep they nest. */
function measure(text) {
  let depth = 0, deepest = 0;
  const solid = text.replaceAll(/"(?:[^"\\]|\\.)*"|\s+|[[{\]}]/g, part => {
    if (part === '{' || part === '[') deepest = Math.max(deepest, ++depth);
    else if (part === '}' || part === ']') depth--;
    return part.trim();
  });
  return { length: utf8Length(solid), depth: deepest };
}

/** The events that a device keeps; the very same list when all are. */
export function kept(events, { filter, deviceId }, isFirstSync) {
  const keeps = ({ id, event }) => id !== undefined && (filter !== 'shippedApp'
    || (typeof event.type === 'string' && typeof event.ts === 'string' && isObject(event.payload) && Number.isInteger(event.payload_version)
      && event.payload_version >= 2 && (isFirstSync || deviceId === undefined || event.device_id !== deviceId)));
  return events.every(keeps) ? events : events.filter(keeps);
}
