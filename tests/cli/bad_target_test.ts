/** Signature paths that cannot or must not be written: the old signature stays, and no other file appears. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { link, mkdir, rename, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cli, kill, programCommand, programEnvironment } from "../support/cli.ts";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { snapshot } from "../support/snapshot.ts";
import { OLD_SIGNATURE, SIGN, VERIFY, type Workbench, workbench } from "../support/workbench.ts";

/** More than can be hashed while a test runs; sparse, so it takes no space. */
const ENDLESS_BYTES = 2 ** 38;

async function addEndlessFile(bench: Workbench): Promise<void> {
  await writeFile(join(bench.path, "model/endless.bin"), "");
  await truncate(join(bench.path, "model/endless.bin"), ENDLESS_BYTES);
}

test("sign refuses a path in no folder, a folder, a FIFO and a name that is too long", async () => {
  await using bench = await workbench();
  await mkdir(join(bench.path, "folder"));
  execFileSync("mkfifo", [join(bench.path, "pipe")]);
  const before = snapshot(bench.path);
  for (const target of ["none/model.sig", "key.pem/model.sig", "pipe", "x".repeat(300)]) {
    const outcome = await cli([...SIGN, "--signature", target], { cwd: bench.path });
    assertFault(outcome, 3, "FILE_UNWRITABLE");
    assert.equal(outcome.stdout, "");
    assert.equal(/hint: --signature - /.test(outcome.stderr), target === "pipe");
  }
  const folder = await cli([...SIGN, "--signature", "folder"], { cwd: bench.path });
  assertFault(folder, 3, "FILE_UNWRITABLE");
  assertFault(await cli([...SIGN, "--signature", ""], { cwd: bench.path }), 2, "USAGE");
  assert.deepEqual(snapshot(bench.path), before);
  assert.ok(lstatSync(join(bench.path, "pipe")).isFIFO());
});

