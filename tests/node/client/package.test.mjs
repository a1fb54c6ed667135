// The package as an app gets it: packed, installed offline into a new folder, typed, small, and used against a server.
//   node package.test.mjs SERVER TOKEN EVENTS DIGEST
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { example, install, source } from "./install.mjs";

const [server, token, events, digest] = process.argv.slice(2);

/** Bytes, minified and gzipped, without the stores in IndexedDB and SQLite: what every app loads, and with the parts that only some calls load. */
const FIRST_LIMIT = 12 * 1024, WHOLE_LIMIT = 16 * 1024;
const run = promisify(execFile);
const tsc = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
let folder, installed, packed;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "dequeue-client-"));
  packed = await install(folder);
  installed = await import(pathToFileURL(join(folder, "node_modules", "dequeue-client", "src", "index.js")));
});
after(() => rm(folder, { recursive: true }));

test("The tarball has what an app needs, and nothing else", () => {
  assert.deepEqual(packed.files.filter((file) => !file.startsWith("src/")).sort(), ["LICENSE", "README.md", "index.d.ts", "indexeddb.d.ts", "package.json", "sqlite.d.ts"]);
  assert.ok(packed.files.filter((file) => file.startsWith("src/")).every((file) => /^src\/[a-z-]+\.js$/.test(file)));
});

test("It depends on nothing, and its version is that of the other packages", async () => {
  const { dependencies, version } = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  assert.equal(dependencies, undefined);
  assert.equal(version, /<Version>(.*)<\/Version>/.exec(await readFile(join(source, "../../Directory.Build.props"), "utf8"))[1]);
});

test("Its code keeps what its declarations promise", async () => {
  await run(process.execPath, [tsc, "-p", source]).catch(({ stdout }) => assert.fail(stdout));
});

