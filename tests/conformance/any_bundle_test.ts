import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { publicKeyDer, signBytes } from "../../core/keys.ts";
import { MAX_BUNDLE_BYTES } from "../../core/limits.ts";
import type { Trust } from "../../plugins/sigstore/trust/mod.ts";
import { type KeyKind, pem } from "../sigstore/keys.ts";
import { post } from "../sigstore/_client.ts";
import { base64, encode, type Loose, MEDIA_TYPE } from "../support/bundles.ts";
import { opensslKey } from "../support/openssl.ts";
import { startSigstore } from "../support/sigstore.ts";
import { type Artifact, parseSigstoreBundle } from "../support/sigstore_any_bundle.ts";
import { type AnyPolicy, verifyAny } from "../support/sigstore_any_verify.ts";
import { failures, trustIn } from "../support/sigstore_bundles.ts";
import { Forge, FORGED_POLICY } from "../support/sigstore_forge.ts";
import { entryBody } from "../support/sigstore_log.ts";

const ARTIFACT = Buffer.from("any artifact, not only a model");
const OTHER = Buffer.from("another artifact");

const OLD = "application/vnd.dev.sigstore.bundle+json;version=0.";

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

/** Both forms in which an artifact is given. */
function forms(bytes: Uint8Array): readonly Artifact[] {
  return [{ bytes }, { sha256: sha256(bytes) }];
}

/** Code of why a bundle cannot be parsed, or codes of what is wrong with it by check. */
async function judge(
  json: Loose,
  trust: Trust,
  policy: AnyPolicy = FORGED_POLICY,
  artifact: Artifact = { bytes: ARTIFACT },
): Promise<string | Readonly<Record<string, string>>> {
  const parsed = parseSigstoreBundle(encode(json), artifact);
  if (!parsed.ok) return parsed.issue.code;
  return failures({ checks: await verifyAny(parsed.value, { trust, policy }) });
}

/** A message signature over the artifact. */
function messageBundle(forge: Forge, kind: KeyKind = "P-256"): Loose {
  const { key, der } = forge.certify({ key: kind });
  const signature = signBytes(key.privateKey, ARTIFACT);
  const entry = entryBody("hashedrekord 0.0.1", { signed: ARTIFACT, signature, certificate: der });
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: base64(der) },
      tlogEntries: [forge.log.enter(entry)],
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: base64(sha256(ARTIFACT)) },
      signature: base64(signature),
    },
  };
}

/** An in-toto statement about artifacts. */
function statement(subjects: Loose): Uint8Array {
  return encode({
    _type: "https://in-toto.io/Statement/v1",
    subject: subjects,
    predicateType: "https://example.com/predicate",
    predicate: {},
  });
}

function subjectOf(bytes: Uint8Array): Loose {
  return { name: "artifact", digest: { sha256: sha256(bytes).toString("hex") } };
}

function envelopeBundle(forge: Forge, subjects: Loose = [subjectOf(ARTIFACT)]): Loose {
  return forge.bundle(forge.certify(), { payload: statement(subjects) });
}

/** The bundle with its certificate in a chain, as before v0.3. */
function withChain(json: Loose, ...more: readonly Uint8Array[]): Loose {
  const { certificate, ...material } = json.verificationMaterial;
  const certificates = [certificate, ...more.map((der) => ({ rawBytes: base64(der) }))];
  return { ...json, verificationMaterial: { ...material, x509CertificateChain: { certificates } } };
}

test("parseSigstoreBundle() takes every version in both spellings", async () => {
  const forge = new Forge();
  const trust = forge.trust();
  for (const json of [messageBundle(forge), envelopeBundle(forge)]) {
    for (const version of [1, 2, 3]) {
      for (
        const mediaType of [
          `${OLD}${version}`,
          `application/vnd.dev.sigstore.bundle.v0.${version}+json`,
        ]
      ) assert.deepEqual(await judge({ ...json, mediaType }, trust), {}, mediaType);
    }
  }
});

test("parseSigstoreBundle() refuses other media types", async () => {
  const forge = new Forge();
  const json = messageBundle(forge);
  for (
    const mediaType of [
      "application/json",
      `${OLD}4`,
      `${OLD}`,
      `${OLD}1 `,
      `x${OLD}1`,
      "application/vnd.dev.sigstore.bundle.v0.4+json",
      "application/vnd.dev.sigstore.bundle.v1.3+json",
      "application/vnd.dev.sigstore.bundle.v0.3+json;version=0.1",
    ]
  ) {
    assert.equal(
      await judge({ ...json, mediaType }, forge.trust()),
      "BUNDLE_MEDIA_TYPE",
      mediaType,
    );
  }
  for (const mediaType of [undefined, "", 3]) {
    assert.equal(await judge({ ...json, mediaType }, forge.trust()), "BUNDLE_MALFORMED");
  }
});