test("a signature or a report replaces nothing but an earlier one", async () => {
  await using bench = await workbench();
  assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
  const signature = readFileSync(join(bench.path, "model.sig"), "utf8");
  await bench.write({
    // What only holds signatures, or speaks of them.
    "all.jsonl": `${signature}\n${signature}\n`,
    "index.json": JSON.stringify({
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [{ artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json" }],
    }),
  });
  const before = snapshot(bench.path);
  for (const target of ["key.pem", "model/config.json", "all.jsonl", "index.json"]) {
    const outcome = await cli([...SIGN, "--signature", target], { cwd: bench.path });
    assertFault(outcome, 3, "FILE_UNWRITABLE");
  }
  const onto = (file: string) => cli([...VERIFY, "--report", file], { cwd: bench.path });
  assertFault(await onto("model.sig"), 3, "FILE_UNWRITABLE");
  assertFault(await onto("-"), 2, "USAGE");
  assert.deepEqual(snapshot(bench.path), before);
  await bench.write({ "report.json": "" });
  for (const what of ["onto an empty file", "onto a report"]) {
    assertStatus(await onto("report.json"), 0, what);
  }
  // The next verification would find it in the model.
  assert.match((await onto("model/report.json")).stderr, /warning: .*path=model\/report\.json/);
  // A verdict of an earlier run is none of one that fails, or that was not understood.
  const misspelt = [...VERIFY, "--report", "report.json", "--jobs", "abc"];
  assertFault(await cli(misspelt, { cwd: bench.path }), 2, "USAGE");
  assert.ok(!existsSync(join(bench.path, "report.json")));
  await bench.write({
    "report.json": '{"tool": {"name": "model-signing"}, "verdict": "verified"}',
  });
  await rename(join(bench.path, "key.pub"), join(bench.path, "none.pub"));
  assertFault(await onto("report.json"), 3, "FILE_UNREADABLE");
  assert.ok(!existsSync(join(bench.path, "report.json")));
});

test("nothing takes the place of a link to a stream, nor of the file that a stream goes to", async () => {
  if (process.platform !== "linux") return;
  await using bench = await workbench();
  assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
  // As /dev/stdout and /dev/stderr are on Linux, and as dead as they are with the stream closed.
  await symlink("/proc/self/fd/1", join(bench.path, "stdout"));
  await symlink("/proc/self/fd/2", join(bench.path, "stderr"));
  await symlink("/proc/self/fd/999", join(bench.path, "closed"));
  await symlink("stdout", join(bench.path, "second"));
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["stdout", [...SIGN, "--signature", "stdout"], /--signature - writes/],
    ["stdout", [...SIGN, "--signature", "second"], /--signature - writes/],
    ["stdout", [...SIGN, "--signature", "OUT"], /standard output of this process/],
    ["stderr", [...VERIFY, "--report", "stderr"], /--format json prints/],
    ["stdout", ["trust", "export", "stdout"], /trust export - writes/],
    ["stdout", [...SIGN, "--signature", "closed"], /devices and processes/],
  ];
  for (const [stream, args, told] of cases) {
    await bench.write({ OUT: "" });
    const before = snapshot(bench.path);
    const redirection = stream === "stdout" ? '>>OUT "$@"' : '"$@" 2>>OUT';
    const outcome = spawnSync("sh", ["-c", redirection, "sh", ...programCommand(), ...args], {
      cwd: bench.path,
      env: programEnvironment(),
      encoding: "utf8",
    });
    const written = readFileSync(join(bench.path, "OUT"), "utf8");
    const stderr = stream === "stderr" ? written : outcome.stderr;
    assertFault({ ...outcome, stderr }, 3, "FILE_UNWRITABLE");
    assert.match(stderr, told);
    await bench.write({ OUT: "" });
    assert.deepEqual(snapshot(bench.path), before, args.join(" "));
  }
});

test("sign that runs into a full disk leaves the old signature and nothing else", async () => {
  await using bench = await workbench();
  await bench.write({ "model.sig": OLD_SIGNATURE });
  const before = snapshot(bench.path);
  // No file may grow; the signal for it is ignored, so that writing fails as on a full disk.
  const script = `trap "" XFSZ; ulimit -f 0; exec "$@"`;
  const command = ["-c", script, "sh", ...programCommand(), ...SIGN];
  const outcome = spawnSync("sh", command, {
    cwd: bench.path,
    env: programEnvironment(),
    encoding: "utf8",
  });
  assertFault(outcome, 3, "FILE_UNWRITABLE");
  assert.deepEqual(snapshot(bench.path), before);
});

for (const flags of [[], ["--hash-algorithm", "blake3"], ["--shard-size", "1GiB"]]) {
  const name = ["sign", ...flags].join(" ");
  test(`SIGINT ends ${name} with 3 and leaves the old signature and nothing else`, async () => {
    await using bench = await workbench();
    await bench.write({ "model.sig": OLD_SIGNATURE });
    await addEndlessFile(bench);
    const before = snapshot(bench.path);
    const outcome = await cli([...SIGN, ...flags, "--log-level", "debug"], {
      cwd: bench.path,
      step: { after: "enumerate done", act: kill("SIGINT") },
    });
    assertFault(outcome, 3, "ABORTED");
    assert.equal(outcome.stdout, "");
    assert.deepEqual(snapshot(bench.path), before);
  });
}

test("SIGINT ends verify and digest with 3 and no verdict", async () => {
  await using bench = await workbench();
  assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
  await addEndlessFile(bench);
  for (const args of [VERIFY, [...VERIFY, "--format", "json"], ["digest", "model"]]) {
    const outcome = await cli([...args, "--log-level", "debug"], {
      cwd: bench.path,
      step: { after: "enumerate done", act: kill("SIGINT") },
    });
    assertFault(outcome, 3, "ABORTED");
    assert.equal(outcome.stdout, "");
  }
});

test("sign never replaces a single-file model, whatever the path to it is", async () => {
  await using bench = await workbench();
  await bench.write({ "weights.bin": "weights" });
  await symlink("weights.bin", join(bench.path, "link"));
  await link(join(bench.path, "weights.bin"), join(bench.path, "twin"));
  const model = join(bench.path, "weights.bin");
  const before = snapshot(bench.path);
  for (const target of ["weights.bin", "./model/../weights.bin", model, "link", "twin"]) {
    const args = ["sign", "key", "weights.bin", "--private-key", "key.pem", "--signature", target];
    assertFault(await cli(args, { cwd: bench.path }), 2, "USAGE");
  }
  assert.deepEqual(snapshot(bench.path), before);
});

test("a signature inside the model is never part of it, however its path is written", async () => {
  await using bench = await workbench();
  await symlink("model", join(bench.path, "alias"));
  const inside = join(bench.path, "model");
  const signature = join(inside, "model.sig");
  const places: readonly (readonly [cwd: string, model: string, signature: string])[] = [
    [bench.path, "model", "model/model.sig"],
    [bench.path, "model", "./model/weights/../model.sig"],
    [bench.path, inside, signature],
    [bench.path, "model", join(bench.path, "alias/model.sig")],
    [bench.path, "alias", "model/model.sig"],
    [inside, ".", "model.sig"],
    [join(inside, "weights"), "..", "../model.sig"],
    [join(inside, "weights"), inside, "../model.sig"],
  ];
  const digests = new Set<string>();
  for (const [index, [cwd, model, target]] of places.entries()) {
    const sign = ["sign", "key", model, "--private-key", join(bench.path, "key.pem")];
    assertStatus(await cli([...sign, "--signature", target], { cwd }), 0, `sign ${target}`);
    const { dsseEnvelope } = JSON.parse(readFileSync(signature, "utf8"));
    const { subject, predicate } = JSON.parse(atob(dsseEnvelope.payload));
    digests.add(subject[0].digest.sha256);
    assert.ok(predicate.serialization.ignore_paths.includes("model.sig"), target);
    const [at, again, read] = places[(index + 1) % places.length]!;
    const verify = ["verify", "key", again, "--public-key", join(bench.path, "key.pub")];
    const outcome = await cli([...verify, "--signature", read], { cwd: at });
    assertStatus(outcome, 0, `verify ${read}`);
  }
  assert.equal(digests.size, 1);
});
