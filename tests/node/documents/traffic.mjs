// Holds recorded traffic against the documents, which must name every field of it. Arguments: openapi.json, asyncapi.json and the
// recording, a JSON object a line: a call {"method","path","status","headers","request","answer"}, where bodies are null if they
// are no JSON, or a message {"name","payload"}. Prints what was seen, a line each: "push 200", "batch".
import { readFileSync } from "node:fs";
import { Document, report } from "./schemas.mjs";

const [openApiFile, asyncApiFile, recording] = process.argv.slice(2);
const openApi = new Document(openApiFile, { isClosed: true });
const asyncApi = new Document(asyncApiFile, { isClosed: true });
const seen = new Set();
const problems = [];

for (const line of readFileSync(recording, "utf8").split("\n").filter(Boolean)) {
  const item = JSON.parse(line);
  const [what, found] = item.method ? call(item) : message(item);
  seen.add(what);
  problems.push(...found.filter(Boolean).map((problem) => `${what}: ${problem}\n  ${line.slice(0, 1000)}`));
}

console.log([...seen].join("\n"));
report(problems);

function message({ name, payload }) {
  return [name, asyncApi.json.components.messages[name] ? [asyncApi.problem(["components", "messages", name, "payload"], payload)] : ["unknown message"]];
}

function call({ method, path, status, headers, request, answer }) {
  const template = openApi.json.paths[path] ? path : path.replace(/^\/apps\/[^/]+\//, "/apps/{appId}/");
  const operation = openApi.json.paths[template]?.[method];
  if (!operation) return [`${method} ${path}`, ["not documented"]];
  const { place, node: response } = openApi.resolve(["paths", template, method, "responses", status]);
  if (!response) return [`${operation.operationId} ${status}`, ["the status is not documented"]];

  const found = Object.keys(response.headers ?? {}).map((name) => {
    const header = openApi.resolve([...place, "headers", name]);
    const text = headers[name.toLowerCase()];
    if (text === undefined) return `no ${name}`;
    return openApi.problem([...header.place, "schema"], header.node.schema.type === "integer" ? Number(text) : text);
  });
  const type = headers["content-type"]?.split(";")[0];
  if (!response.content) found.push(answer === null ? null : "a body that is not documented");
  else if (!response.content[type]) found.push(`content type ${type}`);
  else found.push(openApi.problem([...place, "content", type, "schema"], answer));

  // A call that succeeds is one that the document allows.
  if (status === 200 && operation.requestBody) {
    const body = openApi.resolve(["paths", template, method, "requestBody"]);
    found.push(openApi.problem([...body.place, "content", "application/json", "schema"], request));
  }

  return [`${operation.operationId} ${status}`, found];
}
