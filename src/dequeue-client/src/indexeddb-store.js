// A store in the browser's database. One writer: whoever opened it holds a Web Lock, and another tab waits until it lets go.

import { syncEvent } from './events.js';

const STORES = ['events', 'meta', 'queue', 'sent', 'refused', 'cursors'];
const START = { checkpoint: null, epoch: null, position: 0 };

/** @typedef {import('../index.d.ts').EventStore} EventStore */

/** @implements {EventStore} */
export class IndexedDbStore {
  #db;
  #letGo;

  constructor(db, letGo) {
    this.#db = db;
    this.#letGo = letGo;
    db.onversionchange = () => this.close();
  }

  /**
   * Opens the database of a name, once no other tab or worker has it.
   * @param {string} name
   * @param {{ signal?: AbortSignal, ifFree?: boolean, locks?: LockManager | null }} options `ifFree` does not wait; `locks` null
   *   goes without, where only one page or worker ever opens it
   * @returns {Promise<IndexedDbStore | null>} null when it is taken and was only wanted if free
   */
  static async open(name, { signal, ifFree = false, locks = globalThis.navigator?.locks } = {}) {
    if (locks === undefined) throw new Error('There are no Web Locks here: the page is not in a secure context.');
    const letGo = locks === null ? () => {} : await hold(locks, `dequeue-client ${name}`, signal, ifFree);
    if (letGo === null) return null;
    try {
      const opening = indexedDB.open(name, 1);
      opening.onupgradeneeded = () => {
        const db = opening.result;
        db.createObjectStore('events').createIndex('id', 'id', { unique: true });
        for (const store of ['queue', 'sent', 'refused']) db.createObjectStore(store, { keyPath: 'number', autoIncrement: store === 'queue' });
        for (const store of ['meta', 'cursors']) db.createObjectStore(store);
      };
      return new IndexedDbStore(await answer(opening), letGo);
    } catch (error) {
      letGo();
      throw error;
    }
  }

