// All of the package, as an app in strict TypeScript uses it. Compiled, never run.
import {
  EventDigest, MemoryStore, SignedOut, SyncFailure, SyncManager, digestOf, readEvent,
  type EventStore, type FlushResult, type PullProgress, type PullResult, type SyncEvent, type SyncFailureKind,
} from "dequeue-client";
import { IndexedDbStore } from "dequeue-client/indexeddb";
import { SqliteStore, isSqliteHere } from "dequeue-client/sqlite";

const stop = new AbortController();
const kinds: Record<SyncFailureKind, string> = {
  unreachable: "", timedOut: "", unauthorized: "", throttled: "", serverError: "", refused: "", noToken: "", badAnswer: "", historyChanged: "",
};

export async function main(): Promise<void> {
  const maybe: IndexedDbStore | null = await IndexedDbStore.open("events", { ifFree: true });
  const store: EventStore = maybe ?? (await isSqliteHere() ? await SqliteStore.open("events.db") : new MemoryStore({ checkpoint: null }));
  const sync = new SyncManager({
    server: new URL("https://sync.example.com"), store, app: "dequeue",
    token: async (refused, signal) => {
      if (refused && signal?.aborted) throw new SignedOut();
      return "token";
    },
    priority: { active: true }, compact: { keep: ["tag.created"] }, delta: true, references: true, window: 8, batchSize: 100, pageSize: 500, encodings: ["gzip"],
    decompress: async (bytes, most) => bytes.subarray(0, most), filter: "shippedApp", deviceId: "phone", log: (sentence) => console.log(sentence),
  });
  const show = ({ phase, processed, total }: PullProgress): string => `${phase} ${processed} of ${total ?? "?"}`;
  try {
    const result: PullResult = await sync.pull({ signal: stop.signal, onProgress: show });
    const checkpoint: string | null = result.checkpoint;
    console.log(checkpoint, result.streamFailure?.kind);
  } catch (failure) {
    if (!(failure instanceof SyncFailure)) throw failure;
    console.log(kinds[failure.kind], failure.retryAfter, failure.isTransient);
    if (failure.kind === "historyChanged") await sync.beginAnew();
  }

  await sync.enqueue([{ id: "a" }, '{"id":"b"}']);
  const flushed: FlushResult = await sync.flush({ onProgress: ({ processed }) => processed });
  console.log(flushed.pending, (await sync.push([readEvent("{}").text])).rejected[0]?.reason, (await sync.meta()).eventCount);
  for await (const event of sync.watch({ consumer: "list", signal: stop.signal, onState: (state, failure) => console.log(state, failure?.kind) })) handle(event);
  const digest = new EventDigest();
  digest.add(["{}"]);
  console.log(digest.end() === digestOf(["{}"]));
}

function handle({ id, text, event }: SyncEvent<{ type: string }>): void {
  console.log(id?.length, text.length, event.type);
}