test("parseSigstoreBundle() takes promises without proofs in v0.1 only, and none without there", async () => {
  const forge = new Forge();
  const trust = forge.trust();
  const json = messageBundle(forge);
  const [entry] = json.verificationMaterial.tlogEntries;
  const { inclusionProof } = entry;
  delete entry.inclusionProof;
  assert.deepEqual(await judge({ ...json, mediaType: `${OLD}1` }, trust), {});
  for (const mediaType of [`${OLD}2`, `${OLD}3`, MEDIA_TYPE]) {
    const found = await judge({ ...json, mediaType }, trust);
    assert.equal((found as Loose)["transparency-log"], "TLOG_INCLUSION_PROOF", mediaType);
  }
  const { inclusionPromise } = entry;
  delete entry.inclusionPromise;
  entry.inclusionProof = inclusionProof;
  assert.equal(await judge({ ...json, mediaType: `${OLD}1` }, trust), "BUNDLE_MALFORMED");
  // A proof that is there has to hold, in v0.1 too.
  entry.inclusionPromise = inclusionPromise;
  entry.inclusionProof = {
    ...inclusionProof,
    logIndex: String(Number(inclusionProof.logIndex) + 1),
  };
  const found = await judge({ ...json, mediaType: `${OLD}1` }, trust);
  assert.equal((found as Loose)["transparency-log"], "TLOG_INCLUSION_PROOF");
});

test("parseSigstoreBundle() takes chains before v0.3, and believes nothing in them but the leaf", async () => {
  const forge = new Forge();
  const json = messageBundle(forge);
  const { intermediate, root } = forge;
  const chained = withChain(json, intermediate.certificate, root.certificate);
  for (const mediaType of [`${OLD}1`, `${OLD}2`]) {
    assert.deepEqual(await judge({ ...chained, mediaType }, forge.trust()), {});
    const found = await judge(
      { ...chained, mediaType },
      new Forge().trust((trusted) => {
        trusted.tlogs = [forge.log.trusted];
        trusted.ctlogs = forge.trustedRoot().ctlogs;
      }),
    );
    assert.deepEqual(found, { "certificate-chain": "CERTIFICATE_UNTRUSTED" });
  }
  for (const mediaType of [`${OLD}3`, MEDIA_TYPE]) {
    assert.equal(await judge({ ...chained, mediaType }, forge.trust()), "BUNDLE_MATERIAL");
  }
  chained.verificationMaterial.x509CertificateChain.certificates = [];
  assert.equal(
    await judge({ ...chained, mediaType: `${OLD}1` }, forge.trust()),
    "BUNDLE_MALFORMED",
  );
});

test("parseSigstoreBundle() takes messages by their bytes, and by their digest where that is enough", async () => {
  const forge = new Forge();
  for (const kind of ["P-256", "P-384", "Ed25519"] as const) {
    const json = messageBundle(forge, kind);
    const [byBytes, byDigest] = forms(ARTIFACT);
    assert.deepEqual(await judge(json, forge.trust(), FORGED_POLICY, byBytes), {}, kind);
    const expected = kind === "P-256" ? {} : { signature: "SIGNATURE_INVALID" };
    assert.deepEqual(await judge(json, forge.trust(), FORGED_POLICY, byDigest), expected, kind);
  }
});

test("parseSigstoreBundle() refuses another artifact than the one that was signed", async () => {
  const forge = new Forge();
  const trust = forge.trust();
  for (const artifact of forms(OTHER)) {
    const message = messageBundle(forge);
    for (const json of [message, envelopeBundle(forge)]) {
      assert.equal(await judge(json, trust, FORGED_POLICY, artifact), "SIGNATURE_INVALID");
    }
    // What the bundle says of the digest is only a claim.
    const { messageSignature } = message;
    messageSignature.messageDigest.digest = base64(sha256(OTHER));
    const expected = { signature: "SIGNATURE_INVALID", "transparency-log": "TLOG_ENTRY_MISMATCH" };
    for (const claim of ["right", "of another algorithm", "left out"]) {
      if (claim === "of another algorithm") messageSignature.messageDigest.algorithm = "SHA2_512";
      if (claim === "left out") delete messageSignature.messageDigest;
      const { timestamps, ...found } = await judge(
        message,
        trust,
        FORGED_POLICY,
        artifact,
      ) as Loose;
      assert.deepEqual(found, expected, claim);
      assert.equal(timestamps, "TIMESTAMP_MISSING");
    }
  }
});

