// Plays a scripted conversation of tests/conversations (README.md there has the format) with the JavaScript client: a fetch and a
// WebSocket that do what the file says, and nothing else.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { MemoryStore, SyncManager, readEvent } from "../../../src/dequeue-client/src/index.js";

const folder = new URL("../../conversations/", import.meta.url);
const PATIENCE = 10_000;

/** All conversations, each with the name of its file and the events of it. */
export async function conversations() {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const all = await Promise.all(files.map(async (file) => {
    const { events, conversations } = JSON.parse(await readFile(new URL(file, folder), "utf8"));
    return conversations.map((conversation) => ({ file, events, ...conversation }));
  }));
  return all.flat();
}

/** Plays one, and throws where the client does anything else than it must. */
export async function play(conversation) {
  const { events: texts, store: before = {}, options = {}, tokens = ["token"] } = conversation;
  const server = new Server(conversation);
  const store = new MemoryStore();
  const named = (names) => names.map((name) => readText(texts[name]));
  if (before.checkpoint !== undefined) await store.save(named(before.events ?? []), { checkpoint: before.checkpoint, epoch: before.epoch ?? null, position: before.position ?? null });
  let token = 0;
  const { stream, ...others } = options;
  const sync = new SyncManager({
    server: "http://127.0.0.1:1", store, baseDelay: 1, maxDelay: 5, random: () => 0.5, fetch: server.fetch, WebSocket: server.WebSocket, stream, ...others,
    token: (refused) => {
      if (refused) token++;
      if (tokens[token] === null) throw new Error("secret");
      return tokens[token];
    },
  });
  if (before.queue) await store.enqueue(named(before.queue));
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`Nothing more happened. ${server.where}`)), PATIENCE);
  const running = server.run(stop.signal).catch((error) => {
    stop.abort(error);
    throw error;
  });
  const phases = [];
  const onProgress = ({ phase }) => phases.at(-1) === phase || phases.push(phase);
  let result = null, failure = null;
  const handed = [];
  try {
    for (const what of [conversation.do ?? "pull"].flat()) {
      failure = null;
      try {
        if (what === "pull") result = await sync.pull({ signal: stop.signal, onProgress });
        else if (what === "push") result = await sync.push(conversation.pushes.map((name) => texts[name]), { signal: stop.signal });
        else if (what === "enqueue") await sync.enqueue(conversation.pushes.map((name) => texts[name]));
        else if (what === "flush") result = await sync.flush({ signal: stop.signal });
        else if (what === "beginAnew") await sync.beginAnew();
        else if (what === "watch") await watch();
        else throw new Error(`Nothing is called ${what}.`);
      } catch (error) {
        if (stop.signal.aborted) throw stop.signal.reason;
        failure = error;
      }
    }

    await running;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }

  async function watch() {
    const leave = new AbortController();
    const end = () => leave.abort(stop.signal.reason);
    stop.signal.addEventListener("abort", end);
    let isPlayed = false;
    running.then(() => {
      isPlayed = true;
      if (handed.length >= conversation.hands.length) leave.abort();
    }, () => {});
    try {
      for await (const event of sync.watch({ signal: leave.signal, consumer: conversation.consumer })) {
        handed.push(event.text);
        if (isPlayed && handed.length >= conversation.hands.length) leave.abort();
      }
    } catch (error) {
      if (!leave.signal.aborted || stop.signal.aborted) throw error;
    }
  }

  const { fails, throws, holds = {}, hands, result: expected } = conversation;
  if (fails) assert.deepEqual({ kind: failure?.kind, ...(fails.code && { code: failure?.code }), ...(fails.epoch && { epoch: failure?.epoch }) }, fails, String(failure));
  else if (throws) assert.match(String(failure?.message), new RegExp(throws));
  else if (failure) throw failure;
  if (expected) for (const [name, value] of Object.entries(expected)) assert.deepEqual(readResult(result, name), value, `result.${name}`);
  if (conversation.phases) for (const phase of conversation.phases) assert.ok(phases.includes(phase), `${phase} is not in ${phases}`);
  if (hands) assert.deepEqual(handed, hands.map((name) => texts[name]));
  const after = await store.load();
  if (holds.checkpoint !== undefined) assert.equal(after.checkpoint, holds.checkpoint, "checkpoint");
  if (holds.epoch !== undefined) assert.equal(after.epoch, holds.epoch, "epoch");
  if (holds.position !== undefined) assert.equal(after.position, holds.position, "position");
  if (holds.events) assert.deepEqual(store.events.map((event) => event.text), holds.events.map((name) => texts[name]));
  if (holds.queue) assert.deepEqual((await store.peek(1000)).map((event) => event.text), holds.queue.map((name) => texts[name]));
  if (holds.refused) assert.deepEqual((await store.refused()).map((event) => event.text), holds.refused.map((name) => texts[name]));
  server.assertQuiet();
}

const readText = (text) => ({ ...readEvent0(text), text });
const readEvent0 = (text) => {
  const event = JSON.parse(text);
  return { id: event.id, text, event };
};

function readResult(result, name) {
  if (name === "streamFailure" || name === "failure") return result[name]?.kind ?? null;
  if (name === "ready") return result.readySeconds !== null;
  if (name === "rejected") return result.rejected.map(({ id }) => id);
  return result[name];
}

/** What the server of a conversation does: its steps, one after the other. */
class Server {
  #calls = new Line();
  #sockets = new Line();
  #messages = new Line();
  #step = -1;
  #socket = null;

