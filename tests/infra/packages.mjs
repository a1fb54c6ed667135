// What is deployed is restored from the same packages as what was tested: each has the version of the lock file, and there is none besides
// but the one that the tested build takes from source. Usage: node packages.mjs LOCK_FILE ASSETS_FILE
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The one package that only a deployment has, and what it may bring. */
const only = ['azure.messaging.webpubsub'];

/** @returns What differs, a line each; empty when nothing does. */
export function differences(lock, assets) {
  const locked = new Map(Object.values(lock.dependencies).flatMap((framework) => Object.entries(framework))
    .filter(([, dependency]) => dependency.type !== 'Project').map(([name, { resolved }]) => [name.toLowerCase(), resolved]));
  const restored = new Map(Object.entries(assets.libraries)
    .filter(([, library]) => library.type === 'package').map(([library]) => library.toLowerCase().split('/')));
  return [
    ...[...restored].filter(([name, version]) => locked.has(name) && locked.get(name) !== version)
      .map(([name, version]) => `${name} is ${version}, tested was ${locked.get(name)}`),
    ...[...restored].filter(([name]) => !locked.has(name) && !only.includes(name)).map(([name, version]) => `${name} ${version} was never tested`),
    ...[...locked].filter(([name]) => !restored.has(name)).map(([name]) => `${name} was tested and is not deployed`),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [lock, assets] = process.argv.slice(2, 4).map((path) => JSON.parse(readFileSync(path, 'utf8')));
  const found = differences(lock, assets);
  for (const line of found) console.error(line);
  console.log(found.length === 0 ? 'The same packages as the tested ones.' : `${found.length} differences`);
  process.exit(found.length === 0 ? 0 : 1);
}
