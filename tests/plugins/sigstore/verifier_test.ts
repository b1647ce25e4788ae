/** Whole bundles: what is accepted, what the report says, and whom a policy refuses. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignatureVerification } from "../../../core/verifier.ts";
import { verifyEntity } from "../../../plugins/sigstore/verify.ts";
import { entityOf, sigstoreVerifier } from "../../../plugins/sigstore/verifier.ts";
import {
  bundleOf as keyBundle,
  encode,
  type Loose,
  p256,
  signedBundle,
  statementOf,
} from "../../support/bundles.ts";
import { GITHUB_CLAIMS, startSigstore } from "../../support/sigstore.ts";
import {
  bundleOf,
  codesFor,
  failures,
  policyOf,
  sigstoreBundle,
  trustIn,
  verifyJson,
} from "../../support/sigstore_bundles.ts";
import { Forge, FORGED_POLICY, fulcioText, fulcioUtf8 } from "../../support/sigstore_forge.ts";

const CHECKS = [
  "trust-root",
  "signature",
  "certificate-chain",
  "certificate-usage",
  "certificate-log",
  "transparency-log",
  "timestamps",
  "identity",
  "identity-provider",
];

function fieldsOf({ identity }: SignatureVerification): Readonly<Record<string, string>> {
  assert.ok(identity && "fields" in identity);
  return identity.fields ?? {};
}

/** What a check says. */
function detail({ checks }: SignatureVerification, id: string): string {
  return checks.find((check) => check.id === id)!.detail;
}

/** Has both logs enter the signature. */
function bothLogs(config: Loose, rekor2: string): void {
  const [first] = config.rekorTlogUrls;
  config.rekorTlogUrls.push({
    ...first,
    url: rekor2,
    majorApiVersion: 2,
    operator: "another.example",
  });
  config.rekorTlogConfig = { selector: "ALL" };
}

test("verify() accepts a bundle with an entry of Rekor v1 and a timestamp", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore);
  const found = await verifyJson(json, await trustIn(sigstore), policyOf(sigstore));
  assert.deepEqual(failures(found), {});
  assert.deepEqual(found.checks.map(({ id }) => id), CHECKS);
  assert.ok(found.identity?.kind === "named");
  assert.equal(found.identity.method, "sigstore");
  assert.equal(found.identity.name, "dev@example.com");
  assert.equal(found.identity.issuer, sigstore.issuer);
  assert.equal(found.encoding, "standard");
  assert.deepEqual(found.timestamps.map(({ source }) => source).sort(), [
    "rfc3161",
    "transparency-log",
  ]);
  const fields = fieldsOf(found);
  const [{ logIndex }] = json.verificationMaterial.tlogEntries;
  assert.equal(fields["log entry"], `${logIndex} of ${sigstore.url}`);
  assert.equal(fields["certificate authority"], sigstore.url);
});

test("verify() accepts Rekor v1 without a timestamp, as the log has signed a time", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore);
  delete json.verificationMaterial.timestampVerificationData;
  const found = await verifyJson(json, await trustIn(sigstore), policyOf(sigstore));
  assert.deepEqual(failures(found), {});
  assert.deepEqual(found.timestamps.map(({ source }) => source), ["transparency-log"]);
});

test("verify() accepts Rekor v2 with a timestamp, and not without one", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore, { rekor: 2 });
  const found = await verifyJson(json, trust, policy);
  assert.deepEqual(failures(found), {});
  assert.deepEqual(found.timestamps.map(({ source }) => source), ["rfc3161"]);
  delete json.verificationMaterial.timestampVerificationData;
  const without = await verifyJson(json, trust, policy);
  assert.deepEqual(failures(without), { timestamps: "TIMESTAMP_MISSING" });
  assert.equal(without.identity, undefined);
});

test("verify() asks for the proof of an entry, also where the log has promised it", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  delete json.verificationMaterial.tlogEntries[0].inclusionProof;
  assert.equal(
    failures(await verifyJson(json, forge.trust(), FORGED_POLICY))["transparency-log"],
    "TLOG_INCLUSION_PROOF",
  );
});

