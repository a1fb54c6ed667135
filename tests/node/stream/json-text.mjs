// JSON as it is spelled: where values begin and end, without changing a byte. The text is valid JSON, one character for each byte.

/** The members of the object at `at`: each name with its quotes, and where its value stands. */
export function* members(text, at = 0) {
  for (at = skipSpace(text, at + 1); text[at] !== "}"; at = skipComma(text, at)) {
    const name = text.slice(at, (at = stringEnd(text, at)));
    const start = skipSpace(text, skipSpace(text, at) + 1);
    yield { name, start, end: (at = valueEnd(text, start)) };
  }
}

/** The members as a map of name to value. Of a name that comes twice, the last. */
export const fieldsOf = (text) => new Map([...members(text)].map(({ name, start, end }) => [name, text.slice(start, end)]));

/** The values of an array. */
export function elements(text) {
  const found = [];
  for (let at = skipSpace(text, 1); text[at] !== "]"; at = skipComma(text, at)) {
    found.push(text.slice(at, (at = valueEnd(text, at))));
  }

  return found;
}

function valueEnd(text, at) {
  if (text[at] === '"') return stringEnd(text, at);
  if (text[at] !== "{" && text[at] !== "[") {
    while (at < text.length && !",]} \n\r\t".includes(text[at])) at++;
    return at;
  }

  for (let depth = 0; ; ) {
    const char = text[at];
    if (char === undefined) throw new Error("The JSON ends too early.");
    if (char === "{" || char === "[") depth++;
    if (char === "}" || char === "]") depth--;
    at = char === '"' ? stringEnd(text, at) : at + 1;
    if (depth === 0) return at;
  }
}

function stringEnd(text, at) {
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) throw new Error("The JSON ends too early.");
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function skipSpace(text, at) {
  while (" \n\r\t".includes(text[at])) at++;
  if (at >= text.length) throw new Error("The JSON ends too early.");
  return at;
}

function skipComma(text, at) {
  at = skipSpace(text, at);
  return text[at] === "," ? skipSpace(text, at + 1) : at;
}
