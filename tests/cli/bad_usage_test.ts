/** Command lines that ask for something impossible: exit status 2, one fault, nothing done. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cli, programCommand, programEnvironment } from "../support/cli.ts";
import { assertFault } from "../support/outcome.ts";
import { snapshot } from "../support/snapshot.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

/** Arguments by what is wrong with them. */
const USAGE: Readonly<Record<string, readonly string[]>> = {
  "no command": [],
  "an unknown command": ["singn", "key", "model"],
  "an unknown method": ["sign", "pgp", "model"],
  "an unknown flag": [...SIGN, "--force"],
  "a flag of another command": [...SIGN, "--public-key", "key.pub"],
  "a flag of another method": [...SIGN, "--signing-certificate", "key.pub"],
  "a flag without its value": [...SIGN, "--signature"],
  "a flag given twice": [...SIGN, "--private-key", "key.pem"],
  "contradicting flags": [...SIGN, "--allow-symlinks", "--no-allow-symlinks"],
  "two ways to a password": [
    ...["sign", "key", "model", "--private-key", "locked.pem"],
    ...["--password", "hunter2", "--password-file", "key.pub"],
  ],
  "two models": [...SIGN, "model"],
  "no model": SIGN.filter((arg) => arg !== "model"),
  "an empty model": SIGN.map((arg) => arg === "model" ? "" : arg),
  "no private key": SIGN.slice(0, 3),
  "no public key": ["verify", "key", "model", "--signature", "model.sig"],
  "no signature": ["verify", "key", "model", "--public-key", "key.pub"],
  "no certificate": ["sign", "certificate", "model", "--private-key", "key.pem"],
  "no trust anchor": ["verify", "certificate", "model", "--signature", "model.sig"],
  "an unknown hash": [...SIGN, "--hash-algorithm", "md5"],
  "a hash when verifying": [...VERIFY, "--hash-algorithm", "sha256"],
  "no jobs": [...SIGN, "--jobs", "0"],
  "half a job": [...SIGN, "--jobs", "1.5"],
  "more jobs than anybody wants": [...SIGN, "--jobs", "1025"],
  "shards of no bytes": [...SIGN, "--shard-size", "0"],
  "shards of a doubtful unit": [...SIGN, "--shard-size", "10M"],
  "shards larger than any file": [...SIGN, "--shard-size", "99999999999999999999"],
  "an unknown log level": [...SIGN, "--log-level", "loud"],
  "an unknown format": [...VERIFY, "--format", "yaml"],
  "JSON that is none": [...SIGN, "--json", "{"],
  "JSON that is no object": [...SIGN, "--json", '["model"]'],
  "a folder as a manifest": [...SIGN, "--source", "oci-manifest"],
  "a registry as a file": ["digest", "oci://127.0.0.1:1/m:v1", "--source", "file"],
  "JSON with an unknown option": [...SIGN, "--json", '{"force": true}'],
  "JSON that weakens a check": [...VERIFY, "--json", '{"ignore_unsigned_files": true}'],
};

for (const [what, args] of Object.entries(USAGE)) {
  test(`${what}: a usage error`, async () => {
    await using bench = await workbench();
    const before = snapshot(bench.path);
    const outcome = await cli(args, { cwd: bench.path });
    assertFault(outcome, 2, "USAGE");
    assert.equal(outcome.stdout, "");
    assert.deepEqual(snapshot(bench.path), before);
  });
}

test("an argument that is not UTF-8 is a usage error, and names no other file", async () => {
  await using bench = await workbench();
  const before = snapshot(bench.path);
  for (const argument of ["caf\\351.sig", "\\355\\240\\200"]) {
    // A shell hands on bytes that no string of ours can hold.
    const script = `exec "$@" "--signature=$(printf '${argument}')"`;
    const outcome = spawnSync("sh", ["-c", script, "sh", ...programCommand(), ...SIGN], {
      cwd: bench.path,
      env: programEnvironment(),
      encoding: "utf8",
    });
    assertFault(outcome, 2, "USAGE");
    assert.match(outcome.stderr, /argument 6 is not UTF-8/);
  }
  assert.deepEqual(snapshot(bench.path), before);
});

test("two variables that exclude each other are named", async () => {
  await using bench = await workbench();
  const env = { MODEL_SIGNING_PASSWORD: "hunter2", MODEL_SIGNING_PASSWORD_FILE: "key.pub" };
  const outcome = await cli(SIGN, { cwd: bench.path, env });
  assertFault(outcome, 2, "USAGE");
  assert.match(
    outcome.stderr,
    /MODEL_SIGNING_PASSWORD and MODEL_SIGNING_PASSWORD_FILE are both given/,
  );
});

test("of many flags that begin alike, the one that is written like an unknown one is meant", async () => {
  const { stderr } = await cli(["verify", "m", "--identit", "dev@example.com"]);
  assert.match(stderr, /unknown flag "--identit" .*\n.*did you mean --identity\?/);
});

test("a variable that is not UTF-8 is a usage error, and names no other file", async () => {
  await using bench = await workbench();
  const before = snapshot(bench.path);
  for (const name of ["MODEL_SIGNING_OUTPUT_FILE", "MODEL_SIGNING_LOG_LEVEL"]) {
    const script = `export "${name}=$(printf 'caf\\351.log')"; exec "$@"`;
    const outcome = spawnSync("sh", ["-c", script, "sh", ...programCommand(), ...SIGN], {
      cwd: bench.path,
      env: programEnvironment(),
      encoding: "utf8",
    });
    assertFault(outcome, 2, "USAGE");
    assert.match(outcome.stderr, new RegExp(`: ${name} is not UTF-8`));
  }
  assert.deepEqual(snapshot(bench.path), before);
});

test("ignore paths of all of the model and in two places are usage errors", async () => {
  await using bench = await workbench();
  await mkdir(join(bench.path, "weights"));
  const before = snapshot(bench.path);
  for (const path of [join(bench.path, "model"), "model", ".", "weights"]) {
    const outcome = await cli([...SIGN, "--ignore-paths", path], { cwd: bench.path });
    assertFault(outcome, 2, "USAGE_IGNORE_PATH");
  }
  assert.deepEqual(snapshot(bench.path), before);
});

test("a mistake is told before any work is done", async () => {
  await using bench = await workbench();
  // Neither exists: the mistake in the command line comes first.
  const args = ["sign", "key", "missing", "--private-key", "missing.pem", "--jobs", "0"];
  assertFault(await cli(args, { cwd: bench.path }), 2, "USAGE");
});
