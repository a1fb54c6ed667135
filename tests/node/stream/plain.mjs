// A sync client on a bare WebSocket, written from docs/protocol.md alone: all of its options, in one file and json-text.mjs.
//   node plain.mjs --url WS_URL --request '{"since":null,"encodings":["gzip"],"window":64}' --ack [--live N] [--out FILE]
// --ack acknowledges batches when the request has a window; --live waits for so many more events after the stream. Writes the
// events' bytes, one a line, to FILE and prints one line: {"events","digest","ready","batches","bytes","complete"}.
// Ends with 1 and a sentence when anything is not as the document says.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import zlib from "node:zlib";
import WebSocket from "ws";
import { elements, fieldsOf, members } from "./json-text.mjs";

const MAX_MESSAGE = 1024 * 1024;
const PATIENCE = 60_000;
const ACK_BYTES = 1024 * 1024;
const ACK_INTERVAL = 2000;
const OPENERS = { gzip: zlib.gunzipSync, br: zlib.brotliDecompressSync, zstd: zlib.zstdDecompressSync }; // zstd from Node 22.15

/**
 * Streams once. `live` more events are waited for after the stream; `onComplete` is told when it is time for them.
 * @returns {Promise<object>} what is printed, with the events as buffers
 */
export async function pull(url, request, { ack = true, live = 0, onComplete } = {}) {
  const result = { events: [], digest: null, ready: null, batches: 0, bytes: 0, complete: null };
  const socket = new WebSocket(url, { maxPayload: 2 * MAX_MESSAGE, perMessageDeflate: false });
  const send = (message) => socket.send(JSON.stringify(message));
  const stream = new Stream(request, result, (batchIndex) => ack && send({ type: "sync.stream.ack", batchIndex }));
  try {
    for await (const data of messages(socket, () => send({ type: "sync.stream.request", ...request }))) {
      result.bytes += data.length;
      await stream.take(data);
      if (stream.isComplete) await onComplete?.();
      if (stream.isComplete) onComplete = null;
      if (stream.isComplete && result.events.length >= result.complete.processedEvents + live) return result;
    }
  } finally {
    socket.terminate();
  }
}

class Stream {
  #options;
  #result;
  #acknowledge;
  #encoding = null;
  #total = null;
  #lastSeen = false;
  #states = new States();
  #hash = createHash("sha256");
  #position = 0;
  #acknowledged = { batch: -1, bytes: 0, at: performance.now() };
  #early = [];

  constructor(options, result, acknowledge) {
    this.#options = options;
    this.#result = result;
    this.#acknowledge = acknowledge;
  }

  get isComplete() {
    return this.#result.complete !== null;
  }