test("verify() accepts a bundle with entries of both logs and names both", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore, {
    services: (config) => bothLogs(config, sigstore.rekor2),
  });
  assert.equal(json.verificationMaterial.tlogEntries.length, 2);
  const found = await verifyJson(json, await trustIn(sigstore), policyOf(sigstore));
  assert.deepEqual(failures(found), {});
  const fields = fieldsOf(found);
  assert.deepEqual(
    [fields["log entry"], fields["log entry 2"]].map((text) => text?.split(" of ")[1]).sort(),
    [sigstore.url, sigstore.rekor2].sort(),
  );
});

test("verify() accepts a workflow and reports what its certificate says about it", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore, { claims: GITHUB_CLAIMS });
  const found = await verifyJson(json, await trustIn(sigstore), {
    identity: "https://github.com/octo-org/model/.github/workflows/release.yml@refs/heads/main",
    issuer: sigstore.issuer,
  });
  assert.deepEqual(failures(found), {});
  const { "log entry": _, "certificate authority": __, ...fields } = fieldsOf(found);
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const workflow =
    "https://github.com/octo-org/model/.github/workflows/release.yml@refs/heads/main";
  assert.deepEqual(fields, {
    "build signer": workflow,
    "build signer digest": commit,
    "runner environment": "github-hosted",
    "source repository": "https://github.com/octo-org/model",
    "source repository digest": commit,
    "source repository ref": "refs/heads/main",
    "source repository id": "74",
    "source repository owner": "https://github.com/octo-org",
    "source repository owner id": "65",
    "build config": workflow,
    "build config digest": commit,
    "build trigger": "push",
    "run invocation": "https://github.com/octo-org/model/actions/runs/30433642/attempts/1",
    "source repository visibility": "public",
    "workflow name": "release",
  });
});

test("verify() accepts certificates of P-384 keys, and either form of the issuer alone", async () => {
  const forge = new Forge();
  const issuer = "https://issuer.example";
  for (
    const spec of [
      { key: "P-384" },
      { claims: [fulcioText(1, issuer)] },
      { claims: [fulcioUtf8(8, issuer)] },
    ] as const
  ) {
    const json = forge.bundle(forge.certify(spec));
    assert.deepEqual(await codesFor(json, forge.trust(), FORGED_POLICY), [], JSON.stringify(spec));
  }
});

test("verify() refuses another identity and another issuer, each by its own check", async () => {
  await using sigstore = await startSigstore();
  const [trust, { issuer }] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore);
  for (
    const identity of [
      "mallory@example.com",
      "dev@example.co",
      "ev@example.com",
      "dev@example.com.evil.example",
      "Dev@example.com",
      "https://example.com/dev",
    ]
  ) {
    const found = await verifyJson(json, trust, { identity, issuer });
    assert.deepEqual(failures(found), { identity: "IDENTITY_MISMATCH" }, identity);
    assert.equal(found.identity, undefined);
  }
  for (const other of [`${issuer}/`, `${issuer}x`, (issuer as string).slice(0, -1)]) {
    const found = await verifyJson(json, trust, { identity: "dev@example.com", issuer: other });
    assert.deepEqual(failures(found), { "identity-provider": "ISSUER_MISMATCH" }, other);
  }
});

test("verify() refuses an identity in which the expected one is contained", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  for (const email of ["evil-dev@example.com", "dev@example.com.evil.example"]) {
    const json = await sigstoreBundle(sigstore, { claims: { email } });
    assert.deepEqual(await codesFor(json, trust, policy), ["IDENTITY_MISMATCH"], email);
    const pattern = { ...policy, identity: /dev@example\.com/g };
    assert.deepEqual(await codesFor(json, trust, pattern), ["IDENTITY_MISMATCH"], email);
  }
});

