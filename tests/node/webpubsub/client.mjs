// Groups, acks and data types, by the unmodified client SDK: node client.mjs CONNECTION_STRING json|reliable
import assert from "node:assert/strict";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";
import { Inbox, service } from "./tools.mjs";

const [connectionString, kind] = process.argv.slice(2);
const hub = service(connectionString);

async function start(userId, roles) {
  const client = new WebPubSubClient(
    { getClientAccessUrl: async () => (await hub.getClientAccessToken({ userId, roles })).url },
    { protocol: kind === "json" ? WebPubSubJsonProtocol() : WebPubSubJsonReliableProtocol(), messageRetryOptions: { maxRetries: 0 } });
  const inbox = new Inbox();
  const connected = new Promise((resolve) => client.on("connected", resolve));
  client.on("group-message", (e) => inbox.put(e.message));
  client.on("server-message", (e) => inbox.put(e.message));
  await client.start();
  return { client, next: () => inbox.next(), connectionId: (await connected).connectionId, inbox };
}

const roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.g/é 1", "webpubsub.sendToGroups.room.*"];
const ann = await start("ann", roles);
const bob = await start("bob", roles);

await ann.client.joinGroup("g/é 1");
await bob.client.joinGroup("g/é 1");
await ann.client.sendToGroup("g/é 1", { a: "é\"\n" }, "json", { noEcho: true });
await ann.client.sendToGroup("g/é 1", "text \u{1F600}", "text");
await bob.client.sendToGroup("g/é 1", new Uint8Array([0, 128, 255]).buffer, "binary");
const shape = ({ kind, group, fromUserId, dataType, data }) => [kind, group, fromUserId, dataType, data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data];
assert.deepEqual(shape(await bob.next()), ["groupData", "g/é 1", "ann", "json", { a: "é\"\n" }]);
assert.deepEqual(shape(await bob.next()), ["groupData", "g/é 1", "ann", "text", "text \u{1F600}"]);
assert.deepEqual(shape(await bob.next()), ["groupData", "g/é 1", "bob", "binary", [0, 128, 255]]);
assert.deepEqual(shape(await ann.next()), ["groupData", "g/é 1", "ann", "text", "text \u{1F600}"]);
assert.deepEqual(shape(await ann.next()), ["groupData", "g/é 1", "bob", "binary", [0, 128, 255]]);

// A repeated ack id is not carried out again; a failed one may be.
const first = await ann.client.sendToGroup("room.1", "x", "text", { ackId: 1_000_077 });
const second = await ann.client.sendToGroup("room.1", "x", "text", { ackId: 1_000_077 });
assert.deepEqual([first.isDuplicated, second.isDuplicated], [false, true]);
await assert.rejects(ann.client.sendToGroup("room.1.2", "x", "text", { ackId: 1_000_078 }), (e) => e.errorDetail.name === "Forbidden");
await assert.rejects(ann.client.sendToGroup("elsewhere", "x", "text", { ackId: 1_000_078 }), (e) => e.errorDetail.name === "Forbidden");
assert.equal((await ann.client.sendToGroup("room.1", "x", "text", { ackId: 1_000_078 })).isDuplicated, false);
await assert.rejects(ann.client.sendEvent("nobodyTakesIt", "x", "text"), (e) => e.errorDetail.name === "InternalServerError");

// Ten thousand sends arrive in order.
await bob.client.leaveGroup("g/é 1");
await bob.client.joinGroup("room.load");
const total = 10_000;
let received = 0;
const all = new Promise((resolve, reject) => bob.client.on("group-message", (e) => {
  if (e.message.group !== "room.load") return;
  if (e.message.data !== received) reject(new Error(`got ${e.message.data} where ${received} belongs`));
  if (++received === total) resolve();
}));
const started = Date.now();
for (let sent = 0; sent < total; sent += 250) {
  await Promise.all(Array.from({ length: 250 }, (_, i) => ann.client.sendToGroup("room.load", sent + i, "json")));
}
await all;
console.log(`${total} messages in ${Date.now() - started} ms`);

ann.client.stop();
bob.client.stop();
console.log("ok");
process.exit(0); // the SDK keeps timers