test("An app in strict TypeScript can use all of it", async () => {
  await writeFile(join(folder, "app.ts"), await readFile(new URL("app.ts", import.meta.url)));
  for (const [module, moduleResolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    await run(process.execPath, [tsc, "--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--lib", "es2022,dom,dom.asynciterable", "--module", module, "--moduleResolution", moduleResolution, "app.ts"], { cwd: folder })
      .catch(({ stdout }) => assert.fail(stdout));
  }
});

test("An app in TypeScript that misuses it is told so", async () => {
  await writeFile(join(folder, "wrong.ts"), "import { MemoryStore, SyncManager } from 'dequeue-client';\nnew SyncManager({ server: 'https://x', store: new MemoryStore(), token: 'x', window: '64' });\n");
  const { stdout } = await run(process.execPath, [tsc, "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "wrong.ts"], { cwd: folder }).catch((failure) => failure);
  assert.match(stdout, /wrong\.ts\(2,\d+\): error TS2322/);
});

test("What an app loads of it is small", async () => {
  await writeFile(join(folder, "all.js"), "export * from 'dequeue-client';\n");
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: folder, entryPoints: ["all.js"], bundle: true, splitting: true, minify: true, format: "esm", target: "es2022", write: false, outdir: "out", metafile: true,
  });
  const outputs = Object.entries(metafile.outputs);
  const first = new Set();
  const visit = (path) => first.has(path) || (first.add(path), metafile.outputs[path].imports.filter(({ kind }) => kind === "import-statement").forEach((next) => visit(next.path)));
  visit(outputs.find(([, { entryPoint }]) => entryPoint === "all.js")[0]);
  const gzipped = (paths) => gzipSync(Buffer.concat(paths.map((path) => outputFiles.find((file) => file.path.endsWith(path)).contents)), { level: 9 }).length;
  const sizes = { first: gzipped([...first]), all: gzipped(outputs.map(([path]) => path)) };
  console.log(JSON.stringify({ gzipped: sizes }));
  assert.ok(sizes.first < FIRST_LIMIT && sizes.all < WHOLE_LIMIT, JSON.stringify(sizes));
});

test("The README's example for Node runs as it is written", { skip: !server }, async () => {
  await writeFile(join(folder, "example.js"), await example("node"));
  const { stdout } = await run(process.execPath, ["example.js"], { cwd: folder, env: { ...process.env, SERVER: server, TOKEN: token } });
  console.log(stdout.trim());
  assert.match(stdout, new RegExp(`^${events} events by stream in [\\d.]+ s, verified: true$`, "m"));
  assert.match(stdout, /^1 acknowledged, 0 rejected$/m);
  assert.match(stdout, /^example\.made /m);
});

test("A stream that is cut in the middle goes on, in Node", { skip: !server }, async () => {
  const { default: WebSocket } = await import("ws");
  let sockets = 0;
  class Cut extends WebSocket {
    constructor(url) {
      super(url);
      if (++sockets > 1) return;
      let batches = 0;
      this.on("message", () => ++batches === 6 && this.terminate());
    }
  }
  const { MemoryStore, SyncManager, digestOf } = installed;
  const store = new MemoryStore();
  const seen = [];
  const result = await new SyncManager({ server, token, store, WebSocket: Cut }).pull({ onProgress: ({ processed, total }) => seen.push([processed, total]) });
  report("Node, cut in the middle", result, store.events.length);
  assert.deepEqual([result.transport, result.resumes, result.streamFailure], ["stream", 1, null]);
  assertWhole(store.events.map(({ text }) => text), digestOf);
  assert.ok(seen.some(([processed]) => processed > 0 && processed < events), "Nothing came before the cut.");
  assert.ok(seen.every(([processed, total], place) => place === 0 || (processed >= seen[place - 1][0] && (total ?? 0) >= (seen[place - 1][1] ?? 0))), "The progress went back.");
});

test("What a device holds when its server dies is where it goes on", { skip: !server }, async () => {
  const { default: WebSocket } = await import("ws");
  const { MemoryStore, SyncManager, SyncFailure, digestOf } = installed;
  const store = new MemoryStore();
  let isDead = false;
  class Dying extends WebSocket {
    constructor(url) {
      super(url);
      let batches = 0;
      this.on("message", () => {
        if (++batches < 5) return;
        isDead = true;
        this.terminate();
      });
    }
  }
  const dying = { server, token, store, WebSocket: Dying, maxAttempts: 2, baseDelay: 1, fetch: (...call) => (isDead ? Promise.reject(new TypeError("dead")) : fetch(...call)) };
  await assert.rejects(new SyncManager(dying).pull(), (failure) => failure instanceof SyncFailure && failure.kind === "unreachable");
  const held = store.events.length;
  assert.ok(held > 0 && held < events);
  const result = await new SyncManager({ server, token, store, WebSocket }).pull();
  report(`Node, the next pull after ${held} events`, result, store.events.length);
  assert.equal(result.added, store.events.length - held);
  assertWhole(store.events.map(({ text }) => text), digestOf);
});

test("Without a WebSocket it works by REST", { skip: !server }, async () => {
  const { MemoryStore, SyncManager, digestOf } = installed;
  const store = new MemoryStore();
  const own = globalThis.WebSocket;
  delete globalThis.WebSocket;
  try {
    const result = await new SyncManager({ server, token, store }).pull();
    report("Node without a WebSocket", result, store.events.length);
    assert.deepEqual([result.transport, result.streamFailure], ["rest", null]);
  } finally {
    if (own) globalThis.WebSocket = own;
  }

  assertWhole(store.events.map(({ text }) => text), digestOf);
});

test("It works in a worker of Node", { skip: !server }, async () => {
  await writeFile(join(folder, "worker.js"), `
    import { parentPort, workerData } from 'node:worker_threads';
    import WebSocket from 'ws';
    import { MemoryStore, SyncManager, digestOf } from 'dequeue-client';
    const store = new MemoryStore();
    const result = await new SyncManager({ ...workerData, store, WebSocket }).pull();
    parentPort.postMessage({ result: { ...result, streamFailure: String(result.streamFailure) }, texts: store.events.map(event => event.text) });`);
  const { result, texts } = await new Promise((resolve, reject) => {
    new Worker(pathToFileURL(join(folder, "worker.js")), { workerData: { server, token } }).once("message", resolve).once("error", reject);
  });
  report("a worker of Node", result, texts.length);
  assert.equal(result.transport, "stream");
  assertWhole(texts, installed.digestOf);
});

// The example has pushed one more, at the end.
function assertWhole(texts, digestOf) {
  assert.equal(texts.length, Number(events) + 1);
  assert.equal(digestOf(texts.slice(0, -1)), digest);
}

function report(where, { transport, resumes, seconds, digestVerified }, held) {
  console.log(JSON.stringify({ where, held, transport, resumes, seconds: Number(seconds.toFixed(3)), digestVerified }));
}
