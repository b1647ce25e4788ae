import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { test } from "node:test";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { signBytes } from "../../../core/keys.ts";
import { envelopeContent, type SignedContent } from "../../../plugins/sigstore/content.ts";
import { type KeyPair, PAYLOAD_TYPE, preAuthentication } from "../../support/bundles.ts";
import { ACCEPTED_TYPES, opensslKey } from "../../support/openssl.ts";

const MESSAGE = Buffer.from("any bytes, not only statements");

function keyPair(type: string): KeyPair {
  const privateKey = createPrivateKey(opensslKey(type));
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Bytes with one bit changed. */
function other(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => index === bytes.length - 1 ? byte ^ 1 : byte);
}

async function holds(content: SignedContent, { publicKey }: KeyPair): Promise<boolean> {
  return await content.isSignedBy(publicKey);
}

test("envelopeContent() is over the encoding of payload and type, by every kind of key", async () => {
  for (const type of ACCEPTED_TYPES) {
    const pair = keyPair(type);
    const signature = signBytes(pair.privateKey, preAuthentication(MESSAGE));
    const right = { payloadType: PAYLOAD_TYPE, payload: MESSAGE, signature };
    assert.ok(await holds(envelopeContent(right), pair), type);
    for (
      const wrong of [
        { payload: other(MESSAGE) },
        { payloadType: "text/plain" },
        { signature: other(signature) },
        { signature: new Uint8Array() },
        { signature: signBytes(pair.privateKey, MESSAGE) },
      ]
    ) assert.ok(!await holds(envelopeContent({ ...right, ...wrong }), pair), type);
  }
});

test("envelopeContent() gives digests of what was signed and of the payload, each made once", () => {
  const content = envelopeContent({
    ...{ payloadType: PAYLOAD_TYPE, payload: MESSAGE, signature: MESSAGE },
  });
  for (const name of ["sha256", "sha384", "sha512"] as const) {
    for (
      const [found, again, bytes] of [
        [content.digest(name), content.digest(name), preAuthentication(MESSAGE)],
        [content.payloadDigest(name), content.payloadDigest(name), MESSAGE],
      ] as const
    ) {
      assert.deepEqual(Buffer.from(found!), createHash(name).update(bytes).digest());
      assert.equal(again, found);
    }
  }
});

test("envelopeContent() is not signed by another kind of key, nor by Ed25519ph", async () => {
  const envelope = { payloadType: PAYLOAD_TYPE, payload: MESSAGE };
  const encoded = preAuthentication(MESSAGE);
  const signature = signBytes(keyPair("EC P-256").privateKey, encoded);
  for (const type of ACCEPTED_TYPES) {
    if (type === "EC P-256") continue;
    assert.ok(!await holds(envelopeContent({ ...envelope, signature }), keyPair(type)), type);
  }
  const pair = keyPair("Ed25519");
  const secret = Buffer.from(pair.privateKey.export({ format: "jwk" }).d!, "base64url");
  const prehashed = envelopeContent({ ...envelope, signature: ed25519ph.sign(encoded, secret) });
  assert.ok(!await holds(prehashed, pair));
});
