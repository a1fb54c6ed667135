/** An event: the text as the pushing device spelled it, and the object that JSON.parse makes of it. */
export interface SyncEvent<T = any> {
  /** Its id; undefined when it has none. */
  readonly id: string | undefined;

  /** The event to the byte. `JSON.parse` loses `1.0` and large integers: store, hash and push this. */
  readonly text: string;

  /** The event, for reading. */
  readonly event: T;
}

/** An opaque position in a log: stored, and handed back. */
export type Checkpoint = string;

/** How far a store has come. */
export interface Mark {
  /** The position saved last; null at the beginning of the log. */
  checkpoint: Checkpoint | null;

  /** The log that the store belongs to; null while it is not known. */
  epoch: string | null;

  /** How many events that log has up to `checkpoint`; null while it is not known. */
  position: number | null;
}

export interface StorePosition extends Mark {
  /** How many events the store holds. */
  events: number;
}

/** Events that take the place of others. */
export interface Replacement {
  /** The place of the first to go, from 0, in the order saved. */
  first: number;

  /** How many go. */
  count: number;

  /** What stands there then, in order. */
  events: SyncEvent[];
}

export interface QueuedEvent {
  /** Its place in the queue: rises with each event, and is never given twice. */
  number: number;
  id: string;
  text: string;
}

export interface RefusedEvent extends QueuedEvent {
  /** The server's reason, one sentence. */
  reason: string;
}

/**
 * Where a device keeps its events: one of the package's stores, or the app's own database. Each call is one transaction. One
 * `SyncManager` at a time uses a store.
 */
export interface EventStore {
  load(): Promise<StorePosition>;

  /**
   * Saves events in the order given, leaving out those whose id is there, and the mark after them (null leaves it). Gives those that were
   * new.
   */
  save(events: SyncEvent[], mark: Mark | null): Promise<SyncEvent[]>;

  /** Reads events in the order saved, from a place on. */
  read(first: number, count: number): Promise<SyncEvent[]>;

  /** Takes back what was saved since `load` gave this. */
  rewind(position: StorePosition): Promise<void>;

  /**
   * First all that the parts name is taken out (they rise, and do not overlap), then their events are put in, leaving out ids that still
   * stand.
   */
  replace(parts: Replacement[], mark: Mark): Promise<SyncEvent[]>;

  /** Makes the store one of this log, if it belongs to none. */
  adopt(epoch: string): Promise<void>;

  /**
   * Forgets the events, the mark, the consumers' progress and what was sent, so that another log can be taken. What waits in the queue was
   * made for the old one: it goes to the refused events, with this reason. Gives how many those were.
   */
  clear(reason: string): Promise<number>;

  /** Adds events at the end of the queue. */
  enqueue(events: SyncEvent[]): Promise<void>;

  /** The oldest of the queue. */
  peek(count: number): Promise<QueuedEvent[]>;

  /** Removes the queue up to a number, and keeps those of it that were refused. The others were sent. */
  removeThrough(number: number, refused?: RefusedEvent[]): Promise<void>;

  /** How many wait in the queue. */
  count(): Promise<number>;

  /** What the server has acknowledged and no pull has brought back yet, oldest first. A server that was put back gets it again. */
  sent(): Promise<QueuedEvent[]>;

  /**
   * Forgets what was sent, up to a number, after a pull brought all that the server has. With `requeue` what the store does not hold goes
   * back into the queue, before the others: the server has lost it. Gives how many those were.
   */
  settle(number: number, requeue: boolean): Promise<number>;

  /** The refused events, oldest first. */
  refused(): Promise<RefusedEvent[]>;
  forgetRefused(number: number): Promise<void>;

  /**
   * The next events of a consumer; one that is not known begins at the first. `edition` is another one after each `rewind`, `replace` and
   * `clear`.
   */
  readFor(consumer: string, count: number): Promise<{ place: number; edition: number; events: SyncEvent[] }>;

  /** Moves a consumer past events, unless the edition is another by now. Where events are taken back or replaced, consumers return. */
  move(consumer: string, edition: number, place: number): Promise<boolean>;
  close(): Promise<void>;
}

/** Keeps events in memory. */
export interface MemoryStore extends EventStore {}
export declare class MemoryStore {
  constructor(options?: {
    /** Where to begin, instead of at the beginning of the log. */
    checkpoint?: Checkpoint | null;
  });

  /** The events, in the order saved. */
  readonly events: SyncEvent[];
}

/**
 * What went wrong, as far as a client must act differently: no connection; no answer in time; 401 or 403; 429; 5xx, or a stream that
 * ended in an error; any other refusal; the token provider threw (in a watch); an answer that breaks the contract; a log that is not
 * the one that the store belongs to.
 */
export type SyncFailureKind =
  | 'unreachable' | 'timedOut' | 'unauthorized' | 'throttled' | 'serverError' | 'refused' | 'noToken' | 'badAnswer' | 'historyChanged';

