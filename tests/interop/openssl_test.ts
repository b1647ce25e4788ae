/** `openssl` checks the raw signature, over an encoding that is put together here from the DSSE specification. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertStatus } from "../support/outcome.ts";
import { type KeyType, Pki } from "../support/pki.ts";
import { type RawEnvelope, rawEnvelope } from "./payload.ts";
import { ROUGH_TREE, writeTree } from "./sample_model.ts";

/** What OMS 5 says about each key type, in `openssl`'s words. */
const CASES: readonly { readonly key: KeyType; readonly digest?: string }[] = [
  { key: "P-256", digest: "sha256" },
  { key: "P-384", digest: "sha384" },
  { key: "P-521", digest: "sha512" },
  { key: "RSA-2048", digest: "sha256" },
  { key: "RSA-3072", digest: "sha256" },
  { key: "Ed25519" },
];

/** DSSE protocol.md: `DSSEv1 SP LEN(type) SP type SP LEN(body) SP body`. */
function preAuthenticationEncoding({ payload, payloadType }: RawEnvelope): Uint8Array {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, "utf8"), payload]);
}

function opensslAccepts(
  pki: Pki,
  publicKey: string,
  digest: string | undefined,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const files = [pki.file("message", message), pki.file("signature", signature)] as const;
  return digest === undefined
    ? pki.accepts([
      ...["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", publicKey],
      ...["-in", files[0], "-sigfile", files[1]],
    ])
    : pki.accepts(["dgst", `-${digest}`, "-verify", publicKey, "-signature", files[1], files[0]]);
}

function checkSignature(
  pki: Pki,
  signature: string,
  publicKey: string,
  digest: string | undefined,
): void {
  const envelope = rawEnvelope(signature);
  const message = preAuthenticationEncoding(envelope);
  assert.ok(opensslAccepts(pki, publicKey, digest, message, envelope.signature));
  // The oracle must be able to say no.
  message[message.length - 1]! ^= 1;
  assert.ok(!opensslAccepts(pki, publicKey, digest, message, envelope.signature));
}

for (const { key: type, digest } of CASES) {
  test(`openssl accepts the signature of sign key with ${type}`, async () => {
    using pki = new Pki();
    const model = writeTree(join(pki.directory, "model"), ROUGH_TREE);
    const [key, signature] = [pki.key(type), join(pki.directory, "model.sig")];
    const publicKey = `${key}.pub`;
    pki.openssl(["pkey", "-in", key, "-pubout", "-out", publicKey]);
    const args = ["sign", "key", model, "--private-key", key, "--signature", signature];
    assertStatus(await cli(args), 0, "sign");
    checkSignature(pki, signature, publicKey, digest);
  });

  test(`openssl accepts the signature of sign certificate with ${type}`, async () => {
    using pki = new Pki();
    const model = writeTree(join(pki.directory, "model"), ROUGH_TREE);
    const signature = join(pki.directory, "model.sig");
    const leaf = pki.leaf(pki.root(), { key: type });
    const publicKey = join(pki.directory, "leaf.pub");
    writeFileSync(publicKey, pki.openssl(["x509", "-in", leaf.certificate, "-noout", "-pubkey"]));
    const args = ["sign", "certificate", model, "--private-key", leaf.key];
    args.push("--signing-certificate", leaf.certificate, "--signature", signature);
    assertStatus(await cli(args), 0, "sign");
    checkSignature(pki, signature, publicKey, digest);
  });
}
