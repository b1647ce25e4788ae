import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, generateKeyPairSync, privateEncrypt, sign } from "node:crypto";
import { test } from "node:test";
import { keyAlgorithm, verifyBytes } from "../../../core/keys.ts";
import { type Mechanism, mechanismsFor } from "../../../plugins/pkcs11/mechanism.ts";

const BYTES = Buffer.from("what is signed");

function forKey(key: Parameters<typeof keyAlgorithm>[0]): readonly Mechanism[] {
  const found = keyAlgorithm(key);
  assert.ok("algorithm" in found);
  return mechanismsFor(found.algorithm);
}

test("mechanismsFor() gives RSA tokens a DigestInfo, which they only pad and encrypt", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [raw, hashing] = forKey(publicKey);
  const key = { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
  const signature = privateEncrypt(key, raw!.input(BYTES));
  assert.ok(verifyBytes(publicKey, BYTES, raw!.output(signature)));
  assert.deepEqual([raw!.type, hashing!.type], [0x1n, 0x40n]);
  assert.equal(hashing!.input(BYTES), BYTES);
});

for (
  const [namedCurve, digest, hashed] of [
    ["P-256", "sha256", 0x1044n],
    ["P-384", "sha384", 0x1045n],
    ["P-521", "sha512", 0x1046n],
  ] as const
) {
  test(`mechanismsFor() makes DER of a token's ${namedCurve} signature, whatever its leading bits`, () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    const [raw, hashing] = forKey(publicKey);
    assert.deepEqual([raw!.type, hashing!.type], [0x1041n, hashed]);
    assert.equal(raw!.input(BYTES).length, { sha256: 32, sha384: 48, sha512: 64 }[digest]);
    const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
    for (let count = 0; count < 32; count++) {
      const signature = sign(digest, BYTES, key);
      assert.ok(verifyBytes(publicKey, BYTES, raw!.output(signature)));
    }
  });
}

test("mechanismsFor() writes r and s of zero and of all ones as DER demands", () => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [{ output } = assert.fail()] = forKey(publicKey);
  const signature = Buffer.concat([Buffer.alloc(32), Buffer.alloc(32, 0xff)]);
  assert.equal(
    Buffer.from(output(signature)).toString("hex"),
    `3026020100022100${"ff".repeat(32)}`,
  );
});

test("mechanismsFor() gives Ed25519 tokens the bytes themselves", () => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const [only, ...others] = forKey(publicKey);
  assert.deepEqual([only!.type, others.length], [0x1057n, 0]);
  assert.equal(only!.input(BYTES), BYTES);
});