  async take(data) {
    const fields = fieldsOf(this.#open(data));
    const message = Object.fromEntries([...fields].filter(([name]) => name !== '"events"').map(([name, value]) => [parse(name), parse(value)]));
    switch (message.type) {
      case "sync.stream.start":
        must(this.#total === null, "It started twice.");
        must(isCount(message.totalEvents), "The start does not say how many events there are.");
        must(!message.encoding || this.#options.encodings?.includes(message.encoding), `${message.encoding} was not asked for.`);
        must(Boolean(this.#options.compact) === "historyEvents" in message, "The start tells of a history, or of none, out of turn.");
        must(!this.#options.compact || (isCount(message.historyEvents) && message.historyEvents >= message.totalEvents), "More events come than there are.");
        this.#total = message.totalEvents;
        this.#encoding = message.encoding ?? null;
        break;
      case "sync.stream.batch":
        must(this.#total !== null, "A batch came before the start.");
        await this.#takeBatch(message, elements(fields.get('"events"')));
        break;
      case "sync.stream.ready":
        must(this.#options.priority, "Nothing was asked for first.");
        must(message.processedEvents === this.#result.events.length, `${this.#result.events.length} events came until ready, not ${message.processedEvents}.`);
        this.#result.ready = message.processedEvents;
        break;
      case "sync.stream.complete":
        this.#complete(message);
        break;
      case "sync.stream.live":
        must(this.#options.live, "Live events were not asked for.");
        this.#early.push({ ...message, events: elements(fields.get('"events"')) });
        break;
      case "sync.stream.error":
        throw new Error(`${message.code}: ${message.error}`);
    }

    if (this.isComplete) this.#early.splice(0).forEach((batch) => this.#takeLive(batch));
  }

  /** The text of a message, one character for each byte. What does not begin as JSON does is compressed. */
  #open(data) {
    if (data[0] !== 0x7b) {
      must(OPENERS[this.#encoding], "A message is neither JSON nor in an agreed encoding.");
      data = OPENERS[this.#encoding](data, { maxOutputLength: MAX_MESSAGE });
      must(data.subarray(0, 27).toString() === '{"type":"sync.stream.batch"', "Something other than a batch is compressed.");
    }

    must(data.length <= MAX_MESSAGE, "A message is too large.");
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
    return data.toString("latin1");
  }

  async #takeBatch({ batchIndex, isLast, priority, deltas = [], reset, references = [] }, events) {
    // A patch is against what came before it on the wire, and so a batch that comes again leaves its states again.
    if (reset) this.#states.clear();
    const patched = new Set(deltas);
    events = events.map((event, place) => this.#states.whole(event, patched.has(place)));
    if (batchIndex < this.#result.batches) return; // a repeated step
    must(batchIndex === this.#result.batches, `Batch ${this.#result.batches} is missing.`);
    must(!this.#lastSeen, "A batch came after the last one.");
    must(events.length <= (this.#options.batchSize ?? 1000), "A batch has too many events.");
    must(!priority || this.#result.ready === null, "A priority batch came after ready.");
    must(priority || !this.#options.priority || this.#result.ready !== null, "The rest came before ready.");
    must(deltas.length === 0 || this.#options.delta, "Deltas were not asked for.");
    must(references.length === 0 || this.#options.references, "References were not asked for.");
    this.#keep(events);
    for (const page of await Promise.all(references.map(fetchPage))) this.#keep(page);
    this.#result.batches++;
    this.#lastSeen = isLast;
    if (this.#options.window) this.#acknowledgeInTime(batchIndex);
  }

  /** A quarter of the window, 1 MB, or 2 seconds: what comes first. */
  #acknowledgeInTime(batchIndex) {
    const { batch, bytes, at } = this.#acknowledged;
    const isDue = (batchIndex - batch) * 4 >= this.#options.window || this.#result.bytes - bytes >= ACK_BYTES || performance.now() - at >= ACK_INTERVAL;
    if (!isDue) return;
    this.#acknowledged = { batch: batchIndex, bytes: this.#result.bytes, at: performance.now() };
    this.#acknowledge(batchIndex);
  }

  #keep(events) {
    for (const event of events) {
      const bytes = Buffer.from(event, "latin1");
      this.#hash.update(bytes).update("\n");
      this.#result.events.push(bytes);
    }
  }

  #complete(message) {
    const { events } = this.#result;
    must(this.#total !== null && !this.isComplete, "It ended before it began, or twice.");
    must(events.length === this.#total && events.length === message.processedEvents, `${events.length} events came, ${this.#total} were announced, ${message.processedEvents} sent.`);
    must(this.#lastSeen || events.length === 0, "The last batch is missing.");
    must(!this.#options.priority || this.#result.ready !== null, "It was never ready.");
    this.#result.digest = this.#hash.digest("hex");
    must(this.#result.digest === message.digest, "The digest is another one.");
    must(!this.#options.live || isCount(message.position), "The position is missing.");
    this.#result.complete = message;
    this.#position = message.position;
  }

  #takeLive({ before, events }) {
    must(before <= this.#position, `Events ${this.#position} to ${before} were lost on the way.`);
    const fresh = events.slice(this.#position - before);
    this.#position += fresh.length;
    this.#result.events.push(...fresh.map((event) => Buffer.from(event, "latin1")));
  }
}

/** The last state of each entity, and what a patch makes of it. */
class States {
  #states = new Map();

  clear() {
    this.#states.clear();
  }

  /** The event with its whole state, which becomes its entity's. */
  whole(event, isPatched) {
    const found = findState(event);
    must(found || !isPatched, "A patch belongs to no entity.");
    if (!found) return event;
    let state = event.slice(found.start, found.end);
    if (isPatched) {
      must(this.#states.has(found.entity), "A patch comes before its state.");
      state = merge(this.#states.get(found.entity), state);
      event = event.slice(0, found.start) + state + event.slice(found.end);
    }

    this.#states.set(found.entity, state);
    return event;
  }
}

/** The entity of an event, and where its state stands; nothing when there is none, or a name stands twice. */
function findState(event) {
  const { type, payload } = only(event, 0, { type: '"type"', payload: '"payload"' });
  const kind = type && /^"([^.]+)\./.exec(event.slice(type.start, type.end))?.[1];
  if (!kind || event[payload?.start] !== "{") return undefined;
  const { id, fullState, state } = only(event, payload.start, { id: `"${kind}Id"`, fullState: '"fullState"', state: '"state"' });
  const place = [fullState, state].find((candidate) => event[candidate?.start] === "{");
  return event[id?.start] === '"' && place ? { ...place, entity: `${kind} ${event.slice(id.start, id.end)}` } : undefined;
}

/** The members that are wanted, or none at all when one of them stands twice. */
function only(text, at, wanted) {
  const found = {};
  for (const member of members(text, at)) {
    for (const key of Object.keys(wanted).filter((name) => wanted[name] === member.name)) {
      if (found[key]) return {};
      found[key] = member;
    }
  }

  return found;
}

/** A JSON Merge Patch on the text. */
function merge(base, patch) {
  const result = fieldsOf(base);
  for (const [name, value] of fieldsOf(patch)) {
    if (value === "null") result.delete(name);
    else result.set(name, value[0] === "{" && result.get(name)?.[0] === "{" ? merge(result.get(name), value) : value);
  }

  return `{${[...result].map(([name, value]) => `${name}:${value}`).join(",")}}`;
}

async function fetchPage({ url, count, digest }) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: "error" });
  must(answer.ok, `A page answered ${answer.status}.`);
  const page = elements(Buffer.from(await answer.arrayBuffer()).toString("latin1"));
  const hash = createHash("sha256");
  for (const event of page) hash.update(event, "latin1").update("\n");
  must(page.length === count && hash.digest("hex") === digest, "A page is not what its digest says.");
  return page;
}

/** What a socket receives, until it closes, which is a failure here: the stream ends first. */
async function* messages(socket, onOpen) {
  const queue = [];
  let wake = () => {}, failure = null;
  const fail = (error) => {
    failure ??= error;
    wake();
  };
  const timer = setTimeout(() => fail(new Error("Nothing came for too long.")), PATIENCE);
  socket.on("open", onOpen);
  socket.on("message", (data) => {
    timer.refresh();
    queue.push(data);
    wake();
  });
  socket.on("error", fail);
  socket.on("close", (code) => fail(new Error(`The socket closed early (${code}).`)));
  try {
    for (;;) {
      while (queue.length > 0) yield queue.shift();
      if (failure) throw failure;
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    clearTimeout(timer);
  }
}

const parse = (latin1) => JSON.parse(Buffer.from(latin1, "latin1").toString());
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function must(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      url: { type: "string" }, request: { type: "string", default: "{}" }, ack: { type: "boolean" }, live: { type: "string", default: "0" }, out: { type: "string" },
    },
  });
  try {
    const result = await pull(values.url, JSON.parse(values.request), { ack: values.ack === true, live: Number(values.live) });
    if (values.out) await writeFile(values.out, Buffer.concat(result.events.flatMap((event) => [event, Buffer.from("\n")])));
    console.log(JSON.stringify({ ...result, events: result.events.length }));
  } catch (failure) {
    console.error(failure.message);
    process.exitCode = 1;
  }
}
