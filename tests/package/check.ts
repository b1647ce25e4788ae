/**
 * The npm package as its users get it: built twice, installed from its tarball into an empty folder, with its
 * dependencies from the registry, type-checked against, and run on Node, Bun and Deno. Not among the other tests, because
 * it builds and downloads for a minute: `deno task package:check`.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assertFault, assertStatus, type Outcome } from "../support/outcome.ts";
import { ROOT } from "../support/project.ts";
import { workbench } from "../support/workbench.ts";

const TSC = join(ROOT, "node_modules", "typescript", "bin", "tsc");
const BUN = join(ROOT, "node_modules", "bun", "bin", "bun.exe");

/** The oldest Node that the package names, the newest that there was when this was written, and one that is too old. */
const NODES = {
  "node-oldest": "22.0.0",
  "node-newest": "26.10.0",
  "node-too-old": "20.19.0",
} as const;

/** What a program using the package is checked with: more than most of them ask for. */
const COMPILER_OPTIONS = {
  module: "nodenext",
  target: "es2024",
  lib: ["es2024"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
};

/** Runs a program to its end. */
function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env } });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => output[name] += text);
    }
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, ...output }));
  });
}

/** Builds the package, and gives the path of its tarball. */
async function built(folder: string): Promise<string> {
  const outcome = await run(process.execPath, ["run", "-A", "cli/package/main.ts", folder], ROOT);
  assertStatus(outcome, 0, "building the package");
  const [tarball, ...others] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  assert.deepEqual(others, []);
  return join(folder, tarball!);
}

