// The plain client, once for each task of a file: {"server","token","tasks":[{"request","since","later"}]}. A task with an event for
// "later" pushes it when its stream is complete, and waits for it to come live. Prints a line for each: what plain.mjs prints with
// the events in the file "out", or {"failure"}.
import { readFile, writeFile } from "node:fs/promises";
import { pull } from "./plain.mjs";

const { server, token, tasks } = JSON.parse(await readFile(process.argv[2], "utf8"));

for (const [number, { request, since, later }] of tasks.entries()) {
  try {
    const { url } = await post("/v1/sync/stream/negotiate");
    const onComplete = later && (() => post("/v1/sync/push", `{"events":[${later}]}`));
    const result = await pull(url, { since, ...request }, { live: later ? 1 : 0, onComplete });
    const out = `${process.argv[2]}.${number}`;
    await writeFile(out, Buffer.concat(result.events.flatMap((event) => [event, Buffer.from("\n")])));
    console.log(JSON.stringify({ ...result, events: result.events.length, out }));
  } catch (failure) {
    console.log(JSON.stringify({ failure: failure.message }));
  }
}

async function post(path, body) {
  const answer = await fetch(new URL(path, server), { method: "POST", headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}.`);
  return answer.json();
}
