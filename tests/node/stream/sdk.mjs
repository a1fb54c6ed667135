// A fresh device that is an unmodified Azure Web PubSub SDK client. Arguments: negotiated URL, protocol, encoding or "none".
// Prints one line: {"total", "events", "batches", "lasts", "processed", "first", "last"}.
import { gunzipSync } from "node:zlib";
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";

const [url, protocol, encoding] = process.argv.slice(2);
const client = new WebPubSubClient(url, { protocol: protocol === "json" ? WebPubSubJsonProtocol() : WebPubSubJsonReliableProtocol() });
const result = { events: 0, batches: 0, lasts: 0 };

const done = new Promise((resolve, reject) => {
  client.on("group-message", ({ message }) => {
    const sync = message.dataType === "binary" ? JSON.parse(gunzipSync(Buffer.from(message.data)).toString()) : message.data;
    if (sync.type === "sync.stream.start") {
      result.total = sync.totalEvents;
      result.encoding = sync.encoding;
    } else if (sync.type === "sync.stream.batch") {
      if (sync.batchIndex !== result.batches) reject(new Error(`batch ${sync.batchIndex} after ${result.batches}`));
      if ((message.dataType === "binary") !== (encoding === "gzip")) reject(new Error(`a batch came as ${message.dataType}`));
      result.first ??= sync.events[0].id;
      result.last = sync.events.at(-1).id;
      result.events += sync.events.length;
      result.batches += 1;
      result.lasts += sync.isLast ? 1 : 0;
    } else if (sync.type === "sync.stream.complete") {
      result.processed = sync.processedEvents;
      resolve();
    } else {
      reject(new Error(JSON.stringify(sync)));
    }
  });
});

await client.start();
await client.sendEvent("sync.stream.request", { since: null, ...(encoding === "none" ? {} : { encodings: ["lz4", encoding] }) }, "json");
await done;
client.stop();
console.log(JSON.stringify(result));
process.exit(0);
