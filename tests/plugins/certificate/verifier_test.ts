import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Bundle } from "../../../core/bundle.ts";
import { type ContractCase } from "../../../core/contract/case.ts";
import { describerContract } from "../../../core/contract/describer.ts";
import { verifierContract } from "../../../core/contract/verifier.ts";
import { ModelSigningError } from "../../../core/errors.ts";
import type { LogFields } from "../../../core/logger.ts";
import type { SignatureVerification } from "../../../core/verifier.ts";
import {
  certificateDescriber,
  certificateVerifier,
  type CertificateVerifierOptions,
} from "../../../plugins/certificate/mod.ts";
import { bundleWith, signedBundle } from "../../support/certificate_bundle.ts";
import { CA_EXTENSIONS, derOf, type Issued, LEAF_EXTENSIONS, Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";

const DAY = 24 * 60 * 60 * 1000;

async function verify(
  bundle: Bundle,
  anchors: readonly Issued[],
  options: Omit<CertificateVerifierOptions, "trustAnchors"> = {},
): Promise<SignatureVerification> {
  const trustAnchors = anchors.map(({ certificate }) => readFileSync(certificate));
  const verifier = await certificateVerifier({ ...options, trustAnchors });
  return await verifier.verify(bundle, {});
}

/** Codes of failed checks by id, and the ids of those that were skipped. */
function failures({ checks }: SignatureVerification): Record<string, string> {
  return Object.fromEntries(
    checks.flatMap((check) => check.status === "failed" ? [[check.id, check.issue.code]] : []),
  );
}

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ModelSigningError && error.code === code;
}

// The suites, on an authority that is made for each case.
for (const { name } of contract(undefined)) {
  test(`certificateVerifier(): ${name}`, async () => {
    using pki = new Pki();
    await contract(pki).find((found) => found.name === name)!.run();
  });
}

function contract(pki: Pki | undefined): readonly ContractCase[] {
  const made = pki ? signed(pki) : { bundle: {} as Bundle, trustAnchors: [] };
  const { bundle, trustAnchors } = made;
  return [
    ...verifierContract({ open: () => certificateVerifier({ trustAnchors }), bundle }),
    ...describerContract({ describer: certificateDescriber, method: "certificate", bundle }),
  ];
}

function signed(pki: Pki): { readonly bundle: Bundle; readonly trustAnchors: readonly Buffer[] } {
  const root = pki.root();
  const ca = pki.intermediate(root);
  return {
    bundle: signedBundle(pki.leaf(ca), [ca]),
    trustAnchors: [readFileSync(root.certificate)],
  };
}

for (
  const key of ["P-256", "P-384", "P-521", "RSA-2048", "RSA-3072", "Ed25519"] as const
) {
  test(`verify() accepts a ${key} leaf and tells who signed`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const ca = pki.intermediate(root);
    const leaf = pki.leaf(ca, { key, subject: "/CN=signer" });
    const result = await verify(signedBundle(leaf, [ca]), [root]);
    assert.deepEqual(failures(result), {});
    const { identity } = result;
    assert.ok(identity && "anchor" in identity);
    assert.equal(identity.certificate.subject, "CN=signer");
    assert.equal(identity.anchor.fingerprint, load(root).fingerprint);
  });
}

test("verify() runs its checks in their order, and the identity's only when asked", async () => {
  using pki = new Pki();
  const root = pki.root();
  const bundle = signedBundle(pki.leaf(root, { subject: "/CN=me" }));
  const ids = async (identity?: string) =>
    (await verify(bundle, [root], identity === undefined ? {} : { identity }))
      .checks.map(({ id }) => id);
  const always = ["signature", "certificate-chain", "certificate-usage", "certificate-validity"];
  assert.deepEqual(await ids(), [...always, "revocation", "timestamps"]);
  assert.deepEqual(await ids("me"), [
    ...always,
    "certificate-identity",
    "revocation",
    "timestamps",
  ]);
});