/** A failure in words for people and facts for code. Never holds a token. */
export declare class SyncFailure extends Error {
  constructor(
    kind: SyncFailureKind, message: string,
    facts?: { code?: string; status?: number; retryAfter?: number; epoch?: string; eventCount?: number });
  readonly kind: SyncFailureKind;

  /** The server's error code. */
  readonly code: string | undefined;

  /** The HTTP status. */
  readonly status: number | undefined;

  /** How many milliseconds the server asks to wait. */
  readonly retryAfter: number | undefined;

  /** Of `historyChanged`: the log that the server has now, and how many events it has. */
  readonly epoch: string | undefined;
  readonly eventCount: number | undefined;

  /** Whether the same call may succeed later. */
  readonly isTransient: boolean;

  /** Whether our own server said so. */
  readonly isVerdict: boolean;
}

/** What a token provider throws when there is nobody to sync for: it ends a watch. */
export declare class SignedOut extends Error {
  constructor(message?: string);
}

/** The class of WebSocket that is used: the browser's, or that of the package `ws`. */
export type WebSocketClass = new (url: string) => any;

/** Times are milliseconds. */
export interface SyncOptions {
  /** The server's base address, `https://host`; a path is kept as a prefix. */
  server: string | URL;
  store: EventStore;

  /**
   * The bearer token, or what gives it: asked once a call, and once more, with `refused` true, after a 401. What it throws ends a call; a
   * watch tries again, unless it is `SignedOut`.
   */
  token: string | ((refused: boolean, signal?: AbortSignal) => string | Promise<string>);

  /** The tenant app of `/apps/{app}`; without it the deployment's default app. */
  app?: string;

  /** Whether to stream at all; else pages by REST alone. Default true; false where there is no WebSocket. */
  stream?: boolean;

  /** For engines without a WebSocket (Node 20): that of the package `ws`. Default the engine's own. */
  WebSocket?: WebSocketClass;

  /** Default the engine's own. */
  fetch?: (url: string, init?: any) => Promise<any>;

  /** Opens gzip, at most to so many bytes, where the engine has no DecompressionStream (React Native). Without either, no gzip. */
  decompress?: (bytes: Uint8Array, most: number) => Promise<Uint8Array>;

  /** `mirror` keeps every event that has an id (the default); `shippedApp` keeps what the shipped app does. */
  filter?: 'mirror' | 'shippedApp';

  /** This device's `device_id`, whose events `shippedApp` drops outside a first sync. */
  deviceId?: string;

  /** Whether this is a first sync. Default: a pull that starts from the beginning. */
  isFirstSync?: boolean;

  /** Whether to compare what was streamed with the server's digest. Default true. */
  verifyDigest?: boolean;

  /** Events of a REST page, 1 to 1,000, the default. */
  pageSize?: number;

  /** The encodings of batches, best first. Default gzip where it can be opened. */
  encodings?: 'gzip'[];

  /** Most batches that come ahead of what is saved, 1 to 1,000; 0 for no bound. Default: about 5 MB, 64 compressed or 16 plain. */
  window?: number;

  /** Most events of a batch, 1 to 1,000, the default. */
  batchSize?: number;

  /** Whether an entity's state may come as a patch against the one before. Default false. */
  delta?: boolean;

  /** Whether a long history may come as URLs of stored pages. Default false. */
  references?: boolean;

  /** The entities whose events come first. */
  priority?: { entityIds?: string[]; active?: boolean };

  /** Leaves out what a later state of the same entity has superseded; types in `keep` always come. */
  compact?: true | { keep: string[] };

  /** Negotiate, and the WebSocket's opening: 10,000 each. */
  connectTimeout?: number;

  /** The next message of a stream: 60,000. */
  idleTimeout?: number;

  /** A REST call: 60,000. */
  requestTimeout?: number;

  /** How often a live connection asks again, in case a message was lost: 300,000. */
  catchUpInterval?: number;

  /** Without a WebSocket a watch looks by REST: after 2,000 first, at last every 30,000, and tries the WebSocket at last every 300,000. */
  pollInterval?: number;
  maxPollInterval?: number;
  streamRetryInterval?: number;

  /** Most failures of REST in a row: 5. The wait between them is random below a ceiling that doubles, from 500 up to 30,000. */
  maxAttempts?: number;
  baseDelay?: number;
  maxDelay?: number;

  /** Longest Retry-After that is waited for: 60,000. */
  maxRetryAfter?: number;

  /** Largest message of a stream, opened: 4 MiB. Largest REST body: 80 MiB. */
  maxMessageBytes?: number;
  maxBodyBytes?: number;

  /** 0 to 1, for the jitter. Default Math.random. */
  random?: () => number;

  /** Gets a sentence when a stream is given up or asked for again, live is lost, or an event is refused. Never a token. */
  log?: (sentence: string) => void;
}

export interface PullProgress {
  /** `sending`: a server that was put back gets again what it lacks. */
  phase: 'connecting' | 'receiving' | 'ready' | 'waiting' | 'sending' | 'completed';
  transport: 'stream' | 'rest';

