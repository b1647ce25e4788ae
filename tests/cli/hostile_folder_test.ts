/**
 * Nothing in the model's folder or in the current one is run or read as configuration: a downloaded model is
 * the very thing that must not be trusted.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { compiledBinary } from "../support/binary.ts";
import { programCommand, programEnvironment } from "../support/cli.ts";
import { leaveOut } from "../support/left_out.ts";
import { assertStatus, type Outcome } from "../support/outcome.ts";
import { ROOT } from "../support/project.ts";
import { SIGN, VERIFY, type Workbench, workbench } from "../support/workbench.ts";

/** Every package that the program is built from, and the loader of the native one. */
const PACKAGES: readonly string[] = [
  ...Object.keys(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies),
  "@napi-rs/blake-hash",
];

/** What a runtime might preload, resolve or read, each writing `mark` when it gets to run. */
function traps(mark: string): Readonly<Record<string, string>> {
  const code = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, __filename);\n`;
  const environment = [
    "MODEL_SIGNING_HASH_ALGORITHM=blake2b",
    "MODEL_SIGNING_LOG_LEVEL=debug",
    "MODEL_SIGNING_SIGNATURE=elsewhere.sig",
    "BUN_OPTIONS=--preload=./trap.js",
    "NODE_OPTIONS=--require=./trap.js",
  ].join("\n");
  return {
    "trap.js": code,
    "bunfig.toml": 'preload = ["./trap.js"]\n[run]\npreload = ["./trap.js"]\n[test]\n',
    ".env": environment,
    ".env.local": environment,
    ".env.production": environment,
    "package.json": '{"type": "commonjs", "main": "trap.js", "imports": {"#x": "./trap.js"}}',
    "tsconfig.json": '{"compilerOptions": {"paths": {"*": ["./trap.js"]}, "baseUrl": "."}}',
    "jsconfig.json": '{"compilerOptions": {"paths": {"*": ["./trap.js"]}, "baseUrl": "."}}',
    "deno.json": '{"imports": {"@optique/core": "./trap.js"}, "preload": ["./trap.js"]}',
    ".npmrc": "registry=http://127.0.0.1:1/\n",
    "main.ts": code,
    "hash_worker.ts": code,
    "hash_worker.js": code,
    "blake-hash.linux-x64-gnu.node": "not a library",
    "libopenssl.so": "not a library",
    ...Object.fromEntries(
      PACKAGES.flatMap((name) => [
        [`node_modules/${name}/package.json`, JSON.stringify({ name, main: "index.js" })],
        [`node_modules/${name}/index.js`, code],
      ]),
    ),
  };
}

/** A workbench full of traps, also in the model, which is large enough to be hashed by workers. */
async function trappedBench(): Promise<Workbench & { readonly mark: string }> {
  const bench = await workbench();
  const mark = join(bench.path, "trapped");
  const set = Object.entries(traps(mark));
  await bench.write(Object.fromEntries([
    ...set,
    ...set.map(([name, content]) => [`model/${name}`, content]),
  ]));
  for (const name of ["1.bin", "2.bin"]) {
    await writeFile(join(bench.path, "model", name), "");
    await truncate(join(bench.path, "model", name), 2 ** 25);
  }
  return { ...bench, mark };
}

/** Command lines that load every part of the program. */
const RUNS: readonly (readonly string[])[] = [
  ["version"],
  ["sign", "--help"],
  SIGN,
  VERIFY,
  ["inspect", "model.sig"],
  ["digest", "model", "--hash-algorithm", "blake3"],
  ["digest", "model", "--hash-algorithm", "blake2b", "--shard-size", "4MiB", "--jobs", "2"],
  [...SIGN, "--hash-algorithm", "blake3", "--signature", "blake3.sig"],
  VERIFY.map((arg) => arg === "model.sig" ? "blake3.sig" : arg),
];

/** Runs everything with the trapped folder as the current one, and with the model as it. */
function assertNothingSprung(
  bench: Workbench & { readonly mark: string },
  command: readonly string[],
) {
  const [program, ...first] = command;
  const run = (args: readonly string[], cwd: string): Outcome =>
    spawnSync(program!, [...first, ...args], {
      cwd,
      env: programEnvironment({ NODE_PATH: join(bench.path, "node_modules") }),
      encoding: "utf8",
    });
  const model = join(bench.path, "model");
  const places: readonly (readonly [string, readonly (readonly string[])[]])[] = [
    [bench.path, RUNS],
    [model, [["version"], ["digest", "."], ["digest", ".", "--hash-algorithm", "blake3"]]],
  ];
  for (const [cwd, runs] of places) {
    for (const args of runs) {
      const outcome = run(args, cwd);
      assertStatus(outcome, 0, args.join(" "));
      // The log level of .env would show here.
      assert.equal(outcome.stderr, "", args.join(" "));
      assert.ok(
        !existsSync(bench.mark),
        `${args.join(" ")} ran ${existsSync(bench.mark) && readFileSync(bench.mark, "utf8")}`,
      );
    }
  }
  const { dsseEnvelope } = JSON.parse(readFileSync(join(bench.path, "model.sig"), "utf8"));
  const { predicate } = JSON.parse(atob(dsseEnvelope.payload));
  assert.equal(predicate.serialization.hash_type, "sha256");
  assert.ok(!existsSync(join(bench.path, "elsewhere.sig")));
}

test("the binary runs and believes nothing in the current folder and in the model", async () => {
  await using bench = await trappedBench();
  assertNothingSprung(bench, [compiledBinary()]);
});

// Bun reads the current folder's bunfig.toml before any code of ours, so from source this holds on Deno only.
if (!("bun" in process.versions)) {
  test("the source runs and believes nothing in the current folder and in the model", async () => {
    await using bench = await trappedBench();
    assertNothingSprung(bench, programCommand());
  });
}

test("the traps do spring where a runtime is told nothing", async () => {
  await using bench = await trappedBench();
  await bench.write({ "innocent.js": "console.log(1);" });
  const bun = join(ROOT, "node_modules", "bun", "bin", "bun.exe");
  spawnSync(bun, ["innocent.js"], { cwd: bench.path, env: programEnvironment() });
  assert.ok(existsSync(bench.mark));
});

const TRACE = ["-f", "-qq", "-e", "trace=open,openat,execve,readlink", "-e", "signal=none"];

/** Whether system calls can be traced here: the program may be missing, and containers may forbid it. */
function canTrace(): boolean {
  const works = spawnSync("strace", [...TRACE, "-o", "/dev/null", "true"]).status === 0;
  if (works || process.platform !== "linux") return works;
  leaveOut("strace does not work here: install it, and allow ptrace in the container");
  return false;
}

if (canTrace()) {
  test("the binary opens no file of the current folder but those it is given", async () => {
    await using bench = await trappedBench();
    const trace = join(bench.path, "trace");
    const names = Object.keys(traps("")).map((name) => name.split("/")[0]!);
    for (const args of RUNS) {
      const command = [...TRACE, "-o", trace, compiledBinary(), ...args];
      const outcome = spawnSync("strace", command, {
        cwd: bench.path,
        env: programEnvironment({
          NODE_PATH: join(bench.path, "node_modules"),
          // Programs are looked for there, and a package manager adds folders that are called node_modules.
          PATH: "/usr/local/bin:/usr/bin:/bin",
        }),
        encoding: "utf8",
      });
      assertStatus(outcome, 0, args.join(" "));
      const opened = readFileSync(trace, "utf8").split("\n")
        .flatMap((line) => /(?:open|openat|execve|readlink)\([^"]*"([^"]*)"/.exec(line)?.[1] ?? [])
        // The model itself is read, traps and all.
        .filter((path) => !path.startsWith(join(bench.path, "model/")));
      assert.ok(opened.length > 0);
      const trapped = opened.filter((path) => path.split("/").some((part) => names.includes(part)));
      assert.deepEqual(trapped, [], args.join(" "));
    }
  });
}
