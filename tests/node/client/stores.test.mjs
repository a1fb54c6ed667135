// The stores of the package that Node has, by the one suite for all stores.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { MemoryStore } from "../../../src/dequeue-client/src/index.js";
import { SqliteStore, isSqliteHere } from "../../../src/dequeue-client/src/sqlite-store.js";
import { cases, lastingCases } from "./store-conformance.mjs";

for (const [name, run] of Object.entries(cases)) test(`memory: ${name}`, () => run(new MemoryStore()));

if (await isSqliteHere()) {
  for (const [name, run] of Object.entries({ ...cases, ...lastingCases })) {
    test(`sqlite: ${name}`, () => inFolder(async (folder) => {
      const open = () => SqliteStore.open(join(folder, "events.db"));
      const store = await open();
      await run(store, open);
      await store.close().catch(() => {});
    }));
  }

  test("sqlite: What is no store of this version is refused in one sentence", () => inFolder(async (folder) => {
    const path = join(folder, "noise.db");
    await writeFile(path, "x".repeat(5000));
    await assert.rejects(SqliteStore.open(path), /noise\.db cannot be used as a store: /);
  }));
} else {
  // Not a skipped test: there is nothing here that could be tested, and the store says so itself.
  test("sqlite: An engine without node:sqlite is told so in one sentence", () => assert.rejects(SqliteStore.open("x.db"), /This engine has no node:sqlite: it takes Node 22\.5 or later\./));
  console.log(`# node:sqlite is absent in ${process.version}: its ${Object.keys({ ...cases, ...lastingCases }).length} cases run where it is`);
}

async function inFolder(run) {
  const folder = await mkdtemp(join(tmpdir(), "dequeue-client-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