  constructor({ steps, events, blobs = {} }) {
    this.steps = steps;
    this.texts = events;
    this.blobs = blobs;
    const sockets = this.#sockets, messages = this.#messages;
    this.WebSocket = class {
      readyState = 0;
      constructor(url) {
        assert.equal(url, "ws://hub.test/client?access_token=hub-secret");
        sockets.put(this);
      }

      send(bytes) {
        messages.put(JSON.parse(new TextDecoder().decode(bytes)));
      }

      close() {
        this.readyState = 3;
        this.onGone?.();
      }
    };
  }

  get where() {
    return `At step ${this.#step}: ${JSON.stringify(this.steps[this.#step])}`;
  }

  fetch = (url, { method, body, headers, signal }) => {
    const { origin, pathname } = new URL(url);
    if (pathname.startsWith("/blobs/")) {
      assert.equal(headers?.Authorization, undefined, "A page by reference must not get the token.");
      const blob = this.blobs[pathname];
      return Promise.resolve(new Response(blob.status ? "" : this.#spliced(blob.events), { status: blob.status ?? 200 }));
    }

    assert.equal(origin, "http://127.0.0.1:1");
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      this.#calls.put({ call: `${method} ${pathname}`, body: body ? JSON.parse(body) : {}, text: body, token: headers.Authorization, resolve, reject });
    });
  };

  async run(signal) {
    for (const step of this.steps) {
      this.#step++;
      if (step.negotiate) {
        const call = await this.#calls.take(signal);
        assert.equal(call.call, "POST /v1/sync/stream/negotiate", this.where);
        call.resolve(Response.json({ url: "ws://hub.test/client?access_token=hub-secret", expiresAt: "2026-11-22T08:15:30Z" }));
      } else if (step.call) await this.#answer(step, await this.#calls.take(signal));
      else if (step.open) {
        this.#socket = await this.#sockets.take(signal);
        if (step.open === "refused") this.#socket.onerror({});
        else {
          this.#socket.readyState = 1;
          this.#socket.onopen?.({});
        }
      } else if (step.ask) assertHas(await this.#messages.take(signal), { type: "sync.stream.request", ...step.ask }, this.where);
      else if (step.ack !== undefined) assert.deepEqual(await this.#messages.take(signal), { type: "sync.stream.ack", batchIndex: step.ack }, this.where);
      else if (step.send) this.#send(step);
      else if (step.cut) this.#socket.onclose?.({ code: 1006 });
      else if (step.silent) await this.#gone(signal);
      else throw new Error(`Nothing is done by ${JSON.stringify(step)}.`);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }

  assertQuiet() {
    for (const line of [this.#calls, this.#sockets, this.#messages]) assert.equal(line.waiting.length, 0, `The client said more than it must: ${JSON.stringify(line.waiting[0])}`);
  }

  #gone(signal) {
    return new Promise((resolve, reject) => {
      this.#socket.onGone = resolve;
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }

  async #answer(step, call) {
    assert.equal(call.call, step.call, this.where);
    if (step.token) assert.equal(call.token, `Bearer ${step.token}`, this.where);
    if (step.body) assertHas(call.body, step.body, this.where);
    if (step.pushed) assert.ok(call.text.startsWith(`{"events":${this.#spliced(step.pushed)}`), `${call.text} was pushed. ${this.where}`);
    if (step.fails) call.reject(new TypeError("fetch failed: secret"));
    else {
      const text = typeof step.answer === "string" ? step.answer : this.#message(step.answer ?? {});
      call.resolve(new Response(text, { status: step.status ?? 200, headers: step.headers ?? {} }));
    }
  }

  #send({ send, gzip }) {
    const bytes = Buffer.from(typeof send === "string" ? send : this.#message(send));
    const data = gzip ? gzipSync(bytes) : bytes;
    this.#socket.onmessage?.({ data: data.buffer.slice(data.byteOffset, data.byteOffset + data.length) });
  }

  /** The message with the events' texts in the place of their names. */
  #message(message) {
    const { events, references } = message;
    const absolute = references && { references: references.map((page) => ({ ...page, url: `http://127.0.0.1:1${page.url}` })) };
    if (!Array.isArray(events)) return JSON.stringify(message);
    return JSON.stringify({ ...message, ...absolute, events: "@" }).replace('"@"', () => this.#spliced(events));
  }

  #spliced(names) {
    return `[${names.map((name) => this.texts[name]).join(",")}]`;
  }
}

/** What waits to be taken, and who waits for it. */
class Line {
  waiting = [];
  #taker = null;

  put(item) {
    if (this.#taker) this.#taker(item);
    else this.waiting.push(item);
  }

  async take(signal) {
    if (this.waiting.length > 0) return this.waiting.shift();
    if (signal.aborted) throw signal.reason;
    return new Promise((resolve, reject) => {
      this.#taker = (item) => {
        this.#taker = null;
        resolve(item);
      };
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }
}

/** What must be there is there; null stands for what must not, and for the beginning of the log. */
function assertHas(actual, expected, where) {
  for (const [name, value] of Object.entries(expected)) {
    if (value === null) assert.ok(actual[name] === undefined || String(actual[name]).startsWith("1970-01-01"), `${name} is ${JSON.stringify(actual[name])}. ${where}`);
    else assert.deepEqual(actual[name], value, `${name}. ${where}`);
  }
}
