/**
 * Console blocks of the documentation: runs their commands and puts the real output below each.
 *
 *     deno run -A tests/docs/console.ts README.md      rewrites the outputs in place
 *
 * The blocks of one text are one shell session in a folder of its own: variables, background jobs and files stay
 * from block to block, and end with the text.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { programCommand, programEnvironment, sourceCommand } from "../support/cli.ts";
import { ROOT } from "../support/project.ts";

const BLOCK = /^```console\n([\s\S]*?)^```$/gm;

/** The longest that the commands of one text may take, in ms. */
const SESSION_MS = 100_000;

/** The text with the output of every command as it is now. */
export function withRealOutput(markdown: string): string {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-docs-"));
  try {
    const blocks = [...markdown.matchAll(BLOCK)].map(([, block = ""]) => commands(block));
    const lines = blocks.flat().map((command) => command.replaceAll("\n> ", "\n"));
    const outputs = session(lines, folder).values();
    return markdown.replace(BLOCK, (_, block: string) => {
      const shown = commands(block).map((command) => `$ ${command}\n${outputs.next().value}`);
      // The formatter takes empty lines at the end of a block away.
      return `\`\`\`console\n${shown.join("").replace(/\n+$/, "\n")}\`\`\``;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What differs from run to run in spite of equal input: keys, times, ports, and all that follows from them. */
export function normalised(markdown: string): string {
  return markdown
    .replace(/\b[0-9a-f]{64}\b/g, "<sha256>")
    // Ids and durations of spans.
    .replace(/"[0-9a-f]{32}"/g, '"<trace>"')
    .replace(/"[0-9a-f]{16}"/g, '"<span>"')
    .replace(/\bms(=|":)[0-9.]+/g, "ms$1<ms>")
    .replace(/\bplatform=\S+/g, "platform=<platform>")
    // ECDSA in DER takes a byte more or less.
    .replace(/\b(signature|bundle)\.bytes(=|":)\d+/g, "$1.bytes$2<bytes>")
    .replace(/\bserial [0-9a-f]+/g, "serial <serial>")
    .replace(/\b20\d\d-\d\d-\d\dT[0-9:.]+Z/g, "<time>")
    .replace(/\(\d+ days? old\)/g, "(<age>)")
    // What the loopback Sigstore makes when it starts.
    .replace(/[^\s"]*\/loopback-sigstore-\w+/g, "<folder>")
    .replace(/\b127\.0\.0\.1:\d+/g, "127.0.0.1:<port>")
    .replace(/((?:written|updated) on|expires|127\S+\s+since) 20\d\d-\d\d-\d\d\b/g, "$1 <date>");
}

/** Lines after `$ `, with those that a backslash continues, and those after the shell's second prompt, `> `. */
function commands(block: string): readonly string[] {
  const found: string[] = [];
  let [entered, continued] = [false, false];
  for (const line of block.split("\n")) {
    if (continued || (entered && line.startsWith("> "))) found.push(`${found.pop()}\n${line}`);
    else if (line.startsWith("$ ")) found.push(line.slice(2));
    else {
      entered = false;
      continue;
    }
    entered = true;
    continued = line.endsWith("\\");
  }
  return found;
}

/** Runs commands one after the other in one shell, and gives what each printed. */
function session(lines: readonly string[], folder: string): readonly string[] {
  const [bin, outputs] = [join(folder, ".bin"), join(folder, ".outputs")];
  for (const made of [bin, outputs]) mkdirSync(made);
  program(bin, "model-signing", `exec ${shellWords(programCommand())} "$@"`);
  program(bin, "model-signing-otel", `exec ${shellWords(sourceCommand("cli/main_otel.ts"))} "$@"`);
  program(bin, "deno", denoTasks());
  const output = (index: number) => join(outputs, String(index));
  const script = [
    "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT",
    ...lines.flatMap((line, index) => [`exec >${shellWords([output(index)])} 2>&1`, line]),
  ].join("\n");
  const caches = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  spawnSync("bash", ["-c", script], {
    cwd: folder,
    env: programEnvironment({
      COLUMNS: "80",
      SOURCES: ROOT,
      PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`,
      // What was fetched or agreed to on this machine is not the reader's.
      XDG_CACHE_HOME: join(folder, ".cache"),
      // Deno's own cache would go there, too.
      DENO_DIR: process.env["DENO_DIR"] ?? join(caches, "deno"),
    }),
    stdio: "ignore",
    timeout: SESSION_MS,
  });
  return lines.map((_, index) => {
    // Where a reader has a home, the session has its folder.
    const text = readFileSync(output(index), "utf8").replaceAll(folder, "~");
    return text === "" || text.endsWith("\n") ? text : `${text}\n`;
  });
}

/** `deno task NAME` for the tasks that run a program, on the runtime that is here: a reader has Deno. */
function denoTasks(): string {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as {
    readonly tasks: Readonly<Record<string, { readonly command: string }>>;
  };
  const cases = Object.entries(tasks).flatMap(([name, { command }]) => {
    const [, file, rest = ""] = /^deno run -A (\S+\.ts)((?: \S+)*)$/.exec(command) ?? [];
    return file === undefined
      ? []
      : [`"task ${name}") shift 2; exec ${shellWords(sourceCommand(file))}${rest} "$@";;`];
  });
  return [
    'if [ "$2" = --cwd ]; then shift 3; set -- task "$@"; fi',
    'case "$1 $2" in',
    ...cases,
    "esac",
    "exit 2",
  ].join("\n");
}

function program(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function shellWords(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
}

if (import.meta.main) {
  for (const file of process.argv.slice(2)) {
    writeFileSync(file, withRealOutput(readFileSync(file, "utf8")));
  }
}
