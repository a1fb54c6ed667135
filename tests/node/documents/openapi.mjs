// Lints an OpenAPI document with Redocly. Argument: its file.
import "./offline.mjs";
import { fileURLToPath } from "node:url";

process.env.REDOCLY_TELEMETRY = "off";
process.env.REDOCLY_SUPPRESS_UPDATE_NOTICE = "true";
process.argv.splice(2, Infinity, "lint", process.argv[2], "--config", fileURLToPath(new URL("redocly.yaml", import.meta.url)));
await import("@redocly/cli/bin/cli.js");
