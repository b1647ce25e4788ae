/**
 * Console blocks of the documentation: runs their commands and puts the real output below each.
 *
 *     deno run -A tests/docs/console.ts README.md      rewrites the outputs in place
 */

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BLOCK = /^```console\n([\s\S]*?)^```$/gm;

/** The text with the output of every command as it is now. Blocks of one text share a folder. */
export function withRealOutput(markdown: string): string {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-docs-"));
  try {
    const bin = join(folder, ".bin");
    spawnSync("mkdir", [bin]);
    writeFileSync(join(bin, "model-signing"), `#!/bin/sh\nexec ${program()} "$@"\n`);
    chmodSync(join(bin, "model-signing"), 0o755);
    const path = `${bin}${delimiter}${process.env["PATH"] ?? ""}`;
    return markdown.replace(BLOCK, (_, block: string) => {
      const shown = commands(block).map((command) =>
        `$ ${command}\n${output(command, folder, path)}`
      );
      return `\`\`\`console\n${shown.join("")}\`\`\``;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What differs from run to run in spite of equal input: keys, and all that follows from them. */
export function normalised(markdown: string): string {
  return markdown
    .replace(/\b[0-9a-f]{64}\b/g, "<sha256>")
    .replace(/\bserial [0-9a-f]+/g, "serial <serial>")
    .replace(/\b20\d\d-\d\d-\d\dT[0-9:.]+Z/g, "<time>");
}

/** Lines after `$ `, with those that a backslash continues. */
function commands(block: string): readonly string[] {
  const found: string[] = [];
  let continued = false;
  for (const line of block.split("\n")) {
    if (continued) found.push(`${found.pop()}\n${line}`);
    else if (line.startsWith("$ ")) found.push(line.slice(2));
    else continue;
    continued = line.endsWith("\\");
  }
  return found;
}

function output(command: string, folder: string, path: string): string {
  const { stdout, stderr } = spawnSync("bash", ["-c", `exec 2>&1; ${command}`], {
    cwd: folder,
    env: { ...process.env, PATH: path, NO_COLOR: "1", COLUMNS: "80" },
    encoding: "utf8",
  });
  const text = stdout + stderr;
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function program(): string {
  const binary = process.env["MODEL_SIGNING_BINARY"];
  if (binary !== undefined) return JSON.stringify(resolve(binary));
  const runtime = JSON.stringify(process.execPath);
  const main = JSON.stringify(join(ROOT, "cli", "main.ts"));
  return "deno" in process.versions ? `${runtime} run -A ${main}` : `${runtime} ${main}`;
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    writeFileSync(file, withRealOutput(readFileSync(file, "utf8")));
  }
}
