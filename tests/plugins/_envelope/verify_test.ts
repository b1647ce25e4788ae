import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ed25519ph } from "@noble/curves/ed25519.js";
import type { Envelope } from "../../../core/bundle.ts";
import { legacyPae, pae, PAYLOAD_TYPE } from "../../../core/dsse.ts";
import { signBytes } from "../../../core/keys.ts";
import { verifyEnvelope, verifyP521Sha256 } from "../../../plugins/_envelope/mod.ts";
import { type KeyType, Pki } from "../../support/pki.ts";

const LEGACY = Buffer.from(
  `{"predicateType":"https://model_signing/Digests/v0.1","quote":"it's","back":"\\\\"}`,
);
const CURRENT = Buffer.from(`{"predicateType":"https://model_signing/signature/v1.0"}`);

function keyPair(pki: Pki, type: KeyType): { path: string; own: KeyObject; shown: KeyObject } {
  const path = pki.key(type);
  const own = createPrivateKey(readFileSync(path));
  return { path, own, shown: createPublicKey(own) };
}

function envelope(payload: Uint8Array, signature: Uint8Array): Envelope {
  return { payloadType: PAYLOAD_TYPE, payload, signature };
}

/** A signature by OpenSSL: over the file's digest, DER for ECDSA. */
function opensslSign(pki: Pki, key: string, digest: string, bytes: Uint8Array): Uint8Array {
  const input = pki.file("input", bytes);
  const output = pki.file("output", "");
  pki.openssl(["dgst", `-${digest}`, "-sign", key, "-out", output, input]);
  return new Uint8Array(readFileSync(output));
}

for (const type of ["P-256", "P-384", "P-521", "RSA-2048", "Ed25519"] as const) {
  test(`verifyEnvelope() takes the standard encoding with ${type}`, async () => {
    using pki = new Pki();
    const { own, shown } = keyPair(pki, type);
    const good = envelope(CURRENT, signBytes(own, pae(PAYLOAD_TYPE, CURRENT)));
    assert.equal(await verifyEnvelope(good, shown), "standard");
    assert.equal(await verifyEnvelope({ ...good, payload: LEGACY }, shown), undefined);
    assert.equal(await verifyEnvelope(good, keyPair(pki, type).shown), undefined);
    assert.equal(await verifyEnvelope(envelope(CURRENT, new Uint8Array()), shown), undefined);
  });
}

for (const type of ["P-256", "P-384", "P-521"] as const) {
  test(`verifyEnvelope() takes the legacy encoding with ${type} and SHA-256`, async () => {
    using pki = new Pki();
    const { path, shown } = keyPair(pki, type);
    const signed = (payload: Uint8Array, digest = "sha256") =>
      envelope(payload, opensslSign(pki, path, digest, legacyPae(PAYLOAD_TYPE, payload)));
    assert.equal(await verifyEnvelope(signed(LEGACY), shown), "legacy");
    assert.equal(await verifyEnvelope({ ...signed(LEGACY), payload: CURRENT }, shown), undefined);
    // Of another predicate type: the encoding belongs to one only.
    assert.equal(await verifyEnvelope(signed(CURRENT), shown), undefined);
    if (type !== "P-256") {
      assert.equal(await verifyEnvelope(signed(LEGACY, "sha512"), shown), undefined);
    }
  });
}

test("verifyEnvelope() takes the legacy encoding with EC keys only", async () => {
  using pki = new Pki();
  const { own, shown } = keyPair(pki, "RSA-2048");
  const legacy = envelope(LEGACY, sign("sha256", legacyPae(PAYLOAD_TYPE, LEGACY), own));
  assert.equal(await verifyEnvelope(legacy, shown), undefined);
});

test("verifyEnvelope() takes Ed25519ph over the standard encoding", async () => {
  using pki = new Pki();
  const { own, shown } = keyPair(pki, "Ed25519");
  const seed = Buffer.from(own.export({ format: "jwk" }).d!, "base64url");
  const good = envelope(CURRENT, ed25519ph.sign(pae(PAYLOAD_TYPE, CURRENT), seed));
  assert.equal(await verifyEnvelope(good, shown), "standard");
  assert.equal(await verifyEnvelope({ ...good, payload: LEGACY }, shown), undefined);
  const changed = Uint8Array.from(good.signature);
  changed[40]! ^= 1;
  assert.equal(await verifyEnvelope(envelope(CURRENT, changed), shown), undefined);
  assert.equal(await verifyEnvelope(good, keyPair(pki, "Ed25519").shown), undefined);
});

test("verifyP521Sha256() agrees with OpenSSL, many times", async () => {
  using pki = new Pki();
  for (let count = 0; count < 4; count++) {
    // A new key each time: coordinates and signature parts with leading zeros come up.
    const { path, shown } = keyPair(pki, "P-521");
    const bytes = Buffer.from(`message ${count}`);
    const signature = opensslSign(pki, path, "sha256", bytes);
    assert.ok(await verifyP521Sha256(shown, bytes, signature));
    assert.ok(!await verifyP521Sha256(shown, Buffer.from("other"), signature));
    assert.ok(!await verifyP521Sha256(shown, bytes, signature.subarray(0, -1)));
    assert.ok(!await verifyP521Sha256(shown, bytes, Uint8Array.of(...signature, 0)));
  }
});
