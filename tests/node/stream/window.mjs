// An unmodified Azure Web PubSub SDK client that reads a stream with a window and acknowledges every second batch.
// Arguments: negotiated URL, protocol, window, batch size. Prints one line: {"events", "batches", "ahead"}: the most batches that
// it had without having acknowledged them.
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";

const [url, protocol, window, batchSize] = process.argv.slice(2);
const client = new WebPubSubClient(url, { protocol: protocol === "json" ? WebPubSubJsonProtocol() : WebPubSubJsonReliableProtocol() });
const result = { events: 0, batches: 0, ahead: 0 };
let acknowledged = 0;

const done = new Promise((resolve, reject) => {
  client.on("group-message", ({ message: { data } }) => {
    if (data.type === "sync.stream.batch") {
      if (data.batchIndex !== result.batches) reject(new Error(`batch ${data.batchIndex} after ${result.batches}`));
      result.events += data.events.length;
      result.batches += 1;
      result.ahead = Math.max(result.ahead, result.batches - acknowledged);
      if (result.batches % 2 === 0) {
        acknowledged = result.batches;
        client.sendEvent("sync.stream.ack", { batchIndex: data.batchIndex }, "json").catch(reject);
      }
    } else if (data.type === "sync.stream.complete") {
      resolve();
    } else if (data.type !== "sync.stream.start") {
      reject(new Error(JSON.stringify(data)));
    }
  });
});

await client.start();
await client.sendEvent("sync.stream.request", { window: Number(window), batchSize: Number(batchSize) }, "json");
await done;
client.stop();
console.log(JSON.stringify(result));
process.exit(0);
