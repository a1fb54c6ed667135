// Deltas: an entity's state may come as a JSON Merge Patch against the one before. Both are worked on as text, so that the event
// comes back to the byte. The rules are those of docs/protocol.md.

import { bad } from './failure.js';
import { isObjectAt, isStringAt, members } from './json-text.js';

/** Deepest patch that is applied: JSON of more levels is in no event. */
const MAX_DEPTH = 64;

export class EntityStates {
  #states = new Map();

  /**
   * Makes the text of an event whole, and keeps its state.
   * @throws {import('./failure.js').SyncFailure} when a patch has nothing to apply to
   */
  whole(event, isPatched) {
    const found = findState(event);
    if (!found) {
      if (isPatched) throw bad('A patch of the stream belongs to no entity.');
      return event;
    }

    let state = event.slice(found.start, found.end);
    if (isPatched) {
      const before = this.#states.get(found.entity);
      if (before === undefined) throw bad('A patch of the stream came before its state.');
      state = merge(before, state, 0);
      event = event.slice(0, found.start) + state + event.slice(found.end);
    }

    this.#states.set(found.entity, state);
    return event;
  }

  forget() {
    this.#states.clear();
  }
}

/** Whose state an event brings, and where it stands; null when it brings none, or names one of these members twice. */
function findState(event) {
  const outer = find(event, 0, ['"type"', '"payload"']);
  if (!outer?.[0] || !outer[1] || !isObjectAt(event, outer[1].start)) return null;
  const kind = /^"([^.]+)\./.exec(event.slice(outer[0].start, outer[0].end))?.[1];
  const inner = kind && find(event, outer[1].start, [`"${kind}Id"`, '"fullState"', '"state"']);
  if (!inner?.[0] || !isStringAt(event, inner[0].start)) return null;
  const place = inner.slice(1).find(member => member && isObjectAt(event, member.start));
  return place ? { start: place.start, end: place.end, entity: `${kind}${event.slice(inner[0].start, inner[0].end)}` } : null;
}

function find(text, at, names) {
  const found = names.map(() => null);
  for (const member of members(text, at)) {
    const place = names.indexOf(member.name);
    if (place < 0) continue;
    if (found[place]) return null;
    found[place] = member;
  }

  return found;
}

function merge(base, patch, depth) {
  if (depth === MAX_DEPTH) throw bad('A patch of the stream is too deep.');
  const merged = new Map();
  for (const { name, start, end } of members(base)) merged.set(name, base.slice(start, end));
  for (const { name, start, end } of members(patch)) {
    const value = patch.slice(start, end);
    const before = merged.get(name);
    if (value === 'null') merged.delete(name);
    else merged.set(name, before !== undefined && isObjectAt(before, 0) && isObjectAt(value, 0) ? merge(before, value, depth + 1) : value);
  }

  return `{${Array.from(merged, ([name, value]) => `${name}:${value}`).join(',')}}`;
}
