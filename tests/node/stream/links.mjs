// Long streams on slow links, for the two clients that `bench/Dequeue.Bench`, `links`, does not run: one of plain Node with a window, and the page.
//   node links.mjs --rest PORT --pubsub PORT --token TOKEN [--megabits 8] [--client gzip|plain|page]
// The server listens at these ports of loopback. Each connection goes over a link of its own: so many Mbit/s from the server, 25 ms each
// way, and no more taken from the server than the link carries. Prints one line of a table: client, events, Mbit/s, how it came, batches,
// MB on the link, seconds.
import net from "node:net";
import { createRequire } from "node:module";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import WebSocket from "ws";

const PAGE_TESTS = new URL("../../Dequeue.Site.Tests/bin/Release/net10.0/.playwright/package", import.meta.url);
const ONE_WAY = 25, PART = 16384, AHEAD = 262144, PATIENCE = 1_800_000;
const { values } = parseArgs({
  options: {
    rest: { type: "string" }, pubsub: { type: "string" }, token: { type: "string" },
    megabits: { type: "string", default: "8" }, client: { type: "string", default: "gzip" },
  },
});
const megabits = Number(values.megabits);
const links = { rest: await link(Number(values.rest)), pubsub: await link(Number(values.pubsub)) };
const began = performance.now();
const { name, events, how, batches } = values.client === "page" ? await page() : await node(values.client === "gzip" ? ["gzip"] : [], values.client === "gzip" ? 64 : 8);
const carried = (links.rest.bytes + links.pubsub.bytes) / 1e6;
console.log(`| ${name} | ${events} | ${megabits} Mbit/s | ${how} | ${batches} | ${carried.toFixed(1)} MB | ${((performance.now() - began) / 1000).toFixed(1)} s |`);
process.exit(0);

function link(target) {
  const state = { bytes: 0 };
  const server = net.createServer((client) => {
    const up = net.connect(target, "127.0.0.1");
    for (const socket of [client, up]) socket.setNoDelay(true);
    client.on("data", (data) => setTimeout(() => up.write(data), ONE_WAY));
    client.on("error", () => up.destroy()).on("close", () => up.destroy());
    up.on("error", () => client.destroy());
    carry(up, client, state).catch(() => client.destroy());
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(Object.assign(state, { port: server.address().port }))));
}

async function carry(from, to, state) {
  let free = performance.now();
  for await (const chunk of from) {
    for (let at = 0; at < chunk.length; at += PART) {
      const part = chunk.subarray(at, at + PART);
      state.bytes += part.length;
      free = Math.max(free, performance.now()) + (part.length * 8) / (megabits * 1000);
      if (free > performance.now() + 1) await delay(free - performance.now());
      setTimeout(() => to.write(part), ONE_WAY);
      if (to.writableLength > AHEAD) await new Promise((resolve) => to.once("drain", resolve));
    }
  }

  setTimeout(() => to.end(), ONE_WAY);
}

async function node(encodings, window) {
  const headers = { Authorization: `Bearer ${values.token}` };
  const { url } = await (await fetch(`http://127.0.0.1:${links.rest.port}/v1/sync/stream/negotiate`, { method: "POST", headers })).json();
  const socket = new WebSocket(Object.assign(new URL(url), { hostname: "127.0.0.1", port: links.pubsub.port }));
  let events = 0, batches = 0, acknowledged = 0, total = 0;
  const how = await new Promise((resolve) => {
    socket.on("open", () => socket.send(JSON.stringify({ type: "sync.stream.request", encodings, window })));
    socket.on("message", (data) => {
      const message = JSON.parse(data[0] === 0x1f ? gunzipSync(data) : data);
      if (message.type === "sync.stream.start") total = message.totalEvents;
      if (message.type === "sync.stream.error") resolve(`error ${message.error}`);
      if (message.type === "sync.stream.complete") resolve(events === total ? "stream" : `${events} of ${total}`);
      if (message.type !== "sync.stream.batch") return;
      events += message.events.length;
      batches++;
      if (batches - acknowledged < window / 4) return;
      acknowledged = batches;
      socket.send(JSON.stringify({ type: "sync.stream.ack", batchIndex: message.batchIndex }));
    });
    socket.on("close", (code, reason) => resolve(`closed, ${code} ${reason}`)).on("error", (error) => resolve(error.message));
  });
  return { name: `Node, ${encodings[0] ?? "plain"}, window ${window}`, events: total, how, batches };
}

async function page() {
  const { chromium } = createRequire(import.meta.url)(PAGE_TESTS.pathname);
  const rules = `MAP localhost:${values.pubsub} 127.0.0.1:${links.pubsub.port}, MAP 127.0.0.1:${values.pubsub} 127.0.0.1:${links.pubsub.port}`;
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", `--host-resolver-rules=${rules}`] });
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${links.rest.port}/`);
  await tab.getByLabel("Token", { exact: true }).fill(values.token);
  await tab.getByRole("button", { name: "Sign in" }).click();
  await tab.getByRole("button", { name: "Sync a fresh device" }).click();
  const state = tab.locator("#fresh [data-part=state]");
  await tab.waitForFunction(
    () => /Complete|stopped|failed|lost/i.test(document.querySelector("#fresh [data-part=state]").textContent), null, { timeout: PATIENCE });
  const [, events, how] = /Complete: ([\d,]+) events in [\d.]+ s by (\w+)/.exec(await state.textContent()) ?? [null, "", await state.textContent()];
  await browser.close();
  return { name: "page", events, how, batches: "" };
}
