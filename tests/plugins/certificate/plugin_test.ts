import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import type { Settings, SignerProvider, VerifierProvider } from "../../../core/plugin.ts";
import { Registry } from "../../../core/registry.ts";
import { Secret } from "../../../core/secret.ts";
import type { Verifier } from "../../../core/verifier.ts";
import {
  certificateDescriber,
  certificatePlugin,
  certificateVerifier,
  timestampVerifier,
} from "../../../plugins/certificate/mod.ts";
import { bundleWith, signedBundle } from "../../support/certificate_bundle.ts";
import { CA_EXTENSIONS, derOf, LEAF_EXTENSIONS, Pki } from "../../support/pki.ts";
import { settingsCasesOf } from "../../support/settings_suite.ts";

const registry = new Registry([certificatePlugin]);
const signer: SignerProvider = registry.find("signer", "certificate")!;
const verifier: VerifierProvider = registry.find("verifier", "certificate")!;

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ModelSigningError && error.code === code;
}

test("open() of the signer and of the verifier read the files that the settings name", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const leaf = pki.leaf(ca, { extensions: [...LEAF_EXTENSIONS, "subjectAltName=email:a@b.org"] });
  const settings: Settings = {
    "private-key": leaf.key,
    "signing-certificate": leaf.certificate,
    "certificate-chain": [ca.certificate],
  };
  const opened = await signer.open(settings, {});
  await using own = opened.signer;
  assert.deepEqual(opened.witnesses, []);
  const bundle = signedBundle(leaf);
  const { material } = await own.sign(new Uint8Array(8), {});
  const trusting = await verifier.open({
    "certificate-chain": [pki.bundle(root.certificate)],
    "certificate-identity": "a@b.org",
    crl: [pki.crl(ca)],
  }, {});
  const { identity } = await trusting.verify({ ...bundle, material }, {});
  assert.equal(identity?.method, "certificate");
});

test("open() of the signer decrypts a key with the password it is given", async () => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  const encrypted = pki.file("encrypted.pem", "");
  pki.openssl([
    ...["pkcs8", "-topk8", "-in", leaf.key, "-out", encrypted],
    ...["-v2", "aes-256-cbc", "-passout", "pass:secret"],
  ]);
  const settings = { "private-key": encrypted, "signing-certificate": leaf.certificate };
  await using own = (await signer.open({ ...settings, password: new Secret("secret") }, {})).signer;
  assert.equal((await own.sign(new Uint8Array(8), {})).material.kind, "certificate-chain");
  await assert.rejects(signer.open(settings, {}), coded("KEY_PASSWORD_MISSING"));
  await assert.rejects(
    signer.open({ ...settings, password: new Secret("wrong") }, {}),
    coded("KEY_PASSWORD_WRONG"),
  );
});

test("open() refuses missing settings and files", async () => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  await assert.rejects(verifier.open({}, {}), coded("USAGE"));
  await assert.rejects(signer.open({ "private-key": leaf.key }, {}), coded("USAGE"));
  await assert.rejects(
    signer.open({ "signing-certificate": leaf.certificate }, {}),
    coded("USAGE"),
  );
  await assert.rejects(
    verifier.open({ "certificate-chain": [`${pki.directory}/none.pem`] }, {}),
    coded("FILE_UNREADABLE"),
  );
});

test("the plugin's hints name its options, and the library's findings and faults name none", async () => {
  using pki = new Pki();
  const [root, other] = [pki.root({ extensions: CA_EXTENSIONS }), pki.root()];
  const ca = pki.intermediate(root);
  const bundle = signedBundle(pki.leaf(root), [root]);
  const untrusted = async (trusting: Verifier) => {
    const { checks } = await trusting.verify(bundle, {});
    const [issue] = checks.flatMap((check) => check.status === "failed" ? [check.issue] : []);
    assert.equal(issue?.code, "CERTIFICATE_UNTRUSTED");
    return `${issue.message} ${issue.hint}`;
  };
  const trustAnchors = [readFileSync(other.certificate)];
  assert.doesNotMatch(await untrusted(await certificateVerifier({ trustAnchors })), /--/);
  const settings = { "certificate-chain": [other.certificate] };
  assert.match(await untrusted(await verifier.open(settings, {})), /--certificate-chain/);
  const noAnchor = async (opening: Promise<unknown>) => {
    const error = await opening.then(() => undefined, (error) => error);
    assert.ok(coded("TRUST_ANCHOR_MISSING")(error));
    return `${error.message} ${error.hint}`;
  };
  const chain = [readFileSync(ca.certificate)];
  const library = [certificateVerifier, timestampVerifier].map((make) =>
    noAnchor(make({ trustAnchors: chain }))
  );
  for (const said of await Promise.all(library)) assert.doesNotMatch(said, /--/);
  const notRoot = { ...settings, "certificate-chain": [ca.certificate] };
  assert.match(await noAnchor(verifier.open(notRoot, {})), / --certificate-chain$/);
  const notAuthority = { ...settings, "tsa-certificate-chain": [ca.certificate] };
  assert.match(await noAnchor(verifier.open(notAuthority, {})), / --tsa-certificate-chain$/);
});

test("describe() tells the claims of a chain, and nothing of other material", async () => {
  using pki = new Pki();
  const root = pki.root({ extensions: CA_EXTENSIONS });
  const leaf = pki.leaf(root, { subject: "/CN=signer" });
  const description = await certificateDescriber.describe(signedBundle(leaf, [root]), {});
  assert.equal(description?.method, "certificate");
  assert.deepEqual(description?.fields, []);
  assert.equal(description?.certificates[0]?.subject, "CN=signer");
  assert.equal(description?.certificates.length, 2);
  const key = bundleWith(leaf, { kind: "public-key", hint: "0" });
  assert.equal(await certificateDescriber.describe(key, {}), undefined);
  const single = bundleWith(leaf, { kind: "certificate", certificate: derOf(leaf.certificate) });
  assert.equal((await certificateDescriber.describe(single, {}))?.certificates.length, 1);
  const logged = { ...single, tlogEntries: [{}] };
  assert.equal(await certificateDescriber.describe(logged, {}), undefined);
});

test("describe() tells of certificates that are malformed", async () => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  const garbage = new Uint8Array(3);
  const broken = bundleWith(leaf, { kind: "certificate-chain", certificates: [garbage] });
  assert.equal((await certificateDescriber.describe(broken, {}))?.fields[0]?.[0], "problem");
  const half = bundleWith(leaf, {
    kind: "certificate-chain",
    certificates: [derOf(leaf.certificate), garbage],
  });
  assert.equal((await certificateDescriber.describe(half, {}))?.fields.at(-1)?.[0], "problem");
});

test("the signer and the verifier: the suite for settings", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const cases = settingsCasesOf(certificatePlugin, {
    signer: { "private-key": leaf.key, "signing-certificate": leaf.certificate },
    verifier: { "certificate-chain": [root.certificate] },
    bundle: signedBundle(leaf),
  });
  for (const { run } of cases) await run();
});
