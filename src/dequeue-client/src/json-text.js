// JSON as it is spelled. JSON.parse loses how a number or a string was written, and the order of some names; deltas and digests
// need the very text. All of it is for text that JSON.parse has accepted, takes linear time, and does not recurse.

const QUOTE = 0x22, BACKSLASH = 0x5c, COMMA = 0x2c, OPEN_ARRAY = 0x5b, CLOSE_ARRAY = 0x5d, OPEN_OBJECT = 0x7b, CLOSE_OBJECT = 0x7d;

/**
 * The members of the object at `at`, in their order: `{ name, start, end }`, the name with its quotes, and where the value stands.
 * @param {string} text
 */
export function* members(text, at = 0) {
  for (at = solid(text, at + 1); text.charCodeAt(at) !== CLOSE_OBJECT; at = next(text, at)) {
    const colon = stringEnd(text, at);
    const name = text.slice(at, colon);
    const start = solid(text, solid(text, colon) + 1);
    const end = valueEnd(text, start);
    yield { name, start, end };
    at = end;
  }
}

/** The text of each element of an array. */
export const elements = text => cut(text, 0).found;

/** The text of each of a message's events. In one pass: a message is up to 1 MB, and there are many. */
export function eventTexts(message) {
  let events = [];
  for (let at = solid(message, 1); message.charCodeAt(at) !== CLOSE_OBJECT; at = next(message, at)) {
    const colon = stringEnd(message, at);
    const start = solid(message, solid(message, colon) + 1);
    if (message.slice(at, colon) === '"events"') ({ found: events, end: at } = cut(message, start));
    else at = valueEnd(message, start);
  }

  return events;
}

function cut(text, at) {
  const found = [];
  for (at = solid(text, at + 1); text.charCodeAt(at) !== CLOSE_ARRAY; at = next(text, at)) {
    const end = valueEnd(text, at);
    found.push(text.slice(at, end));
    at = end;
  }

  return { found, end: at + 1 };
}

export const isObjectAt = (text, at) => text.charCodeAt(at) === OPEN_OBJECT;
export const isStringAt = (text, at) => text.charCodeAt(at) === QUOTE;

function valueEnd(text, at) {
  let depth = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at) - 1;
    else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth++;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) depth--;
    else if (depth > 0 || !isLiteralEnd(text, at + 1)) continue;
    if (depth === 0) return at + 1;
  }

  throw new RangeError('The JSON ends too early.');
}

function isLiteralEnd(text, at) {
  const code = text.charCodeAt(at);
  return code === COMMA || code === CLOSE_OBJECT || code === CLOSE_ARRAY || isSpace(code) || at >= text.length;
}

function stringEnd(text, at) {
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) throw new RangeError('The JSON ends too early.');
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((at - before) % 2 === 1) return at + 1;
  }
}

/** Where the next member or element begins after one that ends at `at`, or its holder ends. */
function next(text, at) {
  at = solid(text, at);
  return text.charCodeAt(at) === COMMA ? solid(text, at + 1) : at;
}

function solid(text, at) {
  while (isSpace(text.charCodeAt(at))) at++;
  if (at >= text.length) throw new RangeError('The JSON ends too early.');
  return at;
}

const isSpace = code => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
