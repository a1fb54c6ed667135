// Parses an AsyncAPI document with AsyncAPI's own parser, which validates it. Argument: its file.
import "./offline.mjs";
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));

// What is less than a warning is advice, such as to use a newer version of AsyncAPI.
const warning = 1;
const problems = diagnostics.filter(({ severity }) => severity <= warning);
for (const { code, message, path } of problems) console.error(`${path.join("/")}: ${message} (${code})`);
process.exitCode = document && problems.length === 0 ? 0 : 1;
