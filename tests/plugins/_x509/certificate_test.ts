import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { ModelSigningError } from "../../../core/errors.ts";
import {
  certificateInfo,
  certificateName,
  parseCertificate,
  readCertificates,
  splitTrust,
} from "../../../plugins/_x509/mod.ts";
import { CA_EXTENSIONS, derOf, LEAF_EXTENSIONS, Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ModelSigningError && error.code === code;
}

test("certificateInfo() says what OpenSSL says", () => {
  using pki = new Pki();
  const root = pki.root({ subject: "/O=Example/CN=root" });
  const leaf = pki.leaf(root, {
    subject: "/O=Example/CN=signer",
    key: "P-384",
    extensions: [
      ...LEAF_EXTENSIONS,
      "subjectAltName=email:a@b.org,URI:https://b.org/x,DNS:b.org,IP:192.0.2.1,IP:2001:db8::1," +
      "RID:1.2.3,otherName:1.3.6.1.4.1.57264.1.7;UTF8:x,dirName:dir",
      "[dir]",
      "O=Dir",
      "CN=Name",
    ],
  });
  const field = (name: string, ...options: readonly string[]) =>
    pki.openssl(["x509", "-in", leaf.certificate, "-noout", `-${name}`, ...options])
      .split("\n")[0]!.replace(/^[^=]*=/, "");
  const iso = (text: string) => new Date(text).toISOString().replace(".000", "");
  assert.deepEqual(certificateInfo(load(leaf)), {
    subject: "CN=signer,O=Example",
    issuer: "CN=root,O=Example",
    serial: field("serial").toLowerCase(),
    notBefore: iso(field("startdate")),
    notAfter: iso(field("enddate")),
    subjectAlternativeNames: [
      "email:a@b.org",
      "uri:https://b.org/x",
      "dns:b.org",
      "ip:192.0.2.1",
      "ip:2001:db8::1",
      "registeredID:1.2.3",
      "otherName:1.3.6.1.4.1.57264.1.7",
      "directory:CN=Name,O=Dir",
    ],
    fingerprint: field("fingerprint", "-sha256").replaceAll(":", "").toLowerCase(),
    publicKey: "EC P-384",
  });
});

for (
  const [key, name] of [
    ["P-256", "EC P-256"],
    ["P-521", "EC P-521"],
    ["RSA-3072", "RSA 3072"],
    ["RSA-PSS", "RSA-PSS 2048"],
    ["Ed25519", "Ed25519"],
    ["RSA-1024", "an RSA key of 1024 bits"],
    ["secp256k1", "an EC key on the curve secp256k1"],
    ["brainpoolP256r1", "an EC key on the curve brainpoolP256r1"],
    ["Ed448", "an Ed448 key"],
  ] as const
) {
  test(`certificateInfo() names ${key} keys`, () => {
    using pki = new Pki();
    assert.equal(certificateInfo(load(pki.root({ key }))).publicKey, name);
  });
}

test("certificateName() falls back to an alternative name, and escapes", () => {
  using pki = new Pki();
  const root = pki.root({ subject: "/CN=a\u001b[31mb" });
  assert.equal(certificateName(load(root)), '"CN=a\\u{1b}[31mb"');
  const nameless = pki.leaf(root, {
    subject: "/",
    extensions: [...LEAF_EXTENSIONS, "subjectAltName=critical,email:a@b.org"],
  });
  assert.equal(certificateName(load(nameless)), '"email:a@b.org"');
});

test("parseCertificate() refuses an extension that comes twice", () => {
  using pki = new Pki();
  const id = "1.2.3.4.5.6.7.8";
  const root = pki.root({
    extensions: [...CA_EXTENSIONS, `${id}=ASN1:NULL`, "1.2.3.4.5.6.7.9=ASN1:NULL"],
  });
  const der = Buffer.from(derOf(root.certificate));
  // Both identifiers differ in their last byte: the second becomes the first. The signature does not
  // matter to the parser.
  const at = der.indexOf(Buffer.from("2a030405060709", "hex"));
  assert.ok(at > 0);
  assert.ok(parseCertificate(der).ok);
  der[at + 6] = 8;
  const result = parseCertificate(der);
  assert.equal(result.ok ? "ok" : result.issue.code, "CERTIFICATE_MALFORMED");
});

