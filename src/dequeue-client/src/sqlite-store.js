// A store in an SQLite file, where the engine has node:sqlite (Node 22.5 and later; Deno; Bun has another).

import { syncEvent } from './events.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS events (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS mark (
    one INTEGER PRIMARY KEY CHECK (one = 1), checkpoint TEXT, epoch TEXT, position INTEGER, edition INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS queue (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, text TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS sent (number INTEGER PRIMARY KEY, id TEXT NOT NULL, text TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, id TEXT NOT NULL, reason TEXT NOT NULL, text TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS cursors (consumer TEXT PRIMARY KEY, place INTEGER NOT NULL);
  INSERT OR IGNORE INTO mark VALUES (1, NULL, NULL, 0, 0);
  PRAGMA user_version = 1;`;

/** Whether this engine has what the store needs. */
export async function isSqliteHere() {
  try {
    // @ts-ignore: the types of Node are not needed for the rest.
    await import('node:sqlite');
    return true;
  } catch {
    return false;
  }
}

/** @typedef {import('../index.d.ts').EventStore} EventStore */

/** @implements {EventStore} */
export class SqliteStore {
  #db;
  #statements = new Map();

  constructor(db) {
    this.#db = db;
  }

  /**
   * Opens or makes the file.
   * @param {string} path
   * @throws {Error} with one sentence when the engine has no node:sqlite, the file is another program's, or it is in use
   */
  static async open(path) {
    // @ts-ignore: as above.
    const { DatabaseSync } = await import('node:sqlite').catch(() => {
      throw new Error('This engine has no node:sqlite: it takes Node 22.5 or later.');
    });
    const db = new DatabaseSync(path);
    try {
      const { user_version: version } = db.prepare('PRAGMA user_version').get();
      if (version > 1) throw new Error(`${path} is of a later version of this store.`);
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
      db.exec(SCHEMA);
      return new SqliteStore(db);
    } catch (error) {
      db.close();
      throw error.message.startsWith(path) ? error : new Error(`${path} cannot be used as a store: ${error.message}.`);
    }
  }

  async load() {
    return { ...this.#mark(), events: this.#get('SELECT COALESCE(MAX(place) + 1, 0) AS n FROM events').n };
  }

  async save(events, mark) {
    return this.#do(() => {
      let place = this.#get('SELECT COALESCE(MAX(place) + 1, 0) AS n FROM events').n;
      const added = events.filter(({ id, text }) => {
        const isNew = this.#run('INSERT OR IGNORE INTO events VALUES (?, ?, ?)', place, id, text) > 0;
        if (isNew) place++;
        return isNew;
      });
      if (mark) this.#moveTo(mark);
      return added;
    });
  }

  async read(first, count) {
    return this.#all('SELECT text FROM events WHERE place >= ? AND place < ? ORDER BY place', first, first + count)
      .map(({ text }) => syncEvent(text));
  }

  async rewind(position) {
    this.#do(() => {
      this.#run('DELETE FROM events WHERE place >= ?', position.events);
      this.#returnCursors(position.events);
      this.#moveTo(position);
    });
  }

  async replace(parts, mark) {
    return this.#do(() => {
      for (const { first, count } of parts) this.#run('DELETE FROM events WHERE place >= ? AND place < ?', first, first + count);
      const put = [];
      if (parts.length > 0) {
        const from = parts[0].first;
        const rest = this.#all('SELECT place, id, text FROM events WHERE place >= ? ORDER BY place', from);
        const known = ({ id }) => this.#get('SELECT 1 AS is_here FROM events WHERE id = ?', id) !== undefined;
        const fresh = parts.map(({ events }) => events.filter(event => !known(event)));
        this.#run('DELETE FROM events WHERE place >= ?', from);
        let place = from, at = 0;
        const add = ({ id, text }) => {
          const isNew = this.#run('INSERT OR IGNORE INTO events VALUES (?, ?, ?)', place, id, text) > 0;
          if (isNew) place++;
          return isNew;
        };
        for (const [index, { first }] of parts.entries()) {
          for (; at < rest.length && rest[at].place < first; at++) add(rest[at]);
          put.push(...fresh[index].filter(add));
        }

        for (; at < rest.length; at++) add(rest[at]);
        this.#returnCursors(from);
      }

      this.#moveTo(mark);
      return put;
    });
  }

  async adopt(epoch) {
    this.#run('UPDATE mark SET epoch = ? WHERE epoch IS NULL', epoch);
  }

  async clear(reason) {
    return this.#do(() => {
      this.#run('INSERT OR REPLACE INTO refused SELECT number, id, ?, text FROM queue', reason);
      const unsent = this.#run('DELETE FROM queue');
      this.#run('DELETE FROM sent');
      this.#run('DELETE FROM events');
      this.#returnCursors(0);
      this.#moveTo({ checkpoint: null, epoch: null, position: 0 });
      return unsent;
    });
  }

  async enqueue(events) {
    this.#do(() => {
      for (const { id, text } of events) this.#run('INSERT INTO queue (id, text) VALUES (?, ?)', id, text);
    });
  }

  async peek(count) {
    return this.#all('SELECT number, id, text FROM queue ORDER BY number LIMIT ?', count).map(row => ({ ...row }));
  }

  async removeThrough(number, refused = []) {
    this.#do(() => {
      for (const { number: place, id, reason, text } of refused) {
        this.#run('INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)', place, id, reason, text);
      }

      this.#run(
        'INSERT OR REPLACE INTO sent SELECT number, id, text FROM queue WHERE number <= ? AND number NOT IN (SELECT number FROM refused)',
        number);
      this.#run('DELETE FROM queue WHERE number <= ?', number);
    });
  }

  async count() {
    return this.#get('SELECT COUNT(*) AS n FROM queue').n;
  }

  async sent() {
    return this.#all('SELECT number, id, text FROM sent ORDER BY number').map(row => ({ ...row }));
  }

  async settle(number, requeue) {
    return this.#do(() => {
      const lost = requeue ? this.#run(
        'INSERT INTO queue SELECT number, id, text FROM sent WHERE number <= ? AND id NOT IN (SELECT id FROM events)', number) : 0;
      this.#run('DELETE FROM sent WHERE number <= ?', number);
      return lost;
    });
  }

  async refused() {
    return this.#all('SELECT number, id, reason, text FROM refused ORDER BY number').map(row => ({ ...row }));
  }

  async forgetRefused(number) {
    this.#run('DELETE FROM refused WHERE number <= ?', number);
  }

  async readFor(consumer, count) {
    const place = this.#get('SELECT place FROM cursors WHERE consumer = ?', consumer)?.place ?? 0;
    return { place, edition: this.#get('SELECT edition FROM mark').edition, events: await this.read(place, count) };
  }

  async move(consumer, edition, place) {
    return this.#do(() => {
      if (this.#get('SELECT edition FROM mark').edition !== edition) return false;
      this.#run('INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET place = excluded.place', consumer, place);
      return true;
    });
  }

  async close() {
    this.#db.close();
  }

  #mark() {
    const { checkpoint, epoch, position } = this.#get('SELECT checkpoint, epoch, position FROM mark');
    return { checkpoint, epoch, position };
  }

  #moveTo({ checkpoint, epoch, position }) {
    this.#run('UPDATE mark SET checkpoint = ?, epoch = ?, position = ?', checkpoint, epoch, position);
  }

  // What comes from there on is not what the consumers have seen.
  #returnCursors(place) {
    this.#run('UPDATE mark SET edition = edition + 1');
    this.#run('UPDATE cursors SET place = ? WHERE place > ?', place, place);
  }

  #do(work) {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #prepared(sql) {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  #get(sql, ...values) {
    return this.#prepared(sql).get(...values);
  }

  #all(sql, ...values) {
    return this.#prepared(sql).all(...values);
  }

  #run(sql, ...values) {
    return Number(this.#prepared(sql).run(...values).changes);
  }
}