test("parseSigstoreBundle() finds the artifact among the subjects of a statement", async () => {
  const forge = new Forge();
  const sha512 = createHash("sha512").update(ARTIFACT).digest("hex");
  const accepted = [
    [subjectOf(OTHER), subjectOf(ARTIFACT)],
    [{ digest: { sha1: "00", sha256: sha256(ARTIFACT).toString("hex") } }],
  ];
  for (const subjects of accepted) {
    for (const artifact of forms(ARTIFACT)) {
      const json = envelopeBundle(forge, subjects);
      assert.deepEqual(await judge(json, forge.trust(), FORGED_POLICY, artifact), {});
    }
  }
  // Nobody can tell from the SHA-256.
  const [byBytes, byDigest] = forms(ARTIFACT);
  const longer = envelopeBundle(forge, [{ digest: { sha512 } }]);
  assert.deepEqual(await judge(longer, forge.trust(), FORGED_POLICY, byBytes), {});
  assert.equal(await judge(longer, forge.trust(), FORGED_POLICY, byDigest), "SIGNATURE_INVALID");
  const refused: readonly (readonly [string, Loose])[] = [
    ["SIGNATURE_INVALID", []],
    ["SIGNATURE_INVALID", [subjectOf(OTHER)]],
    ["SIGNATURE_INVALID", [{ digest: { sha256: sha256(ARTIFACT).toString("hex").toUpperCase() } }]],
    ["SIGNATURE_INVALID", [{ digest: { sha512: sha512.slice(0, 64) } }]],
    ["SIGNATURE_INVALID", [{ digest: { sha1: sha256(ARTIFACT).toString("hex") } }]],
    ["SIGNATURE_INVALID", undefined],
    ["BUNDLE_MALFORMED", [{}]],
    ["BUNDLE_MALFORMED", ["x"]],
    ["BUNDLE_MALFORMED", "x"],
  ];
  for (const [code, subjects] of refused) {
    const json = envelopeBundle(forge, []);
    json.dsseEnvelope.payload = base64(statement(subjects));
    assert.equal(await judge(json, forge.trust()), code, JSON.stringify(subjects));
  }
});

test("parseSigstoreBundle() refuses envelopes that are not one signed statement", async () => {
  const forge = new Forge();
  const cases: readonly (readonly [string, (envelope: Loose) => void])[] = [
    ["ENVELOPE_SIGNATURES", (envelope) => envelope.signatures = []],
    ["ENVELOPE_SIGNATURES", (envelope) => delete envelope.signatures],
    ["ENVELOPE_SIGNATURES", (envelope) => envelope.signatures.push(envelope.signatures[0])],
    ["BUNDLE_MALFORMED", (envelope) => envelope.payloadType = "text/plain"],
    ["BUNDLE_MALFORMED", (envelope) => envelope.payload = "!"],
    ["BUNDLE_MALFORMED", (envelope) => envelope.payload = base64(encode("{"))],
    ["BUNDLE_MALFORMED", (envelope) => envelope.payload = base64(encode("[]"))],
    ["BUNDLE_MALFORMED", (envelope) => delete envelope.signatures[0].sig],
  ];
  for (const [code, change] of cases) {
    const json = envelopeBundle(forge);
    change(json.dsseEnvelope);
    assert.equal(await judge(json, forge.trust()), code, String(change));
  }
});

test("parseSigstoreBundle() refuses bundles with two contents or signers, and with none", async () => {
  const forge = new Forge();
  const [message, envelope] = [messageBundle(forge), envelopeBundle(forge)];
  const both = { ...message, dsseEnvelope: envelope.dsseEnvelope };
  const { messageSignature: _, ...neither } = message;
  for (const json of [both, neither]) {
    assert.equal(await judge(json, forge.trust()), "BUNDLE_MALFORMED");
  }
  const twice = structuredClone(message);
  twice.verificationMaterial.publicKey = { hint: "mine" };
  const nobody = structuredClone(message);
  delete nobody.verificationMaterial.certificate;
  for (const json of [twice, nobody]) {
    assert.equal(await judge(json, forge.trust()), "BUNDLE_MATERIAL");
  }
});

test("parseSigstoreBundle() refuses what is no JSON object, has members twice, or too much of anything", () => {
  const artifact = { bytes: ARTIFACT };
  const malformed = [
    "",
    "[]",
    "null",
    '{"mediaType":"a","mediaType":"b"}',
    `[${"0,".repeat(200_000)}0]`,
  ];
  for (const text of malformed) {
    const found = parseSigstoreBundle(encode(text), artifact);
    assert.equal(found.ok ? "ok" : found.issue.code, "BUNDLE_MALFORMED");
  }
  const found = parseSigstoreBundle(new Uint8Array(MAX_BUNDLE_BYTES + 1), artifact);
  assert.equal(found.ok ? "ok" : found.issue.code, "BUNDLE_TOO_LARGE");
});

