// A client that does nothing stays: node idle.mjs CONNECTION_STRING SECONDS
import assert from "node:assert/strict";
import { WebPubSubClient, WebPubSubJsonProtocol } from "@azure/web-pubsub-client";
import { Inbox, open, service } from "./tools.mjs";

const [connectionString, seconds] = process.argv.slice(2);
const hub = service(connectionString);
const token = async (userId) => (await hub.getClientAccessToken({ userId, groups: ["idle"] })).url;
const inbox = new Inbox();
let lost = 0;
const options = [{ protocol: WebPubSubJsonProtocol() }, undefined];
const clients = await Promise.all(options.map(async (one, i) => {
  const client = new WebPubSubClient({ getClientAccessUrl: () => token(`user ${i}`) }, one);
  client.on("disconnected", () => lost++);
  client.on("group-message", (e) => inbox.put(e.message.data));
  await client.start();
  return client;
}));
const simple = await open(await token("simple"));
simple.closed.then(() => lost++);
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
assert.equal(lost, 0);
await hub.group("idle").sendToAll("still here", { contentType: "text/plain" });
assert.deepEqual([await inbox.next(), await inbox.next(), await simple.next()], ["still here", "still here", "still here"]);
for (const client of clients) client.stop();
simple.socket.close();
console.log("ok");
process.exit(0); // the SDK keeps timers
