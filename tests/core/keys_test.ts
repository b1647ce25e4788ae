import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  keyAlgorithm,
  keyHint,
  publicKeyDer,
  publicKeyFromDer,
  signBytes,
  verifyBytes,
} from "../../core/keys.ts";
import { preAuthentication, sha256 } from "../support/bundles.ts";
import {
  ACCEPTED_TYPES,
  openssl,
  opensslAccepts,
  opensslKey,
  opensslPublicKey,
} from "../support/openssl.ts";

const PAE = preAuthentication(Buffer.from('{"any":"payload"}'));

const DIGESTS: Readonly<Record<string, string>> = {
  "EC P-384": "-sha384",
  "EC P-521": "-sha512",
};

/** Runs `use` with files of these contents; gives their paths. */
function withFiles<T>(contents: readonly (string | Uint8Array)[], use: (paths: string[]) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  try {
    return use(contents.map((content, index) => {
      const path = join(folder, `${index}`);
      writeFileSync(path, content);
      return path;
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function opensslVerifies(
  type: string,
  publicKey: string,
  bytes: Uint8Array,
  signature: Uint8Array,
) {
  return withFiles([publicKey, bytes, signature], ([key, data, sig]) =>
    opensslAccepts(
      type === "Ed25519"
        ? ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key!, "-in", data!, "-sigfile", sig!]
        : ["dgst", DIGESTS[type] ?? "-sha256", "-verify", key!, "-signature", sig!, data!],
    ));
}

function opensslSigns(type: string, privateKey: string, bytes: Uint8Array): Uint8Array {
  return withFiles([privateKey, bytes, ""], ([key, data, signature]) => {
    openssl(
      type === "Ed25519"
        ? ["pkeyutl", "-sign", "-rawin", "-inkey", key!, "-in", data!, "-out", signature!]
        : ["dgst", DIGESTS[type] ?? "-sha256", "-sign", key!, "-out", signature!, data!],
    );
    return readFileSync(signature!);
  });
}

for (const type of ACCEPTED_TYPES) {
  const pem = opensslKey(type);
  const publicPem = opensslPublicKey(pem);

  test(`signBytes() makes signatures that openssl accepts: ${type}`, () => {
    const signature = signBytes(createPrivateKey(pem), PAE);
    assert.ok(opensslVerifies(type, publicPem, PAE, signature));
    assert.ok(!opensslVerifies(type, publicPem, Buffer.concat([PAE, PAE]), signature));
  });

  test(`verifyBytes() accepts openssl's signatures, and no others: ${type}`, () => {
    const publicKey = createPublicKey(publicPem);
    const signature = opensslSigns(type, pem, PAE);
    assert.ok(verifyBytes(publicKey, PAE, signature));
    assert.ok(!verifyBytes(publicKey, PAE.subarray(1), signature));
    for (let index = 0; index < signature.length; index += 7) {
      const flipped = Uint8Array.from(signature);
      flipped[index]! ^= 1;
      assert.ok(!verifyBytes(publicKey, PAE, flipped), `byte ${index}`);
    }
    for (
      const garbage of [
        new Uint8Array(),
        new Uint8Array(signature.length),
        signature.subarray(1),
        signature.subarray(0, -1),
        Buffer.concat([signature, Buffer.of(0)]),
        new Uint8Array(16_384).fill(0x30),
        Buffer.from("3006020100020100", "hex"), // r = s = 0
        Buffer.from("3006020101020101", "hex"),
      ]
    ) assert.ok(!verifyBytes(publicKey, PAE, garbage));
  });

  test(`keyAlgorithm() names ${type}, private and public`, () => {
    for (const key of [createPrivateKey(pem), createPublicKey(publicPem)]) {
      const found = keyAlgorithm(key);
      assert.ok("algorithm" in found);
      assert.equal(found.algorithm.name, type);
    }
  });

  test(`keyHint() is the SHA-256 of what openssl prints: ${type}`, () => {
    assert.equal(keyHint(createPrivateKey(pem)), sha256(publicPem));
    assert.equal(keyHint(createPublicKey(publicPem)), sha256(publicPem));
  });

  test(`publicKeyDer() gives what publicKeyFromDer() takes and openssl writes: ${type}`, () => {
    const der = publicKeyDer(createPrivateKey(pem));
    assert.deepEqual(
      Buffer.from(der),
      openssl(["pkey", "-pubin", "-outform", "DER"], publicPem),
    );
    assert.equal(keyHint(publicKeyFromDer(der)), sha256(publicPem));
  });
}

test("keyAlgorithm() refuses other keys by name, and they neither sign nor verify", () => {
  for (
    const [type, name] of [
      ["RSA 1024", /RSA.*1024/],
      ["RSA 2047", /RSA.*2047/],
      ["X25519", /x25519/],
    ] as const
  ) {
    const key = createPrivateKey(opensslKey(type));
    const found = keyAlgorithm(key);
    assert.ok("refused" in found);
    assert.match(found.refused, name);
    assert.throws(() => signBytes(key, PAE), TypeError);
    assert.equal(verifyBytes(createPublicKey(key as KeyObject), PAE, new Uint8Array(128)), false);
  }
});

test("verifyBytes() does not accept a signature by a short RSA key that holds", () => {
  const pem = opensslKey("RSA 1024");
  const signature = opensslSigns("RSA 1024", pem, PAE);
  assert.ok(opensslVerifies("RSA 1024", opensslPublicKey(pem), PAE, signature));
  assert.equal(verifyBytes(createPublicKey(pem), PAE, signature), false);
});

test("verifyBytes() does not accept RSA-PSS in place of PKCS#1 v1.5, nor another digest", () => {
  const pem = opensslKey("RSA 2048");
  const others = [
    ["-sha256", "-sigopt", "rsa_padding_mode:pss"],
    ["-sha512"],
    ["-sha1"],
  ];
  for (const options of others) {
    const signature = withFiles([pem, PAE, ""], ([key, data, out]) => {
      openssl(["dgst", ...options, "-sign", key!, "-out", out!, data!]);
      return readFileSync(out!);
    });
    assert.equal(verifyBytes(createPublicKey(pem), PAE, signature), false);
  }
});

test("verifyBytes() takes the digest from the curve, not SHA-256 for all", () => {
  for (const type of ["EC P-384", "EC P-521"]) {
    const pem = opensslKey(type);
    const signature = opensslSigns("EC P-256", pem, PAE);
    assert.equal(verifyBytes(createPublicKey(pem), PAE, signature), false);
  }
});

test("keyAlgorithm() refuses Ed25519 keys of small order, for which anything is signed", () => {
  const points = [
    "00".repeat(32),
    `${"00".repeat(31)}80`,
    `01${"00".repeat(31)}`,
    `01${"00".repeat(30)}80`,
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}ff`,
    `ee${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}ff`,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  ];
  // R is the neutral element and S zero.
  const signature = Buffer.from(`01${"00".repeat(63)}`, "hex");
  for (const point of points) {
    const key = publicKeyFromDer(Buffer.from(`302a300506032b6570032100${point}`, "hex"));
    assert.ok("refused" in keyAlgorithm(key), point);
    assert.equal(verifyBytes(key, PAE, signature), false, point);
  }
});