test("parseSigstoreBundle() refuses a statement with more values than anybody needs", async () => {
  const forge = new Forge();
  const subjects = JSON.stringify([subjectOf(ARTIFACT)]);
  for (const [values, code] of [[900_000, "ok"], [1_000_000, "BUNDLE_MALFORMED"]] as const) {
    const json = envelopeBundle(forge);
    const payload = `{"subject":${subjects},"predicate":[${"0,".repeat(values)}0]}`;
    json.dsseEnvelope.payload = base64(encode(payload));
    const found = await judge(json, forge.trust());
    assert.equal(typeof found === "string" ? found : "ok", code);
  }
});

test("parseSigstoreBundle() refuses a bundle without entries once it is verified", async () => {
  const forge = new Forge();
  for (const tlogEntries of [[], undefined]) {
    const json = messageBundle(forge);
    json.verificationMaterial.tlogEntries = tlogEntries;
    const found = await judge(json, forge.trust()) as Loose;
    assert.equal(found["transparency-log"], "TLOG_ENTRY_MISSING");
    assert.equal(found["timestamps"], "TIMESTAMP_MISSING");
  }
});

/** A message signature by a key, without its log entry. */
function keyBundle(privateKey: KeyObject): Loose {
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: "mine" }, tlogEntries: [] },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: base64(sha256(ARTIFACT)) },
      signature: base64(signBytes(privateKey, ARTIFACT)),
    },
  };
}

test("parseSigstoreBundle() takes bundles by keys, of every kind", async () => {
  const forge = new Forge();
  for (const type of ["EC P-256", "EC P-384", "Ed25519", "RSA 2048", "RSA 3072"]) {
    const privateKey = createPrivateKey(opensslKey(type));
    const publicKey = createPublicKey(privateKey);
    const json = keyBundle(privateKey);
    const signature = Buffer.from(json.messageSignature.signature, "base64");
    json.verificationMaterial.tlogEntries = [forge.log.enter(entryBody("hashedrekord 0.0.1", {
      ...{ signed: ARTIFACT, signature, certificate: ARTIFACT, publicKey: publicKeyDer(publicKey) },
    }))];
    const [byBytes, byDigest] = forms(ARTIFACT);
    assert.deepEqual(await judge(json, forge.trust(), { publicKey }, byBytes), {}, type);
    const known = type === "EC P-256" || type.startsWith("RSA");
    const expected = known ? {} : { signature: "SIGNATURE_INVALID" };
    assert.deepEqual(await judge(json, forge.trust(), { publicKey }, byDigest), expected, type);
  }
});

test("parseSigstoreBundle() takes a bundle by a key that Rekor has logged, for that key only", async () => {
  await using sigstore = await startSigstore();
  const trust = await trustIn(sigstore);
  const privateKey = createPrivateKey(opensslKey("EC P-256"));
  const publicKey = createPublicKey(privateKey);
  const json = keyBundle(privateKey);
  const answer = await post(`${sigstore.url}/api/v1/log/entries`, {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: sha256(ARTIFACT).toString("hex") } },
      signature: {
        content: json.messageSignature.signature,
        publicKey: { content: base64(Buffer.from(pem("PUBLIC KEY", publicKeyDer(publicKey)))) },
      },
    },
  });
  json.verificationMaterial.tlogEntries = [fromRekor(Object.values(answer.json)[0])];
  assert.deepEqual(await judge(json, trust, { publicKey }), {});
  const stranger = createPublicKey(opensslKey("EC P-384"));
  const found = await judge(json, trust, { publicKey: stranger }) as Loose;
  assert.equal(found["signature"], "SIGNATURE_INVALID");
  assert.equal(found["transparency-log"], "TLOG_ENTRY_MISMATCH");
  const byIdentity = await judge(json, trust);
  assert.deepEqual(byIdentity, { signature: "BUNDLE_MATERIAL" });
});

/** An answer of Rekor v1 as a bundle has it. */
function fromRekor(answer: Loose): Loose {
  const { body, integratedTime, logID, logIndex, verification } = answer;
  const { checkpoint, hashes, rootHash, treeSize, ...proof } = verification.inclusionProof;
  const bytes = (hex: string) => base64(Buffer.from(hex, "hex"));
  return {
    logIndex: String(logIndex),
    logId: { keyId: bytes(logID) },
    kindVersion: { kind: "hashedrekord", version: "0.0.1" },
    integratedTime: String(integratedTime),
    inclusionPromise: { signedEntryTimestamp: verification.signedEntryTimestamp },
    inclusionProof: {
      logIndex: String(proof.logIndex),
      rootHash: bytes(rootHash),
      treeSize: String(treeSize),
      hashes: hashes.map(bytes),
      checkpoint: { envelope: checkpoint },
    },
    canonicalizedBody: body,
  };
}
