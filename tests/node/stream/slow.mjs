// Many slow devices at once, to see what they make the servers hold.
//   node slow.mjs --server URL --token TOKEN [--devices 100] [--kilobytes 64] [--seconds 60] [--negotiate] PID...
// Each device asks for the whole history and takes so many kilobytes a second: plain through the gateway at URL, or, with --negotiate,
// gzip with a window at a negotiated URL. Prints one line: how many streams still run or are complete, what they took, and the most
// memory that each process has had, in MB.
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const ACK_EVERY = 16, ACK_INTERVAL = 2000;
const { values, positionals: processes } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: "string" }, token: { type: "string" }, devices: { type: "string", default: "100" }, kilobytes: { type: "string", default: "64" },
    seconds: { type: "string", default: "60" }, negotiate: { type: "boolean", default: false },
  },
});
const headers = { Authorization: `Bearer ${values.token}` };
const bytesPerSecond = Number(values.kilobytes) * 1024;
const result = { running: 0, complete: 0, ended: {}, megabytes: 0, memory: {} };

async function device() {
  const socket = values.negotiate
    ? new WebSocket((await (await fetch(new URL("/v1/sync/stream/negotiate", values.server), { method: "POST", headers })).json()).url)
    : new WebSocket(new URL("/v1/sync/stream", values.server.replace("http", "ws")), { headers, perMessageDeflate: false });
  let batches = 0, acknowledged = 0, at = performance.now();
  socket.on("open", () => {
    result.running++;
    socket.send(JSON.stringify({ type: "sync.stream.request", ...(values.negotiate && { encodings: ["gzip"], window: 64 }) }));
  });
  socket.on("message", async (data) => {
    result.megabytes += data.length / 1e6;
    if (data.length < 2000) {
      const message = JSON.parse(data);
      if (message.type === "sync.stream.complete") result.complete++;
      if (message.type === "sync.stream.error") result.ended[message.error] = (result.ended[message.error] ?? 0) + 1;
      return;
    }

    batches++;
    socket.pause();
    await delay((1000 * data.length) / bytesPerSecond);
    socket.resume();
    if (!values.negotiate || (batches - acknowledged < ACK_EVERY && performance.now() - at < ACK_INTERVAL)) return;
    [acknowledged, at] = [batches, performance.now()];
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "sync.stream.ack", batchIndex: batches - 1 }));
  });
  socket.on("close", (code, reason) => {
    result.running--;
    const why = `${code} ${reason}`;
    result.ended[why] = (result.ended[why] ?? 0) + 1;
  });
  socket.on("error", () => {});
}

for (let i = 0; i < Number(values.devices); i++) await device();
await delay(1000 * Number(values.seconds));
for (const pid of processes) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  result.memory[pid] = Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024);
}

result.megabytes = Math.round(result.megabytes);
console.log(JSON.stringify(result));
process.exit(0);
