// A store in memory. What a store does is in index.d.ts.

/** @typedef {import('../index.d.ts').EventStore} EventStore */

/** @implements {EventStore} */
export class MemoryStore {
  #events = [];
  #ids = new Set();
  #mark;
  #queue = [];
  #sent = [];
  #queued = 0;
  #refused = [];
  #cursors = new Map();
  #edition = 0;

  /** @param {{ checkpoint?: string | null }} options `checkpoint`: where to begin, instead of at the beginning of the log */
  constructor({ checkpoint = null } = {}) {
    this.#mark = { checkpoint, epoch: null, position: checkpoint === null ? 0 : null };
  }

  /** The events, in the order saved. */
  get events() {
    return this.#events.slice();
  }

  async load() {
    return { ...this.#mark, events: this.#events.length };
  }

  async save(events, mark) {
    const added = events.filter(event => this.#take(event.id));
    this.#events.push(...added);
    if (mark) this.#mark = { ...mark };
    return added;
  }

  async read(first, count) {
    return this.#events.slice(first, first + count);
  }

  async rewind({ checkpoint, epoch, position, events }) {
    for (const { id } of this.#events.splice(events)) this.#ids.delete(id);
    this.#returnCursors(events);
    this.#mark = { checkpoint, epoch, position };
  }

  async replace(parts, mark) {
    for (const { first, count } of [...parts].reverse()) for (const { id } of this.#events.splice(first, count)) this.#ids.delete(id);
    const put = [];
    let moved = 0;
    for (const { first, count, events } of parts) {
      const added = events.filter(event => this.#take(event.id));
      this.#events.splice(first + moved, 0, ...added);
      moved += added.length - count;
      put.push(...added);
    }

    if (parts.length > 0) this.#returnCursors(parts[0].first);
    this.#mark = { ...mark };
    return put;
  }

  async adopt(epoch) {
    this.#mark.epoch ??= epoch;
  }

  async clear(reason) {
    const unsent = this.#queue.length;
    this.#refused.push(...this.#queue.map(queued => ({ ...queued, reason })));
    this.#queue = [];
    this.#sent = [];
    this.#events = [];
    this.#ids.clear();
    this.#returnCursors(0);
    this.#mark = { checkpoint: null, epoch: null, position: 0 };
    return unsent;
  }

  async enqueue(events) {
    for (const { id, text } of events) this.#queue.push({ number: ++this.#queued, id, text });
  }

  async peek(count) {
    return this.#queue.slice(0, count);
  }

  async removeThrough(number, refused = []) {
    const kept = new Set(refused.map(one => one.number));
    this.#refused.push(...refused);
    this.#sent.push(...this.#queue.filter(queued => queued.number <= number && !kept.has(queued.number)));
    this.#queue = this.#queue.filter(queued => queued.number > number);
  }

  async count() {
    return this.#queue.length;
  }

  async sent() {
    return this.#sent.slice();
  }

  async settle(number, requeue) {
    const lost = requeue ? this.#sent.filter(sent => sent.number <= number && !this.#ids.has(sent.id)) : [];
    this.#sent = this.#sent.filter(sent => sent.number > number);
    this.#queue.unshift(...lost);
    return lost.length;
  }

  async refused() {
    return this.#refused.slice();
  }

  async forgetRefused(number) {
    this.#refused = this.#refused.filter(refused => refused.number > number);
  }

  async readFor(consumer, count) {
    const place = this.#cursors.get(consumer) ?? 0;
    return { place, edition: this.#edition, events: await this.read(place, count) };
  }

  async move(consumer, edition, place) {
    if (edition !== this.#edition) return false;
    this.#cursors.set(consumer, place);
    return true;
  }

  async close() {}

  #take(id) {
    return this.#ids.size < this.#ids.add(id).size;
  }

  // What comes from there on is not what the consumers have seen.
  #returnCursors(place) {
    this.#edition++;
    for (const [consumer, at] of this.#cursors) if (at > place) this.#cursors.set(consumer, place);
  }
}
