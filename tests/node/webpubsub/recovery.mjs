// A reliable client through drops and closes, by the unmodified client SDK: node recovery.mjs CONNECTION_STRING back|late
// back: it returns while the service waits for it. late: it stays away until the service has given it up.
import assert from "node:assert/strict";
import { WebPubSubClient } from "@azure/web-pubsub-client";
import { Inbox, endpointOf, relay, service, until } from "./tools.mjs";

const [connectionString, when] = process.argv.slice(2);
const hub = service(connectionString);
const wire = await relay(endpointOf(connectionString));
const inbox = new Inbox();
const connections = [];
let urls = 0, lost = 0;
const client = new WebPubSubClient({
  getClientAccessUrl: async () => {
    urls++;
    const roles = ["webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"];
    return wire.through((await hub.getClientAccessToken({ userId: "ann", roles, groups: ["g"] })).url);
  },
});
client.on("connected", (e) => connections.push(e.connectionId));
client.on("disconnected", () => lost++);
client.on("group-message", (e) => inbox.put(e.message.data));
await client.start();
await until(() => connections.length === 1, "connected");
const send = (text) => hub.group("g").sendToAll(text, { contentType: "text/plain" });

if (when === "back") {
  // A drop: what was sent meanwhile follows, in order, once, on the same connection, with its groups.
  await client.joinGroup("joined");
  await send("before");
  assert.equal(await inbox.next(), "before");
  wire.refuse(true);
  wire.drop();
  await until(async () => client._state === "Recovering", "the client has seen the drop");
  for (let i = 0; i < 100; i++) await send(`missed ${i}`);
  assert.equal(await hub.connectionExists(connections[0]), true);
  wire.refuse(false);
  for (let i = 0; i < 100; i++) assert.equal(await inbox.next(), `missed ${i}`);
  await send("after");
  assert.equal(await inbox.next(), "after");
  await hub.group("joined").sendToAll("still a member", { contentType: "text/plain" });
  assert.equal(await inbox.next(), "still a member");
  assert.deepEqual([connections.length, urls, lost], [1, 1, 0]);
} else {
  // Gone for longer than the service waits: refused with 1008, so the client comes with a new connection at once.
  wire.refuse(true);
  wire.drop();
  await until(async () => !(await hub.connectionExists(connections[0])), "the service gave the client up");
  await send("lost");
  wire.refuse(false);
  await until(() => connections.length === 2, "a new connection");
  assert.deepEqual([connections.length, urls, lost], [2, 2, 1]);
  assert.notEqual(connections[1], connections[0]);
  await send("new");
  assert.equal(await inbox.next(), "new");
}

// Closed over REST: one new connection, no loop of recoveries.
const before = connections.length;
const current = connections.at(-1);
await hub.closeConnection(current);
await until(() => connections.length === before + 1, "another new connection");
await send("newer");
assert.equal(await inbox.next(), "newer");
assert.deepEqual([connections.length, urls, lost], [before + 1, before + 1, before]);
assert.equal(await hub.connectionExists(current), false);

client.stop();
wire.close();
console.log("ok");
process.exit(0); // the SDK keeps timers
