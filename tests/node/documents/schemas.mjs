import { readFileSync } from "node:fs";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** A document and its schemas: OpenAPI 3.1 speaks JSON Schema 2020-12, AsyncAPI 3.0 draft 7. */
export class Document {
  #ajv;

  /** @param isClosed Whether objects may have the fields that the document names, and no others. An event always may have more. */
  constructor(file, { isClosed = false } = {}) {
    this.json = JSON.parse(readFileSync(file, "utf8"));
    if (isClosed) close(this.json);
    this.#ajv = new (this.json.openapi ? Ajv2020 : Ajv)({ strict: true, allowUnionTypes: true, allErrors: true });
    addFormats(this.#ajv);
    this.#ajv.addVocabulary(Object.keys(this.json)); // to a validator of schemas the document is one, with keywords of its own
    this.#ajv.addSchema(this.json, "document");
  }

  /** What is wrong with a value by the schema at a place, a list of keys; null if nothing. */
  problem(place, value) {
    const pointer = place.map((key) => encodeURIComponent(String(key).replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    const isValid = this.#ajv.getSchema(`document#/${pointer}`);
    return isValid(value) ? null : this.#ajv.errorsText(isValid.errors);
  }

  /** The place and the node that a node stands for: itself, or what it refers to. */
  resolve(place) {
    const node = place.reduce((parent, key) => parent?.[key], this.json);
    return node?.$ref ? this.resolve(node.$ref.slice("#/".length).split("/")) : { place, node };
  }
}

function close({ components: { schemas } }) {
  for (const [name, schema] of Object.entries(schemas)) {
    if (name !== "Event" && schema.properties) schema.additionalProperties = false;
  }
}

/** Prints what is wrong, and ends badly if anything is. */
export function report(problems) {
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
