import assert from "node:assert/strict";
import { test } from "node:test";
import { describerContract } from "../../../core/contract/describer.ts";
import type { Description } from "../../../core/verifier.ts";
import { sigstoreDescriber } from "../../../plugins/sigstore/describer.ts";
import { base64, bundleOf as keyBundle, type Loose } from "../../support/bundles.ts";
import { startSigstore } from "../../support/sigstore.ts";
import { bundleOf, sigstoreBundle } from "../../support/sigstore_bundles.ts";
import { Forge, fulcioText, fulcioUtf8, generalName } from "../../support/sigstore_forge.ts";

async function describe(json: Loose): Promise<Description | undefined> {
  const bundle = bundleOf(json);
  assert.ok(bundle);
  return await sigstoreDescriber.describe(bundle, {});
}

/** Values under a label. */
function values(description: Description | undefined, label: string): readonly string[] {
  assert.ok(description);
  return description.fields.filter(([name]) => name === label).map(([, value]) => value);
}

test("describe() tells who claims to have signed, where it was logged, and when", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore);
  const found = await describe(json);
  assert.equal(found?.method, "sigstore");
  assert.deepEqual(values(found, "identity"), ["dev@example.com"]);
  assert.deepEqual(values(found, "identity provider"), [sigstore.issuer]);
  const [{ integratedTime, logIndex }] = json.verificationMaterial.tlogEntries;
  assert.equal(values(found, "log entry").length, 1);
  assert.ok(values(found, "log entry")[0]?.startsWith(`${logIndex} (dsse 0.0.1)`));
  assert.deepEqual(values(found, "logged").map(Date.parse), [integratedTime * 1000]);
  assert.equal(values(found, "timestamp").length, 1);
  const [time = "", authority] = values(found, "timestamp")[0]!.split(" by ");
  assert.ok(Math.abs(Date.parse(time) - integratedTime * 1000) < 60_000);
  assert.equal(authority, "CN=timestamps,O=Loopback Sigstore for tests");
  assert.equal(found?.certificates.length, 1);
  assert.deepEqual(found?.certificates[0]?.subjectAlternativeNames, ["email:dev@example.com"]);
});

test("describe() believes nothing and refuses nothing", async () => {
  const forge = new Forge();
  const json = forge.bundle(forge.certify({
    names: [generalName(6, "https://github.com/o/r")],
    claims: [fulcioUtf8(8, "https://evil.example"), fulcioUtf8(12, "https://github.com/o/r")],
    scts: () => [],
  }));
  json.dsseEnvelope.signatures[0].sig = base64(new Uint8Array(70));
  const found = await describe(json);
  assert.deepEqual(values(found, "identity"), ["https://github.com/o/r"]);
  assert.deepEqual(values(found, "identity provider"), ["https://evil.example"]);
  assert.deepEqual(values(found, "source repository"), ["https://github.com/o/r"]);
});

test("describe() says what cannot be read, and goes on", async () => {
  const forge = new Forge();
  const nobody = await describe(forge.bundle(forge.certify({ names: [] })));
  assert.equal(values(nobody, "problem").length, 1);
  assert.equal(nobody?.certificates.length, 1);
  const json = forge.bundle();
  json.verificationMaterial.certificate.rawBytes = "MAA=";
  json.verificationMaterial.tlogEntries.unshift({});
  json.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: [{ signedTimestamp: "MAA=" }],
  };
  const found = await describe(json);
  assert.equal(values(found, "problem").length, 1);
  assert.equal(values(found, "log entry").length, 2);
  assert.equal(values(found, "timestamp").length, 1);
  assert.deepEqual(found?.certificates, []);
});

test("describe() describes no more than anybody reads", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  const { tlogEntries } = json.verificationMaterial;
  tlogEntries.push(...Array(10_000).fill({}));
  json.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: Array(10_000).fill({ signedTimestamp: "MAA=" }),
  };
  assert.ok((await describe(json))!.fields.length < 200);
});

test("describe() leaves bundles of other methods to others", async () => {
  const forge = new Forge();
  const withoutEntries = forge.bundle();
  withoutEntries.verificationMaterial.tlogEntries = [];
  for (const json of [keyBundle(), withoutEntries]) assert.equal(await describe(json), undefined);
});

test("describe() names both issuers of a certificate that has two as a problem", async () => {
  const forge = new Forge();
  const claims = [fulcioText(1, "https://a.example"), fulcioUtf8(8, "https://b.example")];
  const found = await describe(forge.bundle(forge.certify({ claims })));
  assert.deepEqual(values(found, "identity provider"), []);
  assert.equal(values(found, "problem").length, 1);
});

for (
  const { name, run } of describerContract({
    describer: sigstoreDescriber,
    method: "sigstore",
    bundle: bundleOf(new Forge().bundle())!,
  })
) test(`sigstoreDescriber: ${name}`, run);