test("verify() runs every check that it can after failed ones", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root, { to: -0.5, from: -2, extensions: ["extendedKeyUsage=serverAuth"] });
  const good = signedBundle(leaf);
  const bundle = { ...good, envelope: { ...good.envelope, payload: Buffer.from("{}") } };
  const crls = [readFileSync(pki.crl(root, { revoked: [{ certificate: leaf }] }))];
  assert.deepEqual(failures(await verify(bundle, [root], { crls, identity: "other" })), {
    signature: "SIGNATURE_INVALID",
    "certificate-usage": "CERTIFICATE_USAGE",
    "certificate-validity": "CERTIFICATE_EXPIRED",
    "certificate-identity": "CERTIFICATE_IDENTITY",
    revocation: "CERTIFICATE_REVOKED",
  });
  assert.deepEqual(failures(await verify(bundle, [pki.root()], { identity: "other" })), {
    signature: "SIGNATURE_INVALID",
    "certificate-chain": "CERTIFICATE_UNTRUSTED",
    "certificate-usage": "CERTIFICATE_USAGE",
    "certificate-validity": "CERTIFICATE_EXPIRED",
    "certificate-identity": "CERTIFICATE_IDENTITY",
  });
});

for (
  const [what, extensions, accepted] of [
    ["digitalSignature alone", ["keyUsage=digitalSignature"], true],
    ["codeSigning alone", ["extendedKeyUsage=codeSigning"], true],
    ["any purpose", ["extendedKeyUsage=anyExtendedKeyUsage"], true],
    ["codeSigning among others", ["extendedKeyUsage=serverAuth,codeSigning"], true],
    [
      "CA:TRUE and digitalSignature",
      ["basicConstraints=CA:TRUE", "keyUsage=digitalSignature"],
      true,
    ],
    ["neither extension", ["subjectKeyIdentifier=hash"], false],
    ["no extension at all", [], false],
    [
      "a TLS server's extensions",
      ["keyUsage=digitalSignature", "extendedKeyUsage=serverAuth"],
      false,
    ],
    ["another key usage", ["keyUsage=keyCertSign", "extendedKeyUsage=codeSigning"], false],
    ["nonRepudiation alone", ["keyUsage=nonRepudiation"], false],
  ] as const
) {
  test(`verify() ${accepted ? "accepts" : "refuses"} a leaf with ${what}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const result = await verify(signedBundle(pki.leaf(root, { extensions })), [root]);
    assert.deepEqual(
      failures(result),
      accepted ? {} : { "certificate-usage": "CERTIFICATE_USAGE" },
    );
  });
}

for (const key of ["RSA-PSS", "RSA-1024", "secp256k1", "Ed448"] as const) {
  test(`verify() refuses a leaf with a ${key} key`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const bundle = bundleWith(pki.leaf(root), {
      kind: "certificate-chain",
      certificates: [derOf(pki.leaf(root, { key }).certificate)],
    });
    assert.deepEqual(failures(await verify(bundle, [root])), { signature: "KEY_REFUSED" });
  });
}

test("verify() accepts a leaf that is itself the anchor, by the rules for leaves", async () => {
  using pki = new Pki();
  const leaf = pki.root({ extensions: LEAF_EXTENSIONS.slice(0, 2) });
  assert.deepEqual(failures(await verify(signedBundle(leaf), [leaf])), {});
  const authority = pki.root();
  assert.deepEqual(failures(await verify(signedBundle(authority), [authority])), {
    "certificate-usage": "CERTIFICATE_USAGE",
  });
  const expired = pki.root({ extensions: LEAF_EXTENSIONS.slice(0, 2), from: -3, to: -1 });
  assert.deepEqual(failures(await verify(signedBundle(expired), [expired])), {
    "certificate-validity": "CERTIFICATE_EXPIRED",
  });
});

test("verify() trusts no certificate because the bundle brings it along", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const untrusted = { "certificate-chain": "CERTIFICATE_UNTRUSTED" };
  assert.deepEqual(failures(await verify(signedBundle(leaf, [root]), [pki.root()])), untrusted);
  const own = pki.root({ extensions: LEAF_EXTENSIONS.slice(0, 2) });
  assert.deepEqual(failures(await verify(signedBundle(own), [pki.root()])), untrusted);
});

test("verify() takes intermediates from the user, and any order of the bundle's", async () => {
  using pki = new Pki();
  const root = pki.root();
  const first = pki.intermediate(root);
  const second = pki.intermediate(first);
  const leaf = pki.leaf(second);
  for (const chain of [[second, first], [first, second], [root, first, first, second, leaf]]) {
    assert.deepEqual(failures(await verify(signedBundle(leaf, chain), [root])), {});
  }
  assert.deepEqual(failures(await verify(signedBundle(leaf), [first, root, second])), {});
});

test("verify() refuses a chain whose first certificate is not the signer's", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const bundle = bundleWith(leaf, {
    kind: "certificate-chain",
    certificates: [derOf(root.certificate), derOf(leaf.certificate)],
  });
  assert.equal(failures(await verify(bundle, [root]))["signature"], "SIGNATURE_INVALID");
});

test("verify() refuses a chain with a malformed certificate behind the leaf", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const bundle = bundleWith(leaf, {
    kind: "certificate-chain",
    certificates: [derOf(leaf.certificate), Buffer.from("garbage")],
  });
  assert.deepEqual(failures(await verify(bundle, [root])), {
    "certificate-chain": "CERTIFICATE_MALFORMED",
  });
});

test("verify() accepts a single certificate without log entries, and with them not", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const bundle = bundleWith(leaf, { kind: "certificate", certificate: derOf(leaf.certificate) });
  assert.deepEqual(failures(await verify(bundle, [root])), {});
  const logged = { ...bundle, tlogEntries: [{ logIndex: "1" }] };
  assert.deepEqual(failures(await verify(logged, [root])), { signature: "BUNDLE_MATERIAL" });
  const key = bundleWith(leaf, { kind: "public-key", hint: "0" });
  const result = await verify(key, [root], { identity: "x" });
  assert.deepEqual(failures(result), { signature: "BUNDLE_MATERIAL" });
  assert.equal(result.checks.length, 7);
});

for (
  const [what, subject, names, asked, accepted] of [
    ["an e-mail address", "/CN=x", "email:a@b.org", "a@b.org", true],
    ["a URI", "/CN=x", "URI:https://b.org/w", "https://b.org/w", true],
    ["a domain name", "/CN=x", "DNS:b.org", "b.org", true],
    ["an address", "/CN=x", "IP:2001:db8::1", "2001:db8::1", true],
    ["the second of two names", "/CN=x", "DNS:a.org,email:a@b.org", "a@b.org", true],
    ["a part of a name", "/CN=x", "email:a@b.org", "b.org", false],
    ["a name with more in front", "/CN=x", "email:xa@b.org", "a@b.org", false],
    ["a name in another case", "/CN=x", "email:a@b.org", "A@b.org", false],
    ["a pattern", "/CN=x", "email:a@b.org", ".*", false],
    ["the label of a name", "/CN=x", "email:a@b.org", "email:a@b.org", false],
    ["an e-mail address that poses as a domain", "/CN=x", "DNS:a@b.org", "a@b.org", false],
    ["an e-mail address that poses as a URI", "/CN=x", "URI:a@b.org", "a@b.org", false],
    ["a URI that poses as a domain", "/CN=x", "DNS:https://b.org/w", "https://b.org/w", false],
    ["an address that poses as a domain", "/CN=x", "DNS:192.0.2.1", "192.0.2.1", false],
    ["an address that poses as a URI", "/CN=x", "URI:fe80::1", "fe80::1", false],
    ["the common name beside another name", "/CN=me", "email:a@b.org", "me", false],
    ["the common name beside a name that is not understood", "/CN=me", "RID:1.2.3", "me", false],
    ["a name that is not understood", "/CN=me", "RID:1.2.3", "1.2.3", false],
    ["the common name", "/CN=me", undefined, "me", true],
    ["the common name in another case", "/CN=me", undefined, "ME", false],
    ["another attribute of the subject", "/O=me/CN=x", undefined, "me", false],
    ["one of two common names", "/CN=me/CN=other", undefined, "me", false],
    ["the whole subject", "/CN=me", undefined, "CN=me", false],
  ] as const
) {
  test(`verify() with an identity ${accepted ? "accepts" : "refuses"} ${what}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const leaf = pki.leaf(root, {
      subject,
      extensions: [
        ...LEAF_EXTENSIONS,
        ...(names === undefined ? [] : [`subjectAltName=${names}`]),
      ],
    });
    const result = await verify(signedBundle(leaf), [root], { identity: asked });
    assert.deepEqual(
      failures(result),
      accepted ? {} : { "certificate-identity": "CERTIFICATE_IDENTITY" },
    );
  });
}

