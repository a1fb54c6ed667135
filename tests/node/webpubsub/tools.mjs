import net from "node:net";
import { once } from "node:events";
import { WebPubSubServiceClient } from "@azure/web-pubsub";
import WebSocket from "ws";

// A script that hangs ends, with an error.
setTimeout(() => { console.error("the script hangs"); process.exit(1); }, 300_000).unref();

/** A service client of the hub "chat"; the service has no TLS. */
export const service = (connectionString, hub = "chat") =>
  new WebPubSubServiceClient(connectionString, hub, { allowInsecureConnection: true });

/** What was received, to be taken one by one; waits, for at most a minute. */
export class Inbox {
  #items = [];
  #waiting = [];

  put(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }

  async next(what = "message") {
    if (this.#items.length > 0) return this.#items.shift();
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no ${what} in time`)), 60_000); });
    const item = new Promise((resolve) => this.#waiting.push(resolve));
    return Promise.race([item, late]).finally(() => clearTimeout(timer));
  }

  get size() { return this.#items.length; }
}

/** A plain WebSocket whose text frames are strings and binary frames buffers. */
export async function open(url, protocols = []) {
  const socket = new WebSocket(url, protocols);
  const inbox = new Inbox();
  socket.on("message", (data, isBinary) => inbox.put(isBinary ? data : data.toString()));
  const closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  await once(socket, "open");
  return { socket, closed, next: () => inbox.next(), send: (data) => socket.send(data) };
}

/** The status of a refused handshake. */
export const refusal = (url) => new Promise((resolve, reject) => {
  const socket = new WebSocket(url);
  socket.on("unexpected-response", (_, response) => { resolve(response.statusCode); socket.terminate(); });
  socket.on("open", () => reject(new Error("the client was let in")));
  socket.on("error", () => {});
});

/** A relay in front of the service that can lose every connection, and refuse new ones for a while. */
export async function relay(endpoint) {
  const target = new URL(endpoint);
  const sockets = new Set();
  let refusing = false;
  const server = net.createServer((near) => {
    if (refusing) return near.destroy();
    const far = net.connect(Number(target.port), "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => { sockets.delete(one); other.destroy(); });
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    through: (url) => { const changed = new URL(url); changed.host = `127.0.0.1:${server.address().port}`; return changed.toString(); },
    drop: () => { for (const socket of sockets) socket.destroy(); },
    refuse: (value) => { refusing = value; },
    close: () => { for (const socket of sockets) socket.destroy(); server.close(); },
  };
}

/** Waits until a condition holds. */
export async function until(condition, what) {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const endpointOf = (connectionString) => /Endpoint=([^;]+)/.exec(connectionString)[1];
