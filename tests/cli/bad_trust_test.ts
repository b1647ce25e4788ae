/** Keys and certificates that must not be signed with, or must not be believed. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertFault, assertRejected, assertStatus, type Outcome } from "../support/outcome.ts";
import {
  CA_EXTENSIONS,
  type CertificateSpec,
  derOf,
  type Issued,
  type KeyType,
  Pki,
} from "../support/pki.ts";
import { writeTree } from "../interop/sample_model.ts";

/** A model beside the keys and certificates of a test. */
function modelIn(pki: Pki): string {
  return writeTree(join(pki.directory, "model"), { "config.json": "{}", "weights/1.bin": "one" });
}

function publicKeyOf(pki: Pki, key: string): string {
  const path = `${key}.pub`;
  pki.openssl(["pkey", "-in", key, "-pubout", "-out", path]);
  return path;
}

async function sign(pki: Pki, method: string, ...flags: readonly string[]): Promise<Outcome> {
  const args = ["sign", method, modelIn(pki), "--signature", join(pki.directory, "model.sig")];
  return await cli([...args, ...flags], { cwd: pki.directory });
}

async function signWith(pki: Pki, leaf: Issued, ...chain: readonly Issued[]): Promise<Outcome> {
  return await sign(
    ...[pki, "certificate", "--private-key", leaf.key] as const,
    ...["--signing-certificate", leaf.certificate],
    ...chain.flatMap(({ certificate }) => ["--certificate-chain", certificate]),
  );
}

async function verify(pki: Pki, method: string, ...flags: readonly string[]): Promise<Outcome> {
  const model = join(pki.directory, "model");
  const signature = join(pki.directory, "model.sig");
  const args = ["verify", method, model, "--signature", signature, "--format", "json"];
  return await cli([...args, ...flags], { cwd: pki.directory });
}

async function verifyWith(pki: Pki, ...anchors: readonly Issued[]): Promise<Outcome> {
  const flags = anchors.flatMap(({ certificate }) => ["--certificate-chain", certificate]);
  return await verify(pki, "certificate", ...flags);
}

/** Asserts that signing ended with a fault and wrote nothing. */
function assertUnsigned(pki: Pki, outcome: Outcome, code: string, status = 3): void {
  assertFault(outcome, status, code);
  assert.equal(outcome.stdout, "");
  assert.ok(!existsSync(join(pki.directory, "model.sig")));
}

test("verify key rejects a key of the same and of another type", async () => {
  using pki = new Pki();
  assertStatus(await sign(pki, "key", "--private-key", pki.key("P-256")), 0, "sign");
  const others: readonly KeyType[] = ["P-256", "P-384", "P-521", "RSA-2048", "Ed25519"];
  for (const type of others) {
    const outcome = await verify(pki, "key", "--public-key", publicKeyOf(pki, pki.key(type)));
    assertRejected(outcome, ["KEY_HINT_MISMATCH", "SIGNATURE_INVALID"]);
  }
});

test("verify key rejects its own key's signature under a hint that was left and a key that was changed", async () => {
  using pki = new Pki();
  const [first, second] = [pki.key(), pki.key()];
  assertStatus(await sign(pki, "key", "--private-key", first), 0, "sign");
  const signature = join(pki.directory, "model.sig");
  const bundle = JSON.parse(readFileSync(signature, "utf8"));
  assertStatus(await sign(pki, "key", "--private-key", second), 0, "sign");
  const other = JSON.parse(readFileSync(signature, "utf8"));
  writeFileSync(
    signature,
    JSON.stringify({ ...bundle, verificationMaterial: other.verificationMaterial }),
  );
  const outcome = await verify(pki, "key", "--public-key", publicKeyOf(pki, second));
  assertRejected(outcome, ["SIGNATURE_INVALID"]);
});

for (const type of ["RSA-1024", "secp256k1", "Ed448", "RSA-PSS"] as const) {
  test(`sign key and verify key refuse a key of type ${type} by name`, async () => {
    using pki = new Pki();
    const key = pki.key(type);
    assertUnsigned(pki, await sign(pki, "key", "--private-key", key), "KEY_UNSUPPORTED");
    assertStatus(await sign(pki, "key", "--private-key", pki.key()), 0, "sign");
    const outcome = await verify(pki, "key", "--public-key", publicKeyOf(pki, key));
    assertFault(outcome, 3, "KEY_UNSUPPORTED");
  });
}

