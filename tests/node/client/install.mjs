// Packs the client and installs the tarball into a new folder, offline, as an app would.
//   node install.mjs FOLDER
// Also makes FOLDER/browser.js and FOLDER/worker.js there: the README's browser example and a worker, bundled by esbuild.
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import * as esbuild from "esbuild";

export const source = fileURLToPath(new URL("../../../src/dequeue-client/", import.meta.url));
const ws = fileURLToPath(new URL("../node_modules/ws/", import.meta.url));
const npm = (folder, ...args) => promisify(execFile)(process.platform === "win32" ? "npm.cmd" : "npm", [...args, "--offline", "--no-audit", "--no-fund", "--silent"], { cwd: folder, shell: process.platform === "win32" });

/** The code of an example of the README, by the word of its fence. */
export async function example(language) {
  const readme = await readFile(join(source, "README.md"), "utf8");
  return new RegExp(`\`\`\`js ${language}\n(.*?)\`\`\``, "s").exec(readme)[1];
}

/** @returns {Promise<{ tarball: string, files: string[] }>} */
export async function install(folder) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const { stdout } = await npm(source, "pack", "--json", "--pack-destination", folder);
  const [{ filename, files }] = [JSON.parse(stdout)].flat();
  await npm(folder, "install", `./${filename}`);
  await npm(folder, "install", ws);
  return { tarball: join(folder, filename), files: files.map(({ path }) => path) };
}

export async function bundle(folder) {
  await writeFile(join(folder, "browser-example.js"), await example("browser"));
  await writeFile(join(folder, "in-worker.js"), `
    import { MemoryStore, SyncManager, digestOf } from 'dequeue-client';
    onmessage = async ({ data: { server, token } }) => {
      const store = new MemoryStore();
      const result = await new SyncManager({ server, token, store, batchSize: 500 }).pull();
      postMessage({ ...result, streamFailure: String(result.streamFailure), digest: digestOf(store.events.map(event => event.text)) });
    };`);
  await writeFile(join(folder, "in-page.js"), `export * from 'dequeue-client';`);
  await esbuild.build({
    absWorkingDir: folder, entryPoints: { browser: "browser-example.js", worker: "in-worker.js", page: "in-page.js" }, outdir: folder, bundle: true, format: "esm", target: "es2022", logLevel: "error",
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { files } = await install(process.argv[2]);
  await bundle(process.argv[2]);
  console.log(JSON.stringify({ files }));
}