  load() {
    return this.#do('readonly', async ({ events, meta }) => ({
      ...START, ...await answer(meta.get('mark')), events: await answer(events.count()),
    }));
  }

  save(events, mark) {
    return this.#do('readwrite', async stores => {
      let place = await answer(stores.events.count());
      const added = await fresh(stores, events);
      for (const { id, text } of added) stores.events.add({ id, text }, place++);
      if (mark) stores.meta.put({ checkpoint: mark.checkpoint, epoch: mark.epoch, position: mark.position }, 'mark');
      return added;
    });
  }

  read(first, count) {
    return this.#do('readonly', stores => read(stores, first, count));
  }

  rewind({ checkpoint, epoch, position, events }) {
    return this.#do('readwrite', async stores => {
      stores.events.delete(IDBKeyRange.lowerBound(events));
      stores.meta.put({ checkpoint, epoch, position }, 'mark');
      await returnCursors(stores, events);
    });
  }

  replace(parts, mark) {
    return this.#do('readwrite', async stores => {
      if (mark) stores.meta.put({ checkpoint: mark.checkpoint, epoch: mark.epoch, position: mark.position }, 'mark');
      if (parts.length === 0) return [];
      const [{ first: from }] = parts;
      const rest = await answer(stores.events.getAll(IDBKeyRange.lowerBound(from)));
      stores.events.delete(IDBKeyRange.lowerBound(from));
      const gone = new Set(parts.flatMap(({ first, count }) => Array.from({ length: count }, (_, index) => first - from + index)));
      const ids = new Set(rest.filter((_, index) => !gone.has(index)).map(event => event.id));
      const put = [];
      const lined = [];
      let at = 0;
      for (const { first, count, events } of [...parts, { first: from + rest.length, count: 0, events: [] }]) {
        for (; at < first - from; at++) lined.push(rest[at]);
        at += count;
        for (const event of await fresh(stores, events)) {
          if (ids.size === ids.add(event.id).size) continue;
          put.push(event);
          lined.push(event);
        }
      }

      lined.forEach(({ id, text }, index) => stores.events.add({ id, text }, from + index));
      await returnCursors(stores, from);
      return put;
    });
  }

  adopt(epoch) {
    return this.#do('readwrite', async ({ meta }) => {
      const mark = { ...START, ...await answer(meta.get('mark')) };
      if (mark.epoch === null) meta.put({ ...mark, epoch }, 'mark');
    });
  }

  clear(reason) {
    return this.#do('readwrite', async stores => {
      const unsent = await answer(stores.queue.getAll());
      for (const queued of unsent) stores.refused.put({ ...queued, reason });
      for (const store of [stores.queue, stores.sent, stores.events]) store.clear();
      stores.meta.put(START, 'mark');
      await returnCursors(stores, 0);
      return unsent.length;
    });
  }

  enqueue(events) {
    return this.#do('readwrite', async ({ queue }) => {
      for (const { id, text } of events) queue.add({ id, text });
    });
  }

  peek(count) {
    return this.#do('readonly', ({ queue }) => answer(queue.getAll(null, count)));
  }

  removeThrough(number, refused = []) {
    return this.#do('readwrite', async stores => {
      const kept = new Set(refused.map(one => one.number));
      const left = IDBKeyRange.upperBound(number);
      for (const queued of await answer(stores.queue.getAll(left))) if (!kept.has(queued.number)) stores.sent.put(queued);
      stores.queue.delete(left);
      for (const event of refused) stores.refused.put(event);
    });
  }

  count() {
    return this.#do('readonly', ({ queue }) => answer(queue.count()));
  }

  sent() {
    return this.#do('readonly', ({ sent }) => answer(sent.getAll()));
  }

  settle(number, requeue) {
    return this.#do('readwrite', async stores => {
      const past = IDBKeyRange.upperBound(number);
      const lost = requeue ? await fresh(stores, await answer(stores.sent.getAll(past))) : [];
      for (const event of lost) stores.queue.put(event);
      stores.sent.delete(past);
      return lost.length;
    });
  }

  refused() {
    return this.#do('readonly', ({ refused }) => answer(refused.getAll()));
  }

  forgetRefused(number) {
    return this.#do('readwrite', async ({ refused }) => {
      refused.delete(IDBKeyRange.upperBound(number));
    });
  }

  readFor(consumer, count) {
    return this.#do('readonly', async stores => {
      const place = await answer(stores.cursors.get(consumer)) ?? 0;
      return { place, edition: await answer(stores.meta.get('edition')) ?? 0, events: await read(stores, place, count) };
    });
  }

  move(consumer, edition, place) {
    return this.#do('readwrite', async ({ meta, cursors }) => {
      if (edition !== (await answer(meta.get('edition')) ?? 0)) return false;
      cursors.put(place, consumer);
      return true;
    });
  }

  async close() {
    this.#db.close();
    this.#letGo();
  }

  // All of one call is one transaction, and is told to be done when that is on the disk.
  async #do(mode, work) {
    const transaction = this.#db.transaction(STORES, mode);
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error('The database gave the transaction up.'));
    });
    ended.catch(() => {}); // told below
    try {
      const result = await work(Object.fromEntries(STORES.map(store => [store, transaction.objectStore(store)])));
      await ended;
      return result;
    } catch (error) {
      if (transaction.error === null) {
        try {
          transaction.abort();
        } catch {
          // Over already.
        }
      }

      throw error;
    }
  }
}

const answer = request => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/** The events that are not there yet, each once. */
async function fresh({ events: store }, events) {
  const index = store.index('id');
  const known = await Promise.all(events.map(({ id }) => answer(index.getKey(id))));
  const ids = new Set();
  return events.filter(({ id }, place) => known[place] === undefined && ids.size < ids.add(id).size);
}

async function read({ events }, first, count) {
  if (count === 0) return [];
  const rows = await answer(events.getAll(IDBKeyRange.bound(first, first + count - 1)));
  return rows.map(({ text }) => syncEvent(text));
}

// What comes from there on is not what the consumers have seen.
async function returnCursors({ meta, cursors }, place) {
  meta.put((await answer(meta.get('edition')) ?? 0) + 1, 'edition');
  for (const consumer of await answer(cursors.getAllKeys())) {
    if (await answer(cursors.get(consumer)) > place) cursors.put(place, consumer);
  }
}

/** Holds a lock. @returns {Promise<(() => void) | null>} what lets it go */
function hold(locks, name, signal, ifAvailable) {
  return new Promise((resolve, reject) => {
    locks.request(name, ifAvailable ? { ifAvailable } : { ...(signal && { signal }) }, lock => {
      if (lock === null) {
        resolve(null);
        return undefined;
      }

      return new Promise(letGo => { resolve(() => letGo(null)); });
    }).catch(reject);
  });
}
