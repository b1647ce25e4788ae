import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { type Bundle, parseBundle } from "../../../core/bundle.ts";
import type { IssueCode } from "../../../core/errors.ts";
import type { SignatureVerification } from "../../../core/verifier.ts";
import { keyVerifier } from "../../../plugins/key/mod.ts";
import {
  bundleBy,
  encode,
  hintOf,
  type Loose,
  p256,
  preAuthentication,
  signedBundle,
  statementOf,
} from "../../support/bundles.ts";
import { opensslKey } from "../../support/openssl.ts";

const PAYLOAD = encode(statementOf(["a"]));
const KEYS = p256();

function parsed(value: Loose): Bundle {
  const bundle = parseBundle(encode(value));
  assert.ok(bundle.ok);
  return bundle.value;
}

async function verified(
  value: Loose,
  first: KeyObject,
  ...rest: KeyObject[]
): Promise<SignatureVerification> {
  return await keyVerifier({ publicKeys: [first, ...rest] }).verify(parsed(value), {});
}

function assertAccepted(result: SignatureVerification, publicKey: KeyObject): void {
  assert.deepEqual(
    result.checks.map(({ id, status }) => `${id} ${status}`),
    ["key passed", "signature passed"],
  );
  assert.ok(result.identity?.kind === "key");
  assert.equal(result.identity.keyHint, hintOf(publicKey));
  assert.equal(result.encoding, "standard");
}

function assertRefused(result: SignatureVerification, ...expected: readonly IssueCode[]): void {
  const codes = result.checks.flatMap((check) =>
    check.status === "failed" ? [check.issue.code] : []
  );
  assert.deepEqual(codes, expected);
  assert.equal(result.identity, undefined);
  assert.ok(result.checks.some(({ id }) => id === "signature"));
}

/** The bundle of before 1.1.0, which embeds a key. */
function withEmbeddedKey(bundle: Loose, publicKey: KeyObject): Loose {
  const pem = publicKey.export({ type: "spki", format: "pem" });
  bundle.verificationMaterial = {
    publicKey: { rawBytes: Buffer.from(pem as string).toString("base64") },
  };
  return bundle;
}

test("keyVerifier() accepts the signature of its key", async () => {
  assertAccepted(await verified(signedBundle(PAYLOAD, KEYS), KEYS.publicKey), KEYS.publicKey);
});

test("keyVerifier() accepts the signature of one of several keys, and says whose", async () => {
  const others = [
    generateKeyPairSync("ed25519"),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    p256(),
  ].map(({ publicKey }) => publicKey);
  const bundle = signedBundle(PAYLOAD, KEYS);
  for (let index = 0; index <= others.length; index++) {
    const [first, ...rest] = others.toSpliced(index, 0, KEYS.publicKey);
    assertAccepted(await verified(bundle, first!, ...rest), KEYS.publicKey);
    const embedded = withEmbeddedKey(structuredClone(bundle), KEYS.publicKey);
    assertAccepted(await verified(embedded, first!, ...rest), KEYS.publicKey);
  }
  const [first, ...rest] = others;
  assertRefused(
    await verified(bundle, first!, ...rest),
    "KEY_HINT_MISMATCH",
    "SIGNATURE_INVALID",
  );
});

test("keyVerifier() refuses another key", async () => {
  const other = p256().publicKey;
  const bundle = signedBundle(PAYLOAD, KEYS);
  assertRefused(await verified(bundle, other), "KEY_HINT_MISMATCH", "SIGNATURE_INVALID");
  assertRefused(
    await verified(withEmbeddedKey(bundle, KEYS.publicKey), other),
    "SIGNATURE_INVALID",
  );
});

test("keyVerifier() never uses the key that a bundle carries", async () => {
  const mallory = p256();
  const bundle = withEmbeddedKey(signedBundle(PAYLOAD, mallory), mallory.publicKey);
  assertRefused(await verified(bundle, KEYS.publicKey), "SIGNATURE_INVALID");
});

test("keyVerifier() fails a hint that does not match, also when the signature holds", async () => {
  for (const hint of ["0".repeat(64), "", hintOf(KEYS.publicKey).toUpperCase(), "\u001b[2J"]) {
    const bundle = signedBundle(PAYLOAD, KEYS);
    bundle.verificationMaterial.publicKey.hint = hint;
    const result = await verified(bundle, KEYS.publicKey);
    assertRefused(result, "KEY_HINT_MISMATCH");
    assert.equal(result.checks.find(({ id }) => id === "signature")?.status, "passed");
    for (const check of result.checks) assert.doesNotMatch(check.detail, /\u001b/);
  }
});

