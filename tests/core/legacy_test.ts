/** Signatures of the tool 0.2.0, made here with the real Python: its encoding was a defective one (OMS 4). */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseBundle } from "../../core/bundle.ts";
import type { Report } from "../../core/report.ts";
import { verifyModel } from "../../core/verify.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { keyVerifier } from "../../plugins/key/mod.ts";
import {
  bundleBy,
  digestsStatementOf,
  encode,
  type KeyPair,
  type Loose,
  p256,
  PAYLOAD_TYPE,
  signedBundle,
  statementOf,
} from "../support/bundles.ts";
import { MemorySource } from "../support/memory_source.ts";
import { Pki } from "../support/pki.ts";

/** As the tool 0.2.0 made it: `f"DSSEV1 {len(type)} {type} {len(payload)} {payload}"` with bytes for payload. */
function pythonEncoding(payload: Uint8Array): Uint8Array {
  const script = [
    "import sys",
    "payload = sys.stdin.buffer.read()",
    `kind = ${JSON.stringify(PAYLOAD_TYPE)}`,
    'sys.stdout.buffer.write(f"DSSEV1 {len(kind)} {kind} {len(payload)} {payload}".encode())',
  ].join("\n");
  const { stdout, status } = spawnSync("python3", ["-c", script], { input: payload });
  assert.equal(status, 0);
  return stdout;
}

async function verified(
  bundle: Loose,
  { publicKey }: KeyPair,
  files: Readonly<Record<string, string>>,
): Promise<Report> {
  return await verifyModel({
    source: new MemorySource(files),
    hasher: hasherFactory(),
    bundle: parseBundle(encode(bundle)),
    verifier: keyVerifier({ publicKeys: [publicKey] }),
  });
}

const FILES = { "a": "1", "it's": "2", 'say "x"': "3", "back\\slash": "4", "é/\u{1f600}": "5" };

/** Payloads that Python prints with either quote, and with escapes of every kind. */
const MODELS: readonly Readonly<Record<string, string>>[] = [
  FILES,
  { "a": "1" },
  { "it's": "2" },
  { "back\\slash": "4" },
  { "é\u00a0": "5" },
];

for (const namedCurve of ["P-256", "P-384", "P-521"]) {
  test(`verifyModel() accepts the defective encoding under its own predicate type: ${namedCurve}`, async () => {
    const keys = generateKeyPairSync("ec", { namedCurve });
    for (const files of MODELS) {
      for (const indent of [undefined, 1]) {
        const payload = encode(JSON.stringify(digestsStatementOf(files), null, indent));
        const bundle = signedByOldTool(payload, keys);
        const report = await verified(bundle, keys, files);
        assert.equal(report.verdict, "verified", JSON.stringify(report));
        const [name] = Object.keys(files);
        const tampered = await verified(bundle, keys, { ...files, [name!]: "changed" });
        assert.equal(tampered.verdict, "rejected");
      }
    }
  });
}

test("verifyModel() accepts the encoding of DSSE under the old predicate type, too", async () => {
  const keys = p256();
  const bundle = signedBundle(encode(digestsStatementOf(FILES)), keys);
  assert.equal((await verified(bundle, keys, FILES)).verdict, "verified");
});

test("verifyModel() refuses the defective encoding over a later statement", async () => {
  const keys = p256();
  const statements = [
    statementOf(["a"]),
    // The old predicate type stands in the payload, but not as its predicate type.
    statementOf(["https:_model_signing_Digests_v0.1"]),
    {
      ...statementOf(["a"]),
      subject: [{
        ...statementOf(["a"]).subject[0],
        annotations: { x: "https://model_signing/Digests/v0.1" },
      }],
    },
  ];
  for (const statement of statements) {
    const files = Object.fromEntries(
      statement.predicate.resources.map(({ name }: Loose) => [name, name]),
    );
    const standard = await verified(signedBundle(encode(statement), keys), keys, files);
    assert.equal(standard.verdict, "verified", JSON.stringify(standard));
    const report = await verified(signedByOldTool(encode(statement), keys), keys, files);
    assert.ok(report.verdict === "rejected");
    const marked = JSON.stringify(statement).includes("model_signing/Digests/v0.1");
    assert.equal(report.issues[0].code, marked ? "SIGNATURE_ENCODING" : "SIGNATURE_INVALID");
    assert.deepEqual(report.coverage.files, 0);
  }
});

test("verifyModel() refuses the defective encoding by keys that the old tool did not know", async () => {
  for (
    const keys of [
      generateKeyPairSync("rsa", { modulusLength: 2048 }),
      generateKeyPairSync("ed25519"),
    ]
  ) {
    const bundle = signedByOldTool(encode(digestsStatementOf(FILES)), keys);
    assert.equal((await verified(bundle, keys, FILES)).verdict, "rejected");
  }
});

test("verifyModel() takes the defaults of the old tool: git paths are left out", async () => {
  const keys = p256();
  const bundle = signedByOldTool(encode(digestsStatementOf(FILES)), keys);
  const report = await verified(bundle, keys, { ...FILES, ".git/HEAD": "x" });
  assert.ok(report.verdict === "verified");
  assert.deepEqual(report.coverage.ignored, [".git"]);
  assert.equal(report.model.rootDigest, undefined);
  assert.equal(report.model.name, undefined);
});

/** ECDSA was always over SHA-256 there, whatever the curve; not every runtime can do that. */
function signedByOldTool(payload: Uint8Array, { privateKey, publicKey }: KeyPair): Loose {
  using pki = new Pki();
  const key = pki.file("key.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
  const encoding = pki.file("encoding", pythonEncoding(payload));
  const signature = `${encoding}.sig`;
  const args = publicKey.asymmetricKeyType === "ed25519"
    ? ["pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", encoding, "-out", signature]
    : ["dgst", "-sha256", "-sign", key, "-out", signature, encoding];
  pki.openssl(args);
  return bundleBy(publicKey, payload, readFileSync(signature));
}
