import type { EventStore } from './index.d.ts';

/** Keeps events in the browser's database. One writer: whoever opened it holds a Web Lock until it is closed, or its page is. */
export interface IndexedDbStore extends EventStore {}
export declare class IndexedDbStore {
  private constructor();

  /**
   * Opens the database of a name, once no other tab or worker has it.
   * @throws Error where there are no Web Locks (no secure context), unless `locks` is null: then nothing keeps a second writer away
   */
  static open(name: string, options?: { signal?: AbortSignal; locks?: LockManager | null }): Promise<IndexedDbStore>;

  /** The same, but null at once when another has it. */
  static open(name: string, options: { ifFree: true; signal?: AbortSignal; locks?: LockManager | null }): Promise<IndexedDbStore | null>;
}