test("keyVerifier() fails a signature that names the right key and does not hold", async () => {
  const bundle = signedBundle(PAYLOAD, p256());
  bundle.verificationMaterial.publicKey.hint = hintOf(KEYS.publicKey);
  const result = await verified(bundle, KEYS.publicKey);
  assertRefused(result, "SIGNATURE_INVALID");
  assert.equal(result.checks.find(({ id }) => id === "key")?.status, "passed");
});

test("keyVerifier() refuses certificates", async () => {
  const certificate = { rawBytes: Buffer.from("certificate").toString("base64") };
  for (
    const material of [
      { certificate },
      { certificate, tlogEntries: [{}] },
      { x509CertificateChain: { certificates: [certificate] } },
    ]
  ) {
    const bundle = signedBundle(PAYLOAD, KEYS);
    bundle.verificationMaterial = material;
    assertRefused(await verified(bundle, KEYS.publicKey), "BUNDLE_MATERIAL");
  }
});

test("keyVerifier() refuses a signature over the payload alone, its hash or another type", async () => {
  const { createHash, sign } = await import("node:crypto");
  const hash = createHash("sha256").update(preAuthentication(PAYLOAD)).digest();
  const otherType = Buffer.from(
    preAuthentication(PAYLOAD).toString().replace("in-toto", "out-toto"),
  );
  for (const bytes of [PAYLOAD, hash, otherType]) {
    const signature = sign("sha256", bytes, KEYS.privateKey);
    const bundle = bundleBy(KEYS.publicKey, PAYLOAD, signature);
    assertRefused(await verified(bundle, KEYS.publicKey), "SIGNATURE_INVALID");
  }
});

test("keyVerifier() refuses ECDSA signatures in the raw form of r and s", async () => {
  const { sign } = await import("node:crypto");
  const signature = sign("sha256", preAuthentication(PAYLOAD), {
    key: KEYS.privateKey,
    dsaEncoding: "ieee-p1363",
  });
  assert.equal(signature.length, 64);
  assertRefused(
    await verified(bundleBy(KEYS.publicKey, PAYLOAD, signature), KEYS.publicKey),
    "SIGNATURE_INVALID",
  );
});

test("keyVerifier() accepts Ed25519 in both variants, and no others", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const { d } = privateKey.export({ format: "jwk" });
  const seed = Buffer.from(d!, "base64url");
  const pae = preAuthentication(PAYLOAD);
  assertAccepted(
    await verified(signedBundle(PAYLOAD, { privateKey, publicKey }), publicKey),
    publicKey,
  );

  const prehashed = ed25519ph.sign(pae, seed);
  assertAccepted(await verified(bundleBy(publicKey, PAYLOAD, prehashed), publicKey), publicKey);
  for (
    const wrong of [
      ed25519ph.sign(pae, seed, { context: Buffer.from("context") }),
      ed25519ph.sign(PAYLOAD, seed),
      ed25519ph.sign(pae, Buffer.alloc(32, 7)),
      prehashed.map((byte, index) => index === 40 ? byte ^ 1 : byte),
      prehashed.subarray(1),
      new Uint8Array(64),
    ]
  ) {
    assertRefused(
      await verified(bundleBy(publicKey, PAYLOAD, wrong), publicKey),
      "SIGNATURE_INVALID",
    );
  }
});

test("keyVerifier() refuses keys that the format does not sign with", async () => {
  for (const type of ["RSA 1024", "X25519"]) {
    const publicKey = createPublicKey(opensslKey(type));
    assertRefused(await verified(bundleBy(publicKey, PAYLOAD, PAYLOAD), publicKey), "KEY_REFUSED");
    // A usable key beside it is still used.
    const bundle = signedBundle(PAYLOAD, KEYS);
    assertAccepted(await verified(bundle, publicKey, KEYS.publicKey), KEYS.publicKey);
  }
});

test("keyVerifier() repeats no more of a long hint than fits into a message", async () => {
  const bundle = signedBundle(PAYLOAD, KEYS);
  bundle.verificationMaterial.publicKey.hint = "\u202e".repeat(1024);
  const { checks } = await verified(bundle, KEYS.publicKey);
  assert.ok(checks.every(({ detail }) => detail.length < 10_000));
  assert.ok(checks.every(({ status }) => status !== "skipped"));
});
