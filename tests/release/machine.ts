/** What every binary that can be run has to do. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openssl, opensslKey, opensslPublicKey } from "../support/openssl.ts";
import { assertStatus, type Outcome } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";

/** Where a binary runs. */
export type Machine = {
  /** The folder with the model, as this machine sees it. */
  readonly folder: string;
  /** The same as the binary sees it, with a separator at the end; nothing, if it is the current one. */
  readonly place: string;
  run(args: readonly string[]): Outcome;
};

/** Writes a model, for which workers are started, with a key and a certificate. */
export function writeModel({ folder }: Machine): void {
  mkdirSync(join(folder, "model"));
  for (const name of ["one.bin", "two.bin"]) {
    writeFileSync(join(folder, "model", name), randomBytes(20 * 1024 * 1024));
  }
  const key = opensslKey("EC P-256");
  openssl(["pkey", "-out", join(folder, "key.pem")], key);
  writeFileSync(join(folder, "key.pub"), opensslPublicKey(key));
  using pki = new Pki();
  const anchor = pki.root();
  const leaf = pki.leaf(anchor);
  cpSync(anchor.certificate, join(folder, "root.pem"));
  cpSync(leaf.certificate, join(folder, "leaf.pem"));
  cpSync(leaf.key, join(folder, "leaf.key"));
}

/** Signs and verifies with BLAKE3, in two workers, and says whether native code was used: a debug line names what is. */
export function usesNativeBlake3(machine: Machine): boolean {
  const options = ["--hash-algorithm", "blake3", "--log-level", "debug"];
  const signed = signWithKey(machine, options);
  assert.match(signed.stderr, /hash\.workers=2/);
  verifyWithKey(machine);
  return !signed.stderr.includes("WebAssembly");
}

/** Signs and verifies with a key and with a certificate, and finds that a file was changed. */
export function signAndVerify(machine: Machine): void {
  const { folder, place } = machine;
  signWithKey(machine, []);
  verifyWithKey(machine);
  const chain = ["--certificate-chain", `${place}root.pem`, "--signature", `${place}leaf.sig`];
  const own = ["--private-key", `${place}leaf.key`, "--signing-certificate", `${place}leaf.pem`];
  const signed = run(machine, "sign certificate", [...chain, ...own]);
  assertStatus(signed, 0, "sign certificate");
  assertStatus(run(machine, "verify certificate", chain), 0, "verify certificate");
  writeFileSync(join(folder, "model", "one.bin"), "another one");
  assertStatus(run(machine, "verify certificate", chain), 1, "verify a changed model");
}

function signWithKey(machine: Machine, options: readonly string[]): Outcome {
  const { place } = machine;
  const key = ["--private-key", `${place}key.pem`, "--signature", `${place}model.sig`];
  const signed = run(machine, "sign key", [...key, ...options]);
  assertStatus(signed, 0, "sign key");
  return signed;
}

function verifyWithKey(machine: Machine): void {
  const { place } = machine;
  const key = ["--public-key", `${place}key.pub`, "--signature", `${place}model.sig`];
  assertStatus(run(machine, "verify key", key), 0, "verify key");
}

function run({ place, run }: Machine, command: string, options: readonly string[]): Outcome {
  const common = ["--jobs", "2", "--no-progress"];
  return run([...command.split(" "), `${place}model`, ...options, ...common]);
}
