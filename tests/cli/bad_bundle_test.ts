/** Signature files that must be rejected, each for its reason, before anything else is looked at. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import {
  base64,
  type KeyPair,
  type Loose,
  p256,
  rootOf,
  signedBundle,
  statementOf,
} from "../support/bundles.ts";
import { cli } from "../support/cli.ts";
import { assertFault, assertRejected, type Outcome } from "../support/outcome.ts";
import { VERIFY, type Workbench, workbench } from "../support/workbench.ts";

const FILES = ["config.json", "weights/part-1.bin", "weights/part-2.bin"];

/** A larger signature file is not read. */
const MAX_BUNDLE_BYTES = 256 * 1024 * 1024;

/** Verifies the workbench's model against these bytes in place of the signature. */
async function verify(bench: Workbench, signature: string | Uint8Array): Promise<Outcome> {
  await writeFile(join(bench.path, "model.sig"), signature);
  return await cli([...VERIFY, "--format", "json"], { cwd: bench.path });
}

/** A workbench that trusts a key which the test can sign with. */
async function benchTrusting({ publicKey }: KeyPair): Promise<Workbench> {
  const bench = await workbench();
  await bench.write({ "key.pub": publicKey.export({ type: "spki", format: "pem" }) });
  return bench;
}

/** Asserts the rejection, and that no file of the model was looked at. */
function assertRefused(outcome: Outcome, code: string): void {
  assertRejected(outcome, [code]);
  const { coverage, files, identity } = JSON.parse(outcome.stdout);
  assert.equal(coverage.files, 0);
  assert.deepEqual(files, []);
  assert.equal(identity, undefined);
}

/** Files that are no bundle. */
const MALFORMED: Readonly<Record<string, string | Uint8Array>> = {
  "empty": "",
  "white space": " \n",
  "not JSON": "-----BEGIN SIGNATURE-----",
  "null": "null",
  "a list": "[]",
  "an object of nothing": "{}",
  "not UTF-8": Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d),
  "deeply nested": `{"mediaType":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
  "deeply nested objects": `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
  "an endless number": `{"mediaType":${"9".repeat(1_000_000)}}`,
};

for (const [name, content] of Object.entries(MALFORMED)) {
  test(`verify rejects a signature file that is ${name}`, async () => {
    await using bench = await workbench();
    assertRefused(await verify(bench, content), "BUNDLE_MALFORMED");
  });
}

/** What is done to a good bundle, and what is found. */
const BENT: Readonly<Record<string, readonly [bend: (bundle: Loose) => unknown, code: string]>> = {
  "another media type": [(b) => b.mediaType = "text/plain", "BUNDLE_MEDIA_TYPE"],
  "a later media type": [
    (b) => b.mediaType = "application/vnd.dev.sigstore.bundle.v9.0+json",
    "BUNDLE_MEDIA_TYPE",
  ],
  "no media type": [(b) => delete b.mediaType, "BUNDLE_MALFORMED"],
  "no material": [(b) => b.verificationMaterial = {}, "BUNDLE_MATERIAL"],
  "material of two kinds": [
    (b) => b.verificationMaterial.x509CertificateChain = { certificates: [{ rawBytes: "AA==" }] },
    "BUNDLE_MATERIAL",
  ],
  "another payload type": [
    (b) => b.dsseEnvelope.payloadType = "text/plain",
    "ENVELOPE_PAYLOAD_TYPE",
  ],
  "two signatures": [
    (b) => b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]),
    "ENVELOPE_SIGNATURES",
  ],
  "no signature": [(b) => b.dsseEnvelope.signatures = [], "ENVELOPE_SIGNATURES"],
  "a payload that is not base64": [(b) => b.dsseEnvelope.payload += "*", "BUNDLE_MALFORMED"],
  "a signature that is not base64": [
    (b) => b.dsseEnvelope.signatures[0].sig = "%%%",
    "BUNDLE_MALFORMED",
  ],
  "an empty signature": [(b) => b.dsseEnvelope.signatures[0].sig = "", "BUNDLE_MALFORMED"],
  "a payload of the wrong type": [(b) => b.dsseEnvelope.payload = 1, "BUNDLE_MALFORMED"],
  "another payload": [
    (b) => b.dsseEnvelope.payload = base64(statementOf(["other"])),
    "SIGNATURE_INVALID",
  ],
  "another signature": [
    (b) => b.dsseEnvelope.signatures[0].sig = base64(new Uint8Array(70).fill(48)),
    "SIGNATURE_INVALID",
  ],
  "the hint of another key": [
    (b) => b.verificationMaterial.publicKey.hint = "0".repeat(64),
    "KEY_HINT_MISMATCH",
  ],
};

for (const [name, [bend, code]] of Object.entries(BENT)) {
  test(`verify rejects a bundle with ${name}`, async () => {
    const pair = p256();
    await using bench = await benchTrusting(pair);
    const bundle = signedBundle(Buffer.from(JSON.stringify(statementOf(FILES))), pair);
    bend(bundle);
    assertRefused(await verify(bench, JSON.stringify(bundle)), code);
  });
}

test("verify rejects a truncated bundle wherever it was cut", async () => {
  const pair = p256();
  await using bench = await benchTrusting(pair);
  const text = JSON.stringify(signedBundle(Buffer.from(JSON.stringify(statementOf(FILES))), pair));
  for (const length of [1, 40, text.length >> 1, text.length - 1]) {
    assertRefused(await verify(bench, text.slice(0, length)), "BUNDLE_MALFORMED");
  }
});