test("files that are no keys are refused in their place", async () => {
  using pki = new Pki();
  const key = pki.key();
  const publicKey = publicKeyOf(pki, key);
  const garbage = [
    pki.file("empty", ""),
    pki.file("text", "not a key"),
    pki.file("torn.pem", readFileSync(key, "utf8").slice(0, 80)),
    pki.file("random.der", crypto.getRandomValues(new Uint8Array(200))),
    publicKey,
  ];
  for (const path of garbage) {
    assertUnsigned(pki, await sign(pki, "key", "--private-key", path), "KEY_MALFORMED");
  }
  assertStatus(await sign(pki, "key", "--private-key", key), 0, "sign");
  for (const path of garbage.slice(0, -1)) {
    assertFault(await verify(pki, "key", "--public-key", path), 3, "KEY_MALFORMED");
  }
});

test("a private key given as the public one is not shown to anybody", async () => {
  using pki = new Pki();
  const key = pki.key();
  assertStatus(await sign(pki, "key", "--private-key", key), 0, "sign");
  const outcome = await verify(pki, "key", "--public-key", key);
  assert.notEqual(outcome.status, 0);
  const secret = readFileSync(key, "utf8").split("\n")[1]!;
  assert.ok(!`${outcome.stdout}${outcome.stderr}`.includes(secret));
});

test("an encrypted key without and with a wrong password are told apart", async () => {
  using pki = new Pki();
  const locked = join(pki.directory, "locked.pem");
  pki.openssl(["pkcs8", "-topk8", "-in", pki.key(), "-passout", "pass:right", "-out", locked]);
  const flags = ["--private-key", locked];
  assertUnsigned(pki, await sign(pki, "key", ...flags), "KEY_PASSWORD_MISSING");
  const wrong = await sign(pki, "key", ...flags, "--password", "wrong-password");
  assertUnsigned(pki, wrong, "KEY_PASSWORD_WRONG");
  assert.ok(!wrong.stderr.includes("wrong-password"));
  assertStatus(await sign(pki, "key", ...flags, "--password", "right"), 0, "sign");
});

test("a signature by a key is rejected by verify certificate, and the other way round", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  assertStatus(await sign(pki, "key", "--private-key", leaf.key), 0, "sign");
  const byKey = await verifyWith(pki, root);
  assertRejected(byKey, ["BUNDLE_MATERIAL"]);
  assert.match(byKey.stdout, /verify it with the method key/);
  assertStatus(await signWith(pki, leaf), 0, "sign");
  const outcome = await verify(pki, "key", "--public-key", publicKeyOf(pki, leaf.key));
  assertRejected(outcome, ["BUNDLE_MATERIAL"]);
  assert.match(outcome.stdout, /verify it with the method certificate/);
});

test("verify certificate rejects a leaf of another CA, also one of the same name", async () => {
  using pki = new Pki();
  const subject = "/CN=The CA";
  const [root, twin, other] = [pki.root({ subject }), pki.root({ subject }), pki.root()];
  assertStatus(await signWith(pki, pki.leaf(root), root), 0, "sign");
  assertStatus(await verifyWith(pki, root), 0, "verify");
  assertRejected(await verifyWith(pki, other), ["CERTIFICATE_UNTRUSTED"]);
  assertRejected(await verifyWith(pki, twin), ["CERTIFICATE_UNTRUSTED"]);
});

/** Certificates that must not sign a model. Signing is refused, and verifying what another tool signed. */
const LEAVES: Readonly<Record<string, readonly [spec: CertificateSpec, code: string]>> = {
  "that has expired": [{ from: -10, to: -1 }, "CERTIFICATE_EXPIRED"],
  "that is not valid yet": [{ from: 1, to: 10 }, "CERTIFICATE_NOT_YET_VALID"],
  "of a TLS server": [
    { extensions: ["keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth"] },
    "CERTIFICATE_USAGE",
  ],
  "whose key may only encrypt": [
    { extensions: ["keyUsage=critical,keyEncipherment", "extendedKeyUsage=codeSigning"] },
    "CERTIFICATE_USAGE",
  ],
  "without any usage": [{ extensions: ["subjectKeyIdentifier=hash"] }, "CERTIFICATE_USAGE"],
  "of a CA": [{ extensions: CA_EXTENSIONS }, "CERTIFICATE_USAGE"],
};

for (const [name, [spec, code]] of Object.entries(LEAVES)) {
  test(`verify certificate rejects a certificate ${name}`, async () => {
    using pki = new Pki();
    const root = pki.root({ from: -20 });
    // The same key in a good certificate makes the signature; the bad one is put in its place.
    const good = pki.leaf(root);
    const bad = pki.leaf(root, { ...spec, key: { path: good.key } });
    assertUnsigned(pki, await signWith(pki, bad), "CERTIFICATE_UNSUITABLE");
    assertStatus(await signWith(pki, good), 0, "sign");
    exchange(pki, 0, bad);
    assertRejected(await verifyWith(pki, root), [code]);
  });
}