test("verify() says that revocation was not checked when there is no list", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const status = async (crls: readonly Uint8Array[]) =>
    (await verify(signedBundle(leaf), [root], { crls })).checks
      .find(({ id }) => id === "revocation")?.status;
  assert.equal(await status([]), "skipped");
  assert.equal(await status([readFileSync(pki.crl(root))]), "passed");
  assert.equal(await status([derOf(pki.crl(root, { from: -3, to: -1 }))]), "failed");
});

test("verify() judges validity at the time it is told", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -100, to: 100 });
  const bundle = signedBundle(pki.leaf(root, { from: -10, to: -5 }));
  const now = new Date(Date.now() - 7 * DAY);
  assert.deepEqual(failures(await verify(bundle, [root], { now })), {});
});

test("verify() judges validity at the earliest verified timestamp", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -100, to: 100 });
  const bundle = signedBundle(pki.leaf(root, { from: -10, to: -5 }));
  const result = await verify(bundle, [root], {
    timestampVerifier: () =>
      Promise.resolve({
        check: { id: "timestamps", status: "passed", detail: "two" },
        timestamps: [1, 7].map((days) => ({
          source: "rfc3161",
          time: new Date(Date.now() - days * DAY).toISOString(),
          authority: "test",
        })),
      }),
  });
  assert.deepEqual(failures(result), {});
  assert.equal(result.timestamps.length, 2);
});