test("verify rejects members that are named twice, also by escapes", async () => {
  const pair = p256();
  await using bench = await benchTrusting(pair);
  const text = JSON.stringify(signedBundle(Buffer.from(JSON.stringify(statementOf(FILES))), pair));
  for (const twin of ['"mediaType"', '"media\\u0054ype"']) {
    const outcome = await verify(bench, text.replace("{", `{${twin}:"text/plain",`));
    assertRefused(outcome, "BUNDLE_MALFORMED");
  }
});

test("verify refuses a bundle above 256 MiB before it reads it", async () => {
  await using bench = await workbench();
  const signature = join(bench.path, "model.sig");
  await writeFile(signature, "{}");
  await truncate(signature, MAX_BUNDLE_BYTES + 1);
  const args = [...VERIFY, "--format", "json"];
  assertRefused(await cli(args, { cwd: bench.path }), "BUNDLE_TOO_LARGE");
  assertFault(await cli(["inspect", "model.sig"], { cwd: bench.path }), 3, "BUNDLE_REFUSED");
});

test("verify says that a signature file is missing, a folder or a FIFO, and waits for none", async () => {
  await using bench = await workbench();
  await mkdir(join(bench.path, "folder"));
  execFileSync("mkfifo", [join(bench.path, "pipe")]);
  for (const name of ["missing", "pipe", "/dev/zero", "folder"]) {
    const args = VERIFY.map((arg) => arg === "model.sig" ? name : arg);
    const outcome = await cli(args, { cwd: bench.path });
    // A folder cannot be meant, so that is the caller's mistake.
    if (name === "folder") assertFault(outcome, 2, "USAGE");
    else assertFault(outcome, 3, "BUNDLE_UNREADABLE");
    const inspected = await cli(["inspect", name], { cwd: bench.path });
    assertFault(inspected, 3, "BUNDLE_UNREADABLE");
    assert.equal(inspected.stderr.includes('hint: "-"'), name === "pipe");
  }
});

/** Statements that are properly signed, and still not believed. */
const STATEMENTS: Readonly<Record<string, readonly [statement: Loose, code: string]>> = {
  "a file listed twice": [statementOf(["a", "a"]), "RESOURCE_DUPLICATE"],
  "files out of order": [statementOf(["b", "a"]), "RESOURCE_ORDER"],
  "no files": [statementOf([]), "RESOURCE_NONE"],
  ...Object.fromEntries(
    ["../etc/passwd", "a/../../b", "/etc/passwd", "./a", "a/./b", "a//b", "a/", "..", "a\0b"]
      .map((name) => [`the name ${JSON.stringify(name)}`, [statementOf([name]), "RESOURCE_NAME"]]),
  ),
  "an empty name": [statementOf([""]), "STATEMENT_MALFORMED"],
  "another root digest": [
    { ...statementOf(FILES), subject: [{ name: "model", digest: { sha256: rootOf([]) } }] },
    "ROOT_DIGEST_MISMATCH",
  ],
  "no subject": [{ ...statementOf(FILES), subject: [] }, "STATEMENT_MALFORMED"],
  "another statement type": [
    { ...statementOf(FILES), _type: "https://in-toto.io/Statement/v0.1" },
    "STATEMENT_TYPE",
  ],
  "another predicate type": [
    { ...statementOf(FILES), predicateType: "https://slsa.dev/provenance/v1" },
    "PREDICATE_TYPE",
  ],
  "an unknown hash": [
    statementOf(FILES, { method: "files", hash_type: "md5", allow_symlinks: false }),
    "STATEMENT_MALFORMED",
  ],
  "duplicate members": [
    JSON.stringify(statementOf(FILES)).replace("{", '{"subject":[],'),
    "STATEMENT_MALFORMED",
  ],
  "deep nesting": [
    JSON.stringify(statementOf(FILES)).replace("{", `{"x":${"[".repeat(1e5)}${"]".repeat(1e5)},`),
    "STATEMENT_MALFORMED",
  ],
  ...Object.fromEntries(
    Object.entries({
      "that overlap": ["a:0:10", "a:5:15"],
      "with a gap": ["a:0:10", "a:20:30"],
      "that do not begin at 0": ["a:10:20"],
      "that end before they begin": ["a:10:0"],
      "of no bytes": ["a:0:0"],
      "larger than the shard size": ["a:0:11"],
      "that overflow": ["a:0:10", "a:10:18446744073709551626"],
      "with a negative range": ["a:-10:0"],
      "with leading zeros": ["a:00:10"],
      "without a range": ["a"],
    }).map(([what, names]) => {
      const serialization = {
        method: "shards",
        hash_type: "sha256",
        allow_symlinks: false,
        shard_size: 10,
      };
      return [`shards ${what}`, [statementOf(names, serialization), "SHARD_RANGE"]];
    }),
  ),
};

for (const [name, [statement, code]] of Object.entries(STATEMENTS)) {
  test(`verify rejects a signed statement with ${name}`, async () => {
    const pair = p256();
    await using bench = await benchTrusting(pair);
    const payload = typeof statement === "string" ? statement : JSON.stringify(statement);
    const bundle = signedBundle(Buffer.from(payload), pair);
    const outcome = await verify(bench, JSON.stringify(bundle));
    assertRejected(outcome, [code]);
    const { coverage, signedBy } = JSON.parse(outcome.stdout);
    assert.equal(coverage.files, 0);
    assert.equal(signedBy.method, "key");
  });
}

test("verify never reads outside the model for a signed name, whatever is forgiven", async () => {
  const pair = p256();
  await using bench = await benchTrusting(pair);
  const bundle = signedBundle(Buffer.from(JSON.stringify(statementOf(["../key.pem"]))), pair);
  await bench.write({ "model.sig": JSON.stringify(bundle) });
  const args = [...VERIFY, "--format", "json", "--ignore-unsigned-files", "--allow-symlinks"];
  assertRejected(await cli(args, { cwd: bench.path }), ["RESOURCE_NAME"]);
});