/** Puts another certificate of the same key into the signature file, as a tool without checks would. */
function exchange(pki: Pki, index: number, { certificate }: Issued): void {
  const signature = join(pki.directory, "model.sig");
  const bundle = JSON.parse(readFileSync(signature, "utf8"));
  const rawBytes = Buffer.from(derOf(certificate)).toString("base64");
  bundle.verificationMaterial.x509CertificateChain.certificates[index] = { rawBytes };
  writeFileSync(signature, JSON.stringify(bundle));
}

test("verify certificate rejects a chain through a CA that has expired", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -30 });
  const subject = "/CN=intermediate";
  const good = pki.intermediate(root, { subject });
  const expired = { subject, key: { path: good.key }, from: -20, to: -1 };
  const leaf = pki.leaf(good);
  assertStatus(await signWith(pki, leaf, good), 0, "sign");
  exchange(pki, 1, pki.intermediate(root, expired));
  assertRejected(await verifyWith(pki, root), ["CERTIFICATE_EXPIRED"]);
});

test("verify certificate rejects a trust anchor that has expired", async () => {
  using pki = new Pki();
  const subject = "/CN=root";
  const good = pki.root({ subject });
  const expired = pki.root({ subject, key: { path: good.key }, from: -20, to: -1 });
  assertStatus(await signWith(pki, pki.leaf(good)), 0, "sign");
  assertStatus(await verifyWith(pki, good), 0, "verify");
  assertRejected(await verifyWith(pki, expired), ["CERTIFICATE_EXPIRED"]);
});

test("verify certificate rejects a leaf that acts as a CA", async () => {
  using pki = new Pki();
  const root = pki.root();
  const subject = "/CN=between";
  const good = pki.intermediate(root, { subject });
  const leaf = pki.leaf(root, { subject, key: { path: good.key } });
  const forged = pki.leaf(good);
  assertStatus(await signWith(pki, forged, good), 0, "sign");
  exchange(pki, 1, leaf);
  assertRejected(await verifyWith(pki, root), ["CERTIFICATE_CONSTRAINT"]);
});

test("verify certificate without a trust anchor is a usage error, and never asks the system's store", async () => {
  using pki = new Pki();
  const root = pki.root();
  const intermediate = pki.intermediate(root);
  assertStatus(await signWith(pki, pki.leaf(intermediate), intermediate), 0, "sign");
  const without = await verify(pki, "certificate");
  assertFault(without, 2, "USAGE");
  assert.match(without.stderr, /public web CA/, "says why");
  assertFault(await verifyWith(pki, intermediate), 3, "TRUST_ANCHOR_MISSING");
  const empty = pki.file("empty.pem", "");
  assertFault(
    await verify(pki, "certificate", "--certificate-chain", empty),
    3,
    "CERTIFICATE_FILE_MALFORMED",
  );
});

test("sign certificate refuses a key, a certificate and a chain that do not belong together", async () => {
  using pki = new Pki();
  const [root, other] = [pki.root(), pki.root()];
  const [leaf, stranger] = [pki.leaf(root), pki.leaf(other)];
  assertUnsigned(
    pki,
    await signWith(pki, { certificate: leaf.certificate, key: stranger.key }),
    "KEY_CERTIFICATE_MISMATCH",
  );
  assertUnsigned(pki, await signWith(pki, leaf, other), "CERTIFICATE_CHAIN_BROKEN");
  const text = pki.file("text.pem", "not a certificate");
  assertUnsigned(
    pki,
    await signWith(pki, { certificate: text, key: leaf.key }),
    "CERTIFICATE_FILE_MALFORMED",
  );
});

test("--certificate-identity rejects another name", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root, {
    subject: "/CN=release@example.org",
    extensions: [
      "keyUsage=critical,digitalSignature",
      "extendedKeyUsage=codeSigning",
      "subjectAltName=email:build@example.org",
    ],
  });
  assertStatus(await signWith(pki, leaf), 0, "sign");
  const flags = ["--certificate-chain", root.certificate, "--certificate-identity"];
  assertStatus(await verify(pki, "certificate", ...flags, "build@example.org"), 0, "verify");
  // Not a part of it, and not the common name where there is an alternative name.
  for (const name of ["build@example.or", "uild@example.org", ".*", "release@example.org"]) {
    const outcome = await verify(pki, "certificate", ...flags, name);
    assertRejected(outcome, ["CERTIFICATE_IDENTITY"]);
  }
});
