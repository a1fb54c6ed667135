// Records the demo and draws it as docs/images/demo.svg: real output of a real run, in its real time. Needs a build, and util-linux's `script`.
//   node docs/images/demo.mjs [RECORDING TIMES]     the two files of `script`; without them the demo is run
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const COLUMNS = 80, CELL = 8.4, LINE = 19, EDGE = 18;
const FRAME = 0.2; // seconds: what changes faster is not seen
const COLOURS = { 2: "#3fb950", 9: "#f85149", 10: "#3fb950", 8: "#8b949e", 7: "#c9d1d9", 15: "#f0f6fc", 11: "#d29922", 1: "#f85149" };
const TEXT = "#c9d1d9", FAINT = "#8b949e", BACK = "#0d1117";

function record(recording, timing) {
  if (recording) return { output: readFileSync(recording), times: readFileSync(timing, "utf8") };
  const folder = mkdtempSync(join(tmpdir(), "dequeue-recording-"));
  try {
    const [typescript, log] = [join(folder, "typescript"), join(folder, "times")];
    const program = join(here, "../../src/Dequeue.Cli/bin/Release/net10.0/dequeue.dll");
    const command = `stty cols ${COLUMNS} rows 60; exec dotnet '${program}' demo --exit`;
    execFileSync("script", ["-qec", command, "--log-out", typescript, "--log-timing", log, "--logging-format", "classic"], {
      env: { ...process.env, TERM: "xterm-256color", COLORTERM: "" }, stdio: ["ignore", "ignore", "inherit"],
    });
    return { output: readFileSync(typescript), times: readFileSync(log, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What stands in each row, and from when: [[{ at, cells }, …], …]. */
function play(output, times) {
  let at = 0, shown = 0;
  let offset = output.indexOf(0x0a) + 1; // `script` begins with a line of its own
  const screen = new Screen(), rows = [];
  for (const [delay, bytes] of times.trim().split("\n").map((line) => line.split(" ").map(Number))) {
    if (at + delay >= shown + FRAME) {
      keep(rows, screen, at);
      shown = at;
    }
    at += delay;
    screen.write(output.subarray(offset, offset + bytes).toString("utf8"));
    offset += bytes;
  }
  keep(rows, screen, at);
  while (rows.length > 0 && rows.at(-1).every(({ cells }) => text(cells) === "")) rows.pop();
  return rows;
}

function keep(rows, screen, at) {
  screen.rows.forEach((cells, i) => {
    const states = (rows[i] ??= [{ at: 0, cells: [] }]);
    if (JSON.stringify(states.at(-1).cells) !== JSON.stringify(cells)) states.push({ at, cells: cells.map((cell) => ({ ...cell })) });
  });
}

/** As much of a terminal as the demo needs. */
class Screen {
  rows = [[]];
  #x = 0;
  #y = 0;
  #style = {};

  write(text) {
    for (const [, parameters, final, other] of text.matchAll(/\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|([\s\S])/gu)) {
      if (final) this.#control(parameters, final);
      else if (other === "\r") this.#x = 0;
      else if (other === "\n") this.#down(1);
      else if (other >= " ") this.#put(other);
    }
  }

  #control(parameters, final) {
    const numbers = parameters.split(";").map(Number), count = Math.max(1, numbers[0]);
    if (final === "A") this.#y = Math.max(0, this.#y - count);
    else if (final === "B") this.#down(count);
    else if (final === "C") this.#x += count;
    else if (final === "D") this.#x = Math.max(0, this.#x - count);
    else if (final === "G") this.#x = count - 1;
    else if (final === "K") this.rows[this.#y].length = numbers[0] === 2 ? 0 : Math.min(this.#x, this.rows[this.#y].length);
    else if (final === "m") this.#paint(numbers);
  }

  #paint(numbers) {
    for (let i = 0; i < numbers.length; i++) {
      const n = numbers[i];
      if (n === 0) this.#style = {};
      else if (n === 1) this.#style = { ...this.#style, bold: true };
      else if (n === 38 && numbers[i + 1] === 5) this.#style = { ...this.#style, colour: COLOURS[numbers[(i += 2)]] ?? TEXT };
      else if (n === 38) i += 4;
      else if (n >= 30 && n <= 37) this.#style = { ...this.#style, colour: COLOURS[n - 30] };
      else if (n >= 90 && n <= 97) this.#style = { ...this.#style, colour: COLOURS[n - 82] ?? FAINT };
    }
  }

  #put(c) {
    const row = this.rows[this.#y];
    while (row.length < this.#x) row.push({ c: " " });
    row[this.#x++] = { c, ...this.#style };
  }

  #down(count) {
    this.#y += count;
    while (this.rows.length <= this.#y) this.rows.push([]);
  }
}

function draw(rows) {
  const [width, height] = [Math.ceil(COLUMNS * CELL) + 2 * EDGE, rows.length * LINE + 2 * EDGE];
  const lines = rows.flatMap((states, i) => states.map(({ at, cells }, n) => {
    if (text(cells) === "") return "";
    const end = states[n + 1]?.at, y = EDGE + (i + 0.75) * LINE;
    // What stands at the end stands in a viewer without animation, too.
    const when = end === undefined
      ? at === 0 ? "" : `<set attributeName="visibility" to="hidden" begin="0s" dur="${at.toFixed(2)}s"/>`
      : `<set attributeName="visibility" to="visible" begin="${at.toFixed(2)}s" dur="${(end - at).toFixed(2)}s"/>`;
    return `<text y="${y}"${end === undefined ? "" : ' visibility="hidden"'}>${when}${spans(cells)}</text>`;
  })).filter(Boolean);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The demo in a terminal">
<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${TEXT};white-space:pre}</style>
<rect width="${width}" height="${height}" rx="8" fill="${BACK}"/>
${lines.join("\n")}
</svg>
`;
}

/** Each run of one style, at its own column: fonts differ. */
function spans(cells) {
  const runs = [];
  cells.forEach(({ c, ...style }, x) => {
    const last = runs.at(-1);
    if (last && JSON.stringify(last.style) === JSON.stringify(style)) last.text += c;
    else runs.push({ x, text: c, style });
  });
  return runs.filter((run) => run.text.trim() !== "").map(({ x, text, style }) => {
    const lead = text.length - text.trimStart().length, shown = text.trim();
    const paint = `${style.colour && style.colour !== TEXT ? ` fill="${style.colour}"` : ""}${style.bold ? ' font-weight="bold"' : ""}`;
    const length = [...shown].length * CELL;
    return `<tspan x="${(EDGE + (x + lead) * CELL).toFixed(1)}" textLength="${length.toFixed(1)}" lengthAdjust="spacingAndGlyphs"${paint}>${escape(shown)}</tspan>`;
  }).join("");
}

function text(cells) {
  return cells.map(({ c }) => c).join("").trimEnd();
}

function escape(text) {
  return text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);
}

const { output, times } = record(...process.argv.slice(2));
const rows = play(output, times);
writeFileSync(join(here, "demo.svg"), draw(rows));