test("parseCertificate() refuses trailing data and cut data", () => {
  using pki = new Pki();
  const der = derOf(pki.root().certificate);
  assert.ok(!parseCertificate(Uint8Array.of(...der, 0)).ok);
  for (let length = 0; length < der.length; length += 7) {
    assert.ok(!parseCertificate(der.subarray(0, length)).ok);
  }
});

test("parseCertificate() never throws for what it is given", () => {
  using pki = new Pki();
  const root = pki.root({ extensions: [...CA_EXTENSIONS, "nameConstraints=permitted;DNS:b.org"] });
  const good = derOf(root.certificate);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const der = Uint8Array.from(good);
        for (const [index, byte] of changes) der[index] = byte;
        const result = parseCertificate(der);
        if (result.ok) certificateInfo(result.value);
        else assert.equal(result.issue.code, "CERTIFICATE_MALFORMED");
      },
    ),
    { numRuns: 500 },
  );
});

test("readCertificates() reads bundles with text between, and DER", () => {
  using pki = new Pki();
  const [first, second] = [pki.root(), pki.root()];
  const read = (issued: { certificate: string }) => readFileSync(issued.certificate, "utf8");
  const text = `subject=first\r\n${read(first).replaceAll("\n", "\r\n")}\nnoise\n${
    read(second)
  }tail`;
  const key = readFileSync(first.key, "utf8");
  const found = readCertificates(Buffer.from(key + text), "bundle.pem");
  const fingerprints = found.map(({ fingerprint }) => fingerprint);
  assert.deepEqual(fingerprints, [load(first).fingerprint, load(second).fingerprint]);
  const [only] = readCertificates(derOf(second.certificate), "cert.der");
  assert.equal(only?.fingerprint, load(second).fingerprint);
});

test("readCertificates() refuses files without a certificate", () => {
  using pki = new Pki();
  const key = readFileSync(pki.key());
  const broken = "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n";
  for (const content of [key, Buffer.from(""), Buffer.from("text"), Buffer.from(broken)]) {
    assert.throws(() => readCertificates(content, "x"), coded("CERTIFICATE_FILE_MALFORMED"));
  }
});

test("splitTrust() takes certificates signed with their own key for anchors, and no others", async () => {
  using pki = new Pki();
  const root = pki.root({ subject: "/CN=same" });
  const sameName = pki.intermediate(root, { subject: "/CN=same" });
  const sha1 = pki.root({ key: "RSA-2048", digest: "sha1" });
  const pss = pki.root({ key: "RSA-PSS" });
  const all = [sameName, root, sha1, pss].map(load);
  const { anchors, intermediates } = await splitTrust(all);
  assert.deepEqual(anchors, all.slice(1));
  assert.deepEqual(intermediates, all.slice(0, 1));
});

test("splitTrust() refuses certificates none of which is self-signed", async () => {
  using pki = new Pki();
  const ca = load(pki.intermediate(pki.root()));
  await assert.rejects(splitTrust([ca]), coded("TRUST_ANCHOR_MISSING"));
  await assert.rejects(splitTrust([]), coded("TRUST_ANCHOR_MISSING"));
});

test("splitTrust() tells a root whose key is refused from a certificate that is none", async () => {
  using pki = new Pki();
  for (const key of ["RSA-1024", "secp256k1"] as const) {
    const weak = load(pki.root({ key }));
    await assert.rejects(splitTrust([weak]), coded("KEY_UNSUPPORTED"));
    const root = load(pki.root());
    assert.deepEqual(await splitTrust([weak, root]), { anchors: [root], intermediates: [weak] });
  }
});

test("parseCertificate() refuses a name of another kind with anything behind its value", () => {
  using pki = new Pki();
  // [0] { OBJECT IDENTIFIER 1.2.3, [0] { UTF8String "x" } }, and NULL behind it.
  const [right, more] = ["a00906022a03a0030c0178", "a00b06022a03a0030c01780500"];
  for (const [name, holds] of [[right, true], [more, false]] as const) {
    const sequence = `30${(name.length / 2).toString(16).padStart(2, "0")}${name}`;
    const extension = `2.5.29.17=DER:${sequence}`;
    const issued = pki.root({ extensions: [...CA_EXTENSIONS, extension] });
    assert.equal(parseCertificate(derOf(issued.certificate)).ok, holds, name);
  }
});
