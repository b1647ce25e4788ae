import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { test } from "node:test";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { signBytes } from "../../core/keys.ts";
import type { SignedContent } from "../../plugins/sigstore/content.ts";
import type { KeyPair } from "../support/bundles.ts";
import { ACCEPTED_TYPES, opensslKey } from "../support/openssl.ts";
import { digestContent, messageContent } from "../support/sigstore_message.ts";

const MESSAGE = Buffer.from("any bytes, not only statements");

function keyPair(type: string): KeyPair {
  const privateKey = createPrivateKey(opensslKey(type));
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

/** Bytes with one bit changed. */
function other(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => index === bytes.length - 1 ? byte ^ 1 : byte);
}

async function holds(content: SignedContent, { publicKey }: KeyPair): Promise<boolean> {
  return await content.isSignedBy(publicKey);
}

test("messageContent() is over the bytes as they are, by every kind of key", async () => {
  for (const type of ACCEPTED_TYPES) {
    const pair = keyPair(type);
    const signature = signBytes(pair.privateKey, MESSAGE);
    const content = messageContent(MESSAGE, signature);
    assert.ok(await holds(content, pair), type);
    assert.equal(content.payloadDigest("sha256"), undefined);
    assert.deepEqual(Buffer.from(content.digest("sha256")!), sha256(MESSAGE));
    assert.ok(!await holds(messageContent(other(MESSAGE), signature), pair), type);
    assert.ok(!await holds(messageContent(MESSAGE, other(signature)), pair), type);
    assert.ok(!await holds(messageContent(MESSAGE, new Uint8Array()), pair), type);
  }
});

test("messageContent() takes Ed25519ph, which logs of hashes ask for", async () => {
  const pair = keyPair("Ed25519");
  const secret = Buffer.from(pair.privateKey.export({ format: "jwk" }).d!, "base64url");
  const signature = ed25519ph.sign(MESSAGE, secret);
  assert.ok(await holds(messageContent(MESSAGE, signature), pair));
  assert.ok(!await holds(messageContent(other(MESSAGE), signature), pair));
});

test("digestContent() verifies by the digest alone what is made over SHA-256", async () => {
  for (const type of ACCEPTED_TYPES) {
    const pair = keyPair(type);
    const signature = signBytes(pair.privateKey, MESSAGE);
    // The others hash with something else, or by themselves.
    const expected = type === "EC P-256" || type.startsWith("RSA");
    assert.equal(await holds(digestContent(sha256(MESSAGE), signature), pair), expected, type);
    assert.ok(!await holds(digestContent(sha256(other(MESSAGE)), signature), pair), type);
    assert.ok(!await holds(digestContent(sha256(MESSAGE), other(signature)), pair), type);
    assert.ok(!await holds(digestContent(sha256(MESSAGE), new Uint8Array()), pair), type);
  }
});

test("digestContent() refuses RSA signatures over other digests, with other padding, by short keys", async () => {
  const pair = keyPair("RSA 2048");
  const key = pair.privateKey;
  const signatures = [
    sign("sha512", MESSAGE, key),
    sign("sha1", MESSAGE, key),
    sign("sha256", MESSAGE, { key, padding: constants.RSA_PKCS1_PSS_PADDING }),
  ];
  for (const signature of signatures) {
    assert.ok(!await holds(digestContent(sha256(MESSAGE), signature), pair));
  }
  const short = keyPair("RSA 1024");
  const signature = sign("sha256", MESSAGE, short.privateKey);
  assert.ok(!await holds(digestContent(sha256(MESSAGE), signature), short));
  assert.ok(!await holds(messageContent(MESSAGE, signature), short));
});

test("digestContent() refuses signatures over SHA-256 by keys that go with another digest", async () => {
  const pair = keyPair("EC P-384");
  const signature = sign("sha256", MESSAGE, pair.privateKey);
  assert.ok(!await holds(digestContent(sha256(MESSAGE), signature), pair));
  assert.ok(!await holds(messageContent(MESSAGE, signature), pair));
});

test("digestContent() knows no other digest than SHA-256, and no payload", () => {
  const content = digestContent(sha256(MESSAGE), MESSAGE);
  assert.deepEqual(content.digest("sha256"), sha256(MESSAGE));
  assert.equal(content.digest("sha384"), undefined);
  assert.equal(content.digest("sha512"), undefined);
  assert.equal(content.payloadDigest("sha256"), undefined);
});

test("SignedContent refuses keys of another kind than the signature's", async () => {
  const signature = signBytes(keyPair("EC P-256").privateKey, MESSAGE);
  for (const type of ACCEPTED_TYPES) {
    if (type === "EC P-256") continue;
    const pair = keyPair(type);
    assert.ok(!await holds(messageContent(MESSAGE, signature), pair), type);
    assert.ok(!await holds(digestContent(sha256(MESSAGE), signature), pair), type);
  }
});