  /** Events so far, each counted once, and how many there will be; null while it is not known. Only what is taken back makes them fewer. */
  processed: number;
  total: number | null;
  eventsPerSecond: number;
  bytes: number;

  /** Batches and pages so far. */
  answers: number;

  /** How often the stream was cut and went on. */
  resumes: number;

  /** How many events were asked for first, once they are here. */
  ready: number | null;

  /** Whether what was streamed is what the server's digest says. */
  digestVerified: boolean;

  /** Why the stream was given up. */
  streamFailure: SyncFailure | null;

  /** While it waits: why, and the attempt that follows. */
  failure: SyncFailure | null;
  attempt: number;
}

export interface PullResult {
  /** The way that brought the end. */
  transport: 'stream' | 'rest';

  /** Events received, each counted once, and those of them that were new to the store. */
  events: number;
  added: number;
  seconds: number;

  /** Bytes of messages as they came over the wire, and of REST bodies as fetch gave them. */
  bytes: number;
  checkpoint: Checkpoint | null;
  streamFailure: SyncFailure | null;

  /** Whether what was streamed was compared and is, or was made, right. False after a cut: what came before it is not covered. */
  digestVerified: boolean;

  /** When all that `priority` asked for was saved. */
  readySeconds: number | null;

  /** Events fetched anew because those in their place were wrong. */
  repaired: number;
  resumes: number;

  /** With `compact`: how many events the history has of which these are left, as the stream said at its start. Null when none did. */
  historyEvents: number | null;

  /** When the server had been put back to an earlier state: how many events it lacked and has again. Null as a rule. */
  pushedAgain: number | null;

  /** Events that the server had acknowledged and has lost since; they wait in the queue again. 0 as a rule. */
  requeued: number;
}

export interface PushProgress {
  phase: 'connecting' | 'sending' | 'waiting' | 'completed';
  transport: 'rest';
  processed: number;
  total: number | null;
  failure: SyncFailure | null;
}

export interface PushResult {
  /** How many are stored, now or before. */
  acknowledged: number;
  rejected: { id: string; reason: string }[];
}

export interface FlushResult extends PushResult {
  /** How many still wait, and why; null when none does. */
  pending: number;
  failure: SyncFailure | null;
}

export interface Meta {
  eventCount: number;
  lastEventTs: number | null;
  lastEventId: string | null;
  lastSyncedAtTs: number | null;
  epoch?: string;
}

interface Call<Progress> {
  /** Ends the call at once; what was saved or answered stays so. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** Keeps a store in step with a server: docs/client-states.md has the rules. */
export declare class SyncManager {
  /** Holds no connection until it is used. @throws TypeError for an option out of its range */
  constructor(options: SyncOptions);

  /**
   * Brings the store up to date. Pulls run one after the other.
   * @throws SyncFailure when stream and pages both failed; what arrived is saved
   */
  pull(call?: Call<PullProgress>): Promise<PullResult>;

  /**
   * Stays connected, and hands out every event that it saves, until the signal is aborted or the loop is left. With a `consumer`, whose
   * progress the store keeps, every event of the store, each at least once.
   * @throws SyncFailure one that waiting does not help
   */
  watch(options?: {
    consumer?: string;
    signal?: AbortSignal;
    onState?: (state: 'connecting' | 'live' | 'waiting', failure?: SyncFailure) => void;
    onProgress?: (progress: PullProgress) => void;
  }): AsyncGenerator<SyncEvent, void, undefined>;

  /** Sends events now, in order: a string as it is spelled, an object by JSON.stringify. @throws SyncFailure */
  push(events: Iterable<string | object>, call?: Call<PushProgress>): Promise<PushResult>;

  /**
   * Puts events into the store's queue, after holding them against the server's rules.
   * @throws TypeError that names the rule; none is queued
   */
  enqueue(events: Iterable<string | object>): Promise<void>;

  /** Sends what waits in the queue. Being offline is an outcome, no exception. */
  flush(call?: Call<PushProgress>): Promise<FlushResult>;

  /** The events that left the queue because the server will never take them. */
  refused(): Promise<RefusedEvent[]>;
  forgetRefused(number: number): Promise<void>;

  /** Facts about the log. Times are Unix milliseconds. */
  meta(call?: { signal?: AbortSignal }): Promise<Meta>;

  /**
   * Empties the store, so that the next pull brings the server's log from its beginning: the answer to a `historyChanged`, for a person to
   * choose. What was not sent yet is kept apart, in `refused()`: it was made for another log. Gives how many events those were.
   */
  beginAnew(call?: { signal?: AbortSignal }): Promise<number>;
}

/** Checks an event by the server's rules. @throws TypeError that names the rule */
export declare function readEvent(source: string | object): SyncEvent;

/** The digest of events, each as it is spelled: SHA-256, each followed by a line feed, in 64 hexadecimal digits. */
export declare function digestOf(texts: string[]): string;

/** The same, bit by bit. */
export declare class EventDigest {
  add(texts: string[]): void;

  /** Ends it. */
  end(): string;
}
