import type { EventStore } from './index.d.ts';

/** Whether this engine has `node:sqlite`. */
export declare function isSqliteHere(): Promise<boolean>;

/** Keeps events in an SQLite file, where the engine has `node:sqlite`: Node 22.5 or later. */
export interface SqliteStore extends EventStore {}
export declare class SqliteStore {
  private constructor();

  /** Opens or makes the file. @throws Error in one sentence: no `node:sqlite`, another program's file, a later version's, or in use */
  static open(path: string): Promise<SqliteStore>;
}