/** An empty project with the package, the Nodes and what a TypeScript program needs. */
async function installed(folder: string, tarball: string): Promise<void> {
  mkdirSync(folder);
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const platform = `node-${process.platform}-${process.arch}`;
  const nodes = Object.entries(NODES).map((
    [name, version],
  ) => [name, `npm:${platform}@${version}`]);
  const manifest = {
    private: true,
    type: "module",
    dependencies: {
      "model-signing": `file:${tarball}`,
      "@opentelemetry/api": devDependencies["@opentelemetry/api"],
      "@types/node": devDependencies["@types/node"],
      ...Object.fromEntries(nodes),
    },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const args = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
  assertStatus(await run("npm", args, folder), 0, "npm install");
}

/** Runs the consumer on a fresh model, and gives what it wrote. */
async function consumed(folder: string, runtime: readonly string[]): Promise<unknown> {
  const place = await mkdtemp(join(folder, "run-"));
  mkdirSync(join(place, "model"));
  writeFileSync(join(place, "model", "config.json"), "{}\n");
  copyFileSync(join(folder, "weights.bin"), join(place, "model", "weights.bin"));
  const [program, ...args] = runtime;
  const outcome = await run(program!, [...args, "consumer.js", place], folder);
  assertStatus(outcome, 0, runtime.join(" "));
  // Early Nodes 22 tell that modules of JSON are new to them.
  const told = outcome.stderr.replace(
    /^\(node:\d+\) ExperimentalWarning: Importing JSON modules .*\n\(Use `node --trace-warnings .*\n/,
    "",
  );
  assert.equal(told, "", runtime.join(" "));
  return JSON.parse(outcome.stdout);
}

/** The package's program, installed in a folder. */
function binOf(folder: string): string {
  return join(folder, "node_modules", "model-signing", "cli", "package", "bin.js");
}

/** Runs the package's program on the oldest Node: signing, verifying, and what Node cannot do. */
async function programRun(folder: string, node: string): Promise<void> {
  await using bench = await workbench();
  const program = (...args: string[]) => run(node, [binOf(folder), ...args], bench.path);
  const signed = await program("sign", "key", "model", "--private-key", "key.pem");
  assertStatus(signed, 0, "sign key");
  const verified = await program(
    ...["verify", "key", "model", "--public-key", "key.pub", "--signature", "model.sig"],
    ...["--format", "json"],
  );
  assertStatus(verified, 0, "verify key");
  assert.equal(JSON.parse(verified.stdout).verdict, "verified");
  await bench.write({ "module.so": "" });
  const uri = `pkcs11:token=t;object=k?module-path=${join(bench.path, "module.so")}`;
  assertFault(
    await program("sign", "pkcs11-key", "model", "--pkcs11-uri", uri),
    3,
    "PKCS11_MODULE",
  );
}

test("the npm package has the same bytes when it is built again, and works where it is installed", async () => {
  const place = await mkdtemp(join(tmpdir(), "model-signing-package-"));
  try {
    const builds = [built(join(place, "first")), built(join(place, "second"))] as const;
    // When one fails, the other must have ended before the folder is removed.
    await Promise.allSettled(builds);
    const [tarball, again] = await Promise.all(builds);
    assert.ok(readFileSync(tarball).equals(readFileSync(again)), "two builds differ");

    const folder = join(place, "project");
    await installed(folder, tarball);
    copyFileSync(join(ROOT, "tests", "package", "consumer.ts"), join(folder, "consumer.ts"));
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ["consumer.ts"] }),
    );
    const checked = await run(process.execPath, ["run", "-A", TSC], folder);
    assertStatus(checked, 0, "tsc against the declarations");

    writeFileSync(join(folder, "weights.bin"), randomBytes(5_000_000));
    const [oldest, newest, tooOld] = Object.keys(NODES).map((name) =>
      join(folder, "node_modules", name, "bin", "node")
    );
    const commonJs = ["--input-type=commonjs", "-e", 'require("model-signing").signModel.name'];
    assertStatus(await run(newest!, commonJs, folder), 0, "require()");
    const expected = await consumed(folder, [oldest!]);
    const others = [[newest!], [BUN, "run"], [process.execPath, "run", "-A"]];
    for (const runtime of others) {
      assert.deepEqual(await consumed(folder, runtime), expected, runtime.join(" "));
    }
    await programRun(folder, oldest!);
    assert.deepEqual(await run(tooOld!, [binOf(folder), "--version"], folder), {
      status: 3,
      stdout: "",
      stderr:
        `model-signing: error: this is Node ${NODES["node-too-old"]}, and the package needs ` +
        `${NODES["node-oldest"]} or a later one\n`,
    });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});

test("an import map that leads to a checkout, as docs/library.md shows it, works on Deno", async () => {
  const place = await mkdtemp(join(tmpdir(), "model-signing-package-"));
  try {
    const page = readFileSync(join(ROOT, "docs/library.md"), "utf8");
    const [, shown = ""] = /```json\n([^]*?)```/.exec(page) ?? [];
    // A copy without node_modules: nothing but the map says where libraries are.
    for (const part of ["mod.ts", "core", "plugins"]) {
      cpSync(join(ROOT, part), join(place, "model-signing", part), { recursive: true });
    }
    const folder = join(place, "project");
    mkdirSync(join(folder, "model"), { recursive: true });
    writeFileSync(join(folder, "model", "config.json"), "{}\n");
    writeFileSync(join(folder, "deno.json"), shown);
    writeFileSync(
      join(folder, "program.ts"),
      `import { fileSystemSource, hash, hasherFactory } from "model-signing";
      import "model-signing/contract";
      import "model-signing/oci";
      import "model-signing/otel";
      const hasher = hasherFactory({ jobs: 2, workersFrom: 0 });
      const source = await fileSystemSource("model");
      const { coverage } = await hash({ source, hasher, algorithm: "blake3" });
      console.log(coverage.files);`,
    );
    const args = ["run", "-A", "--quiet", "--check", "--no-lock", "program.ts"];
    const outcome = await run(process.execPath, args, folder, { DENO_DIR: join(place, "cache") });
    assertStatus(outcome, 0, "deno run");
    assert.equal(outcome.stdout, "1\n");
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});

test("modules at a URL, as JSR has them, hash in workers on Deno", async () => {
  const place = await mkdtemp(join(tmpdir(), "model-signing-package-"));
  const server = createServer((request, response) => {
    const path = join(ROOT, new URL(request.url ?? "/", "http://localhost").pathname);
    const type = path.endsWith(".json") ? "application/json" : "application/typescript";
    response.writeHead(200, { "content-type": type }).end(readFileSync(path));
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const program = `
      import { fileSystemSource, hash, hasherFactory } from "http://127.0.0.1:${port}/mod.ts";
      const hasher = hasherFactory({ jobs: 2, workersFrom: 0 });
      const { coverage } = await hash({ source: await fileSystemSource("model"), hasher });
      console.log(coverage.files);
    `;
    mkdirSync(join(place, "model"));
    writeFileSync(join(place, "model", "config.json"), "{}\n");
    writeFileSync(join(place, "program.ts"), program);
    copyFileSync(join(ROOT, "jsr.json"), join(place, "deno.json"));
    const args = ["run", "-A", "--quiet", "--no-check", "--no-lock", "program.ts"];
    const outcome = await run(process.execPath, args, place, { DENO_DIR: join(place, "cache") });
    assertStatus(outcome, 0, "deno run");
    assert.equal(outcome.stdout, "1\n");
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(place, { recursive: true, force: true });
  }
});