test("verify() verifies no timestamp of the bundle by itself", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -100, to: 100 });
  const expired = signedBundle(pki.leaf(root, { from: -10, to: -5 }));
  const result = await verify({ ...expired, timestamps: [new Uint8Array(8)] }, [root]);
  assert.deepEqual(failures(result), { "certificate-validity": "CERTIFICATE_EXPIRED" });
  assert.deepEqual(result.timestamps, []);
  assert.equal(result.checks.at(-1)?.status, "skipped");
});

test("verify() logs the fingerprint of every certificate when asked to", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const leaf = pki.leaf(ca);
  const lines: LogFields[] = [];
  const logger = {
    log: (level: string, _message: string, fields: LogFields = {}) => {
      if (level === "info") lines.push(fields);
    },
  };
  for (const logFingerprints of [false, true]) {
    const trustAnchors = [readFileSync(root.certificate)];
    const verifier = await certificateVerifier({ trustAnchors, logFingerprints });
    await verifier.verify(signedBundle(leaf, [ca]), { logger });
  }
  const expected = [root, leaf, ca].map((issued) => load(issued).fingerprint);
  assert.deepEqual(lines.map((fields) => fields["sha256"]), expected);
});

test("verify() ends with ABORTED when the signal has fired", async () => {
  using pki = new Pki();
  const root = pki.root();
  const verifier = await certificateVerifier({ trustAnchors: [derOf(root.certificate)] });
  const bundle = signedBundle(pki.leaf(root));
  await assert.rejects(verifier.verify(bundle, { signal: AbortSignal.abort() }), coded("ABORTED"));
});

test("certificateVerifier() refuses a policy that trusts nobody", async () => {
  using pki = new Pki();
  const ca = readFileSync(pki.intermediate(pki.root()).certificate);
  await assert.rejects(certificateVerifier({ trustAnchors: [] }), coded("USAGE"));
  await assert.rejects(certificateVerifier({ trustAnchors: [ca] }), coded("TRUST_ANCHOR_MISSING"));
  const garbage = Buffer.from("garbage");
  await assert.rejects(
    certificateVerifier({ trustAnchors: [garbage] }),
    coded("CERTIFICATE_FILE_MALFORMED"),
  );
});

test("certificateVerifier() refuses an empty identity and a malformed list", async () => {
  using pki = new Pki();
  const trustAnchors = [readFileSync(pki.root({ extensions: CA_EXTENSIONS }).certificate)];
  await assert.rejects(certificateVerifier({ trustAnchors, identity: "" }), coded("USAGE"));
  const crls = [Buffer.from("garbage")];
  await assert.rejects(certificateVerifier({ trustAnchors, crls }), coded("CRL_MALFORMED"));
});
