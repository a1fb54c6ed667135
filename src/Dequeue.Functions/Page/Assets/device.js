// A device's own copy of the history, in memory: the ids in order, and the checkpoint that they lead to.

export class Device {
  #ids = new Set();

  constructor(checkpoint = null) {
    this.checkpoint = checkpoint;
  }

  get count() {
    return this.#ids.size;
  }

  /** Stores events and the checkpoint after them (unchanged when null). @returns those that were not here before */
  save(events, checkpoint) {
    const added = events.filter(event => typeof event.id === 'string' && this.#ids.size < this.#ids.add(event.id).size);
    this.checkpoint = checkpoint ?? this.checkpoint;
    return added;
  }

  mark() {
    return { count: this.count, checkpoint: this.checkpoint };
  }

  /** Takes back everything since a mark. */
  rewind(mark) {
    this.#ids = new Set([...this.#ids].slice(0, mark.count));
    this.checkpoint = mark.checkpoint;
  }

  /** Whether two devices hold the same events. */
  holdsSame(other) {
    return this.count === other.count && this.#ids.values().every(id => other.#ids.has(id));
  }

  /** Whether they hold them in the same order. */
  equals(other) {
    const others = other.#ids.values();
    return this.count === other.count && this.#ids.values().every(id => others.next().value === id);
  }
}
