// An application with the unmodified Express SDK as its event handler. Prints its URL, then "ok" when all is done:
// node handler.mjs CONNECTION_STRING; the test registers the URL as the handler of the hub "chat" and answers with a line.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import express from "express";
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import { WebPubSubClient, WebPubSubJsonProtocol } from "@azure/web-pubsub-client";
import { Inbox, endpointOf, open, refusal, service } from "./tools.mjs";

const connectionString = process.argv[2];
const hub = service(connectionString);
const events = new Inbox();
const handler = new WebPubSubEventHandler("chat", {
  allowedEndpoints: [endpointOf(connectionString)],
  handleConnect: (request, response) => {
    const user = request.context.userId;
    if (user === "refused") return response.fail(401, "no");
    if (user === "plain") return response.success();
    response.setState("visits", 1);
    response.success({ userId: `${user}!`, groups: ["from connect"], roles: ["webpubsub.sendToGroup.from connect"] });
  },
  onConnected: (request) => events.put(["connected", request.context.userId]),
  onDisconnected: (request) => events.put(["disconnected", request.context.userId]),
  handleUserEvent: (request, response) => {
    const { eventName, states } = request.context;
    const data = request.dataType === "binary" ? [...new Uint8Array(request.data)] : request.data;
    events.put(["event", eventName, request.dataType, data, states.visits]);
    if (eventName === "fails") return response.fail(400, "no");
    if (eventName === "silent") return response.success();
    response.setState("visits", (states.visits ?? 0) + 1);
    if (request.dataType === "json") return response.success(JSON.stringify({ got: data }), "json");
    if (request.dataType === "binary") return response.success(Buffer.from([9, ...data]), "binary");
    response.success(`got ${data}`, "text");
  },
});
const app = express();
app.use(handler.getMiddleware());
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
console.log(`http://127.0.0.1:${server.address().port}${handler.path}`);
const lines = createInterface({ input: process.stdin });
await once(lines, "line");
lines.close();

const urlOf = async (userId) => (await hub.getClientAccessToken({ userId })).url;
assert.equal(await refusal(await urlOf("refused")), 401);

// A JSON client: what connect answered counts, replies of each type come back, state is carried along.
const client = new WebPubSubClient({ getClientAccessUrl: () => urlOf("ann") }, { protocol: WebPubSubJsonProtocol(), messageRetryOptions: { maxRetries: 0 } });
const inbox = new Inbox();
client.on("server-message", (e) => inbox.put([e.message.dataType, e.message.data instanceof ArrayBuffer ? [...new Uint8Array(e.message.data)] : e.message.data]));
client.on("group-message", (e) => inbox.put([e.message.group, e.message.data]));
const connected = new Promise((resolve) => client.on("connected", resolve));
await client.start();
assert.equal((await connected).userId, "ann!");
assert.deepEqual(await events.next(), ["connected", "ann!"]);
await client.sendEvent("some.event", { a: 1 }, "json");
assert.deepEqual(await events.next(), ["event", "some.event", "json", { a: 1 }, 1]);
assert.deepEqual(await inbox.next(), ["json", { got: { a: 1 } }]);
await client.sendEvent("text", "hällo", "text");
assert.deepEqual(await events.next(), ["event", "text", "text", "hällo", 2]);
assert.deepEqual(await inbox.next(), ["text", "got hällo"]);
await client.sendEvent("binary", new Uint8Array([1, 255]).buffer, "binary");
assert.deepEqual(await events.next(), ["event", "binary", "binary", [1, 255], 3]);
assert.deepEqual(await inbox.next(), ["binary", [9, 1, 255]]);
await client.sendEvent("silent", "x", "text");
await events.next();
await assert.rejects(client.sendEvent("fails", "x", "text"), (e) => e.errorDetail.name === "InternalServerError");
await events.next();
await client.sendToGroup("from connect", "echo", "text");
assert.deepEqual(await inbox.next(), ["from connect", "echo"]);
client.stop();
assert.deepEqual(await events.next(), ["disconnected", "ann!"]);

// A simple client: bare frames, the event is called message; a failure closes it.
const simple = await open(await urlOf("plain"));
assert.deepEqual(await events.next(), ["connected", "plain"]);
simple.send("hi");
assert.deepEqual(await events.next(), ["event", "message", "text", "hi", undefined]);
assert.equal(await simple.next(), "got hi");
simple.send(Buffer.from([7]));
assert.deepEqual(await events.next(), ["event", "message", "binary", [7], 1]);
assert.deepEqual([...await simple.next()], [9, 7]);
simple.socket.close(1000);
assert.deepEqual(await events.next(), ["disconnected", "plain"]);

console.log("ok");
process.exit(0);
