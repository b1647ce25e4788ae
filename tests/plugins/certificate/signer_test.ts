import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { signerContract } from "../../../core/contract/signer.ts";
import { ModelSigningError } from "../../../core/errors.ts";
import type { Signer } from "../../../core/signer.ts";
import { certificateSigner } from "../../../plugins/certificate/mod.ts";
import { derOf, type Issued, type KeyType, Pki } from "../../support/pki.ts";

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ModelSigningError && error.code === code;
}

async function open(leaf: Issued, chain: readonly Issued[] = []): Promise<Signer> {
  return await certificateSigner({
    privateKey: createPrivateKey(readFileSync(leaf.key)),
    certificate: readFileSync(leaf.certificate),
    chain: chain.map(({ certificate }) => readFileSync(certificate)),
  });
}

/** The certificates that a signer writes, as base64. */
async function written(signer: Signer): Promise<readonly string[]> {
  const { material } = await signer.sign(Buffer.from("x"), {});
  assert.equal(material.kind, "certificate-chain");
  return "certificates" in material ? material.certificates.map(base64) : [];
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function ders(issued: readonly Issued[]): readonly string[] {
  return issued.map(({ certificate }) => base64(derOf(certificate)));
}

const KEYS: readonly KeyType[] = ["P-256", "P-384", "P-521", "RSA-2048", "Ed25519"];

for (const key of KEYS) {
  const names = signerContract(() => Promise.reject()).map(({ name }) => name);
  test(`certificateSigner() with ${key}: the contract (${names.length} cases)`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const leaf = pki.leaf(root, { key });
    for (const { name, run } of signerContract(() => open(leaf, [root]))) {
      await assert.doesNotReject(run(), name);
    }
  });
}

test("sign() writes the leaf first, then the chain upwards, whatever the order", async () => {
  using pki = new Pki();
  const root = pki.root();
  const first = pki.intermediate(root);
  const second = pki.intermediate(first);
  const leaf = pki.leaf(second);
  const expected = ders([leaf, second, first]);
  assert.deepEqual(await written(await open(leaf)), expected.slice(0, 1));
  for (const chain of [[first, second], [second, first], [leaf, first, second, first]]) {
    assert.deepEqual(await written(await open(leaf, chain)), expected);
  }
  const withRoot = await open(leaf, [root, second, first]);
  assert.deepEqual(await written(withRoot), ders([leaf, second, first, root]));
});

test("sign() finds the leaf and its chain in one file", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const leaf = pki.leaf(ca);
  const file = pki.bundle(root.certificate, leaf.certificate, ca.certificate);
  const signer = await open({ certificate: file, key: leaf.key });
  assert.deepEqual(await written(signer), ders([leaf, ca, root]));
});

test("certificateSigner() takes DER", async () => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  const signer = await certificateSigner({
    privateKey: createPrivateKey(readFileSync(leaf.key)),
    certificate: { name: "leaf.der", bytes: derOf(leaf.certificate) },
  });
  assert.deepEqual(await written(signer), ders([leaf]));
});

for (const key of KEYS) {
  test(`certificateSigner() refuses a certificate of another ${key} key`, async () => {
    using pki = new Pki();
    const { certificate } = pki.leaf(pki.root(), { key });
    const mixed = { certificate, key: pki.key(key) };
    await assert.rejects(open(mixed), coded("KEY_CERTIFICATE_MISMATCH"));
  });
}

test("certificateSigner() refuses a chain that does not link", async () => {
  using pki = new Pki();
  const root = pki.root({ subject: "/CN=root" });
  const ca = pki.intermediate(root, { subject: "/CN=ca" });
  const leaf = pki.leaf(ca);
  const sameName = pki.intermediate(root, { subject: "/CN=ca" });
  for (const chain of [[root], [sameName], [ca, pki.root()], [ca, sameName, root]]) {
    await assert.rejects(open(leaf, chain), coded("CERTIFICATE_CHAIN_BROKEN"));
  }
});

test("certificateSigner() refuses more certificates than a bundle may hold", async () => {
  using pki = new Pki();
  const root = pki.root();
  const chain = Array.from({ length: 16 }, () => pki.intermediate(root));
  await assert.rejects(open(pki.leaf(root), chain), coded("CERTIFICATE_CHAIN_BROKEN"));
});

test("certificateSigner() refuses what no verifier would accept today", async () => {
  using pki = new Pki();
  const root = pki.root();
  const expiredCa = pki.intermediate(root, { from: -3, to: -1 });
  for (
    const [leaf, chain = []] of [
      [pki.leaf(root, { from: -3, to: -1 })],
      [pki.leaf(root, { from: 1 })],
      [pki.leaf(root, { extensions: ["extendedKeyUsage=serverAuth"] })],
      [pki.leaf(root, { extensions: [] })],
      [pki.leaf(root, { key: "RSA-1024" })],
      [pki.leaf(expiredCa), [expiredCa]],
    ] as const
  ) await assert.rejects(open(leaf, chain), coded("CERTIFICATE_UNSUITABLE"));
});

test("certificateSigner() refuses a chain through a certificate that is no CA", async () => {
  using pki = new Pki();
  const subject = "/CN=between";
  const root = pki.root();
  const good = pki.intermediate(root, { subject });
  const forged = pki.leaf(good);
  const noCa = pki.leaf(root, { subject, key: { path: good.key } });
  for (const chain of [[noCa], [noCa, root]]) {
    await assert.rejects(open(forged, chain), coded("CERTIFICATE_UNSUITABLE"));
  }
});

test("certificateSigner() refuses files that hold no certificate", async () => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  const swapped = { certificate: leaf.key, key: leaf.key };
  await assert.rejects(open(swapped), coded("CERTIFICATE_FILE_MALFORMED"));
});
