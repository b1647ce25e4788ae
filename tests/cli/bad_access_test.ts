/** What this user may not read or write. Root may do everything, so the program then runs as another user. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { compiledBinary } from "../support/binary.ts";
import { programEnvironment } from "../support/cli.ts";
import { assertFault, assertStatus, assertVerdict, type Outcome } from "../support/outcome.ts";
import { snapshot } from "../support/snapshot.ts";
import { OLD_SIGNATURE, SIGN, VERIFY, type Workbench, workbench } from "../support/workbench.ts";

/** `nobody` on most systems. Any other user than root would do. */
const OTHER_USER = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

/** A workbench that anybody may read and write, with the binary in it. */
async function openBench(): Promise<Workbench> {
  const bench = await workbench();
  copyFileSync(compiledBinary(), join(bench.path, "program"));
  chmodSync(join(bench.path, "program"), 0o755);
  chmodSync(bench.path, 0o777);
  return bench;
}

/** Runs the binary as a user to whom permissions apply. */
function restricted(bench: Workbench, args: readonly string[]): Outcome {
  const command = [join(bench.path, "program"), ...args];
  const [program, ...rest] = process.getuid?.() === 0 ? [...OTHER_USER, ...command] : command;
  const run = spawnSync(program!, rest, {
    cwd: bench.path,
    env: programEnvironment({ TMPDIR: bench.path }),
    encoding: "utf8",
  });
  if (run.error) throw run.error;
  return run;
}

test("an unreadable file and folder are findings that leave a verification undecided", async () => {
  await using bench = await openBench();
  assertStatus(restricted(bench, SIGN), 0, "sign");
  const before = snapshot(bench.path);
  for (const [path, mode] of [["model/config.json", 0o644], ["model/weights", 0o755]] as const) {
    chmodSync(join(bench.path, path), 0);
    const signed = restricted(bench, SIGN);
    const verified = restricted(bench, [...VERIFY, "--format", "json"]);
    chmodSync(join(bench.path, path), mode);
    assertFault(signed, 3, "MODEL_REFUSED");
    assert.match(signed.stderr, /\[ENTRY_UNREADABLE\]/);
    assertVerdict(verified, "inconclusive", 3, ["ENTRY_UNREADABLE"]);
  }
  assert.deepEqual(snapshot(bench.path), before);
});

test("an unreadable model and a folder that cannot be entered end with MODEL_UNREADABLE", async () => {
  await using bench = await openBench();
  mkdirSync(join(bench.path, "closed/model"), { recursive: true });
  writeFileSync(join(bench.path, "closed/model/file"), "content");
  for (const [path, model] of [["model", "model"], ["closed", "closed/model"]] as const) {
    chmodSync(join(bench.path, path), 0);
    const signed = restricted(bench, SIGN.map((arg) => arg === "model" ? model : arg));
    chmodSync(join(bench.path, path), 0o755);
    assertFault(signed, 3, "MODEL_UNREADABLE");
  }
});

test("a signature, key and trust file that cannot be read end with a fault each", async () => {
  await using bench = await openBench();
  assertStatus(restricted(bench, SIGN), 0, "sign");
  for (
    const [path, args, code] of [
      ["model.sig", VERIFY, "BUNDLE_UNREADABLE"],
      ["key.pub", VERIFY, "FILE_UNREADABLE"],
      ["key.pem", SIGN, "FILE_UNREADABLE"],
    ] as const
  ) {
    chmodSync(join(bench.path, path), 0);
    const outcome = restricted(bench, args);
    chmodSync(join(bench.path, path), 0o644);
    assertFault(outcome, 3, code);
  }
});

test("a folder that cannot be written to is found out, and the old signature stays", async () => {
  await using bench = await openBench();
  await bench.write({ "out/model.sig": OLD_SIGNATURE });
  chmodSync(join(bench.path, "out"), 0o555);
  const before = snapshot(bench.path);
  const outcome = restricted(bench, [...SIGN, "--signature", "out/model.sig"]);
  assert.deepEqual(snapshot(bench.path), before);
  assertFault(outcome, 3, "FILE_UNWRITABLE");
  assert.equal(readFileSync(join(bench.path, "out/model.sig"), "utf8"), OLD_SIGNATURE);
});
