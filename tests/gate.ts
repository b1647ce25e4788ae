/**
 * Runs the test suites, as many at once as there are cores: `deno run -A tests/gate.ts [source|binary]`. The output of
 * a suite is shown as a whole when it has ended.
 */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";

const TESTS = fileURLToPath(new URL(".", import.meta.url));
const BUN = ["./node_modules/bun/bin/bun.exe", "test", "--timeout", "120000"];
const DENO = [process.execPath, "test", "-A", "--no-check"];

/** What runs the program as a child process: most of the time. */
const PROGRAM = ["cli", "interop", "conformance", "docs"];

type Suite = {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
};

/** Every folder and file of tests but those of `PROGRAM`: what happens in this process. */
function inProcess(): readonly string[] {
  return readdirSync(TESTS, { withFileTypes: true })
    .filter((entry) =>
      entry.isDirectory() ? !PROGRAM.includes(entry.name) : entry.name.endsWith("_test.ts")
    )
    .map(({ name }) => `./tests/${name}`);
}

/** The paths of folders of tests. */
function paths(...folders: readonly string[]): readonly string[] {
  return folders.map((folder) => `./tests/${folder}/`);
}

/** The files of `tests/cli` in two parts of about the same length: alone they would be the longest suite by far. */
function halvesOfCli(): readonly (readonly string[])[] {
  const files = readdirSync(`${TESTS}/cli`).filter((name) => name.endsWith("_test.ts")).sort();
  return [0, 1].map((part) =>
    files.filter((_, index) => index % 2 === part).map((name) => `./tests/cli/${name}`)
  );
}

/**
 * The source, the longest suite first. On Bun what happens in the process and one file of the program's tests: the
 * program on Bun is the binary, which has suites of its own.
 */
function ofSource(): readonly Suite[] {
  return [
    { name: "the library, on Deno", command: [...DENO, ...inProcess()] },
    ...halvesOfCli().map((files, index) => ({
      name: `the program, on Deno, part ${index + 1}`,
      command: [...DENO, ...files],
    })),
    {
      name: "the library, on Bun",
      command: [...BUN, ...inProcess(), "./tests/cli/sign_verify_test.ts"],
    },
    {
      name: "the program beside others, on Deno",
      command: [...DENO, ...paths("interop", "conformance")],
    },
  ];
}

/** The binary, which is the program on Bun. It is what documents show, and many times as fast to start. */
function ofBinary(): readonly Suite[] {
  const env = { MODEL_SIGNING_BINARY: "dist/model-signing" };
  return [
    ...halvesOfCli().map((files, index) => ({
      name: `the binary, part ${index + 1}`,
      command: [...DENO, ...files],
      env,
    })),
    {
      name: "the binary beside others, and documents",
      command: [...DENO, ...paths("interop", "conformance", "docs")],
      env,
    },
  ];
}

/** Runs a suite to its end, and says how it went. */
function run({ name, command: [program, ...args], env }: Suite): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program as string, args, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Uint8Array[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    }
    child.once("error", reject);
    child.once("close", (status) => {
      process.stdout.write(Buffer.concat(chunks));
      console.log(`== ${name}: status ${status}`);
      if (status !== 0) process.exitCode = 1;
      resolve();
    });
  });
}

const suites = [...(process.argv[2] === "binary" ? ofBinary() : ofSource())];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let suite = suites.shift(); suite; suite = suites.shift()) await run(suite);
  }),
);
