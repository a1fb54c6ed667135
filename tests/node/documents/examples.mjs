// Holds every example of documents against its schema. Arguments: their files. Prints how many there are.
import { Document, report } from "./schemas.mjs";

const problems = [];
let count = 0;
for (const file of process.argv.slice(2)) {
  const document = new Document(file);
  for (const { place, schema, value } of examples(document.json, [])) {
    count += 1;
    const problem = document.problem(schema, value);
    if (problem) problems.push(`${file} /${place.join("/")}: ${problem}`);
  }
}

console.log(count);
report(problems);

/** Those of media types, parameters and headers (beside `schema`), of messages (beside `payload`) and of schemas themselves. */
function* examples(node, place) {
  if (node === null || typeof node !== "object") return;
  if (node.schema) {
    if ("example" in node) yield { place, schema: [...place, "schema"], value: node.example };
    for (const { value } of Object.values(node.examples ?? {})) yield { place, schema: [...place, "schema"], value };
  } else if (node.payload && Array.isArray(node.examples)) {
    for (const { payload } of node.examples) yield { place, schema: [...place, "payload"], value: payload };
    return;
  } else if (node.type && Array.isArray(node.examples)) {
    for (const value of node.examples) yield { place, schema: place, value };
  }

  for (const [key, child] of Object.entries(node)) {
    if (key !== "example" && key !== "examples") yield* examples(child, [...place, key]);
  }
}