test("verify() accepts by a pattern, as often as it is asked", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  const policy = { identity: /.*@example\.com/gy, issuer: /https:\/\/issuer\..*/g };
  const verifier = sigstoreVerifier({ trust: forge.trust(), ...policy });
  for (let count = 0; count < 3; count++) {
    const { identity } = await verifier.verify(bundleOf(json)!, {});
    assert.ok(identity, `time ${count}`);
  }
});

test("verify() runs every check that it can, also after a failed one", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore);
  const { sig } = (await sigstoreBundle(sigstore)).dsseEnvelope.signatures[0];
  json.dsseEnvelope.signatures[0].sig = sig;
  const found = await verifyJson(json, await trustIn(sigstore), {
    identity: "mallory@example.com",
    issuer: "https://accounts.example",
  });
  assert.deepEqual(failures(found), {
    "signature": "SIGNATURE_INVALID",
    "transparency-log": "TLOG_ENTRY_MISMATCH",
    "timestamps": "TIMESTAMP_MISMATCH",
    "identity": "IDENTITY_MISMATCH",
    "identity-provider": "ISSUER_MISMATCH",
  });
  assert.deepEqual(found.checks.map(({ id }) => id), CHECKS);
  assert.deepEqual(
    found.checks.filter(({ status }) => status === "skipped").map(({ id }) => id),
    ["certificate-chain", "certificate-log"],
  );
  assert.equal(found.encoding, undefined);
});

test("verify() refuses bundles of the key method and of the certificate method", async () => {
  const forge = new Forge();
  const byKey = signedBundle(encode(statementOf(["a"])), p256());
  const byCertificate = forge.bundle();
  byCertificate.verificationMaterial.tlogEntries = [];
  const byChain = forge.bundle();
  const { certificate } = byChain.verificationMaterial;
  byChain.verificationMaterial = {
    x509CertificateChain: { certificates: [certificate] },
    tlogEntries: byChain.verificationMaterial.tlogEntries,
  };
  for (const json of [byKey, keyBundle(), byCertificate, byChain]) {
    const found = await verifyJson(json, forge.trust(), FORGED_POLICY);
    assert.deepEqual(failures(found), { signature: "BUNDLE_MATERIAL" });
    assert.equal(found.identity, undefined);
  }
});

test("verify() accepts when this machine's clock is behind, and says so", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore);
  const right = await verifyJson(json, trust, policy);
  const slow = await verifyJson(json, trust, policy, new Date(Date.now() - 60 * 60 * 1000));
  assert.deepEqual(failures(slow), {});
  assert.ok(slow.identity);
  assert.notEqual(detail(slow, "timestamps"), detail(right, "timestamps"));
  // A little is nothing to talk about, and years later is when most signatures are verified.
  for (const ms of [-60 * 1000, 10 * 365 * 24 * 60 * 60 * 1000]) {
    const found = await verifyJson(json, trust, policy, new Date(Date.now() + ms));
    assert.equal(detail(found, "timestamps"), detail(right, "timestamps"));
  }
});

test("verify() stops when it is aborted", async () => {
  const forge = new Forge();
  const verifier = sigstoreVerifier({ trust: forge.trust(), ...FORGED_POLICY });
  const signal = AbortSignal.abort();
  await assert.rejects(verifier.verify(bundleOf(forge.bundle())!, { signal }), { code: "ABORTED" });
});

test("sigstoreVerifier() refuses to expect nobody in particular", () => {
  const trust = new Forge().trust();
  for (const policy of [{ identity: "" }, { issuer: "" }]) {
    assert.throws(() => sigstoreVerifier({ trust, ...FORGED_POLICY, ...policy }), {
      code: "USAGE",
    });
  }
});

test("verifyEntity() refuses what is no certificate", async () => {
  const forge = new Forge();
  const entity = entityOf(bundleOf(forge.bundle())!)!;
  const garbage = { ...entity, certificate: Uint8Array.of(0x30, 0) };
  const found = await verifyEntity(garbage, { trust: forge.trust(), policy: FORGED_POLICY });
  assert.deepEqual(failures(found), { signature: "CERTIFICATE_MALFORMED" });
  assert.equal(found.identity, undefined);
});
