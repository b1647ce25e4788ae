/** Log entries of a bundle, and the periods of logs and authorities: which count, which do not, and which spoil it. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { signWith } from "../../sigstore/keys.ts";
import { base64, type Loose, preAuthentication } from "../../support/bundles.ts";
import { derOf, Pki } from "../../support/pki.ts";
import { startSigstore } from "../../support/sigstore.ts";
import {
  codesFor,
  failures,
  policyOf,
  sigstoreBundle,
  trustIn,
  verifyJson,
} from "../../support/sigstore_bundles.ts";
import { Forge, FORGED_POLICY } from "../../support/sigstore_forge.ts";
import { AnyLog, entryBody } from "../../support/sigstore_log.ts";
import { stamp, tsaCertificate } from "../_rfc3161/_authority.ts";
import { forge as forgeToken } from "../_rfc3161/_forge.ts";
import {
  authority,
  countedEntries,
  entriesOf,
  HOUR,
  said,
  signatureOf,
  stampsOf,
  stampWith,
} from "./_evidence.ts";

test("verify() refuses a bundle whose only entry is in an unknown log", async () => {
  await using sigstore = await startSigstore();
  for (const rekor of [1, 2] as const) {
    const json = await sigstoreBundle(sigstore, { rekor });
    const trust = await trustIn(sigstore, (root) => root.tlogs.splice(rekor - 1, 1));
    const found = await verifyJson(json, trust, policyOf(sigstore));
    assert.deepEqual(failures(found), { "transparency-log": "TLOG_UNKNOWN" });
  }
});

test("verify() does not count an entry in an unknown log beside a known one, and says so", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  const alone = await verifyJson(json, forge.trust(), FORGED_POLICY);
  const stranger = new AnyLog(1, "stranger.example");
  const body = JSON.parse(Buffer.from(entriesOf(json)[0].canonicalizedBody, "base64").toString());
  entriesOf(json).unshift(stranger.enter(body, new Date(0)));
  const found = await verifyJson(json, forge.trust(), FORGED_POLICY);
  assert.deepEqual(failures(found), {});
  assert.equal(countedEntries(found), 1);
  assert.deepEqual(found.timestamps, alone.timestamps);
  assert.notEqual(said(found, "transparency-log"), said(alone, "transparency-log"));
});

test("verify() refuses a bundle without any entry", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  entriesOf(json).length = 0;
  // Without entries it is one of the certificate method.
  assert.deepEqual(await codesFor(json, forge.trust(), FORGED_POLICY), ["BUNDLE_MATERIAL"]);
});

test("verify() refuses the proof for another entry", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  for (const rekor of [1, 2] as const) {
    const [json, other] = [
      await sigstoreBundle(sigstore, { rekor }),
      await sigstoreBundle(sigstore, { rekor }),
    ];
    entriesOf(json)[0].inclusionProof = entriesOf(other)[0].inclusionProof;
    const found = await verifyJson(json, trust, policy);
    assert.equal(failures(found)["transparency-log"], "TLOG_INCLUSION_PROOF");
  }
});

test("verify() refuses a proof whose checkpoint is of another tree", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  for (const rekor of [1, 2] as const) {
    const [json, other] = [
      await sigstoreBundle(sigstore, { rekor }),
      await sigstoreBundle(sigstore, { rekor }),
    ];
    const { checkpoint } = entriesOf(other)[0].inclusionProof;
    entriesOf(json)[0].inclusionProof.checkpoint = checkpoint;
    const found = await verifyJson(json, trust, policy);
    assert.equal(failures(found)["transparency-log"], "TLOG_CHECKPOINT");
  }
});

test("verify() refuses a proof with another root or size than its checkpoint has", async () => {
  const forge = new Forge();
  const right = forge.bundle();
  const { rootHash, treeSize } = entriesOf(right)[0].inclusionProof;
  const other = base64(Buffer.from(rootHash, "base64").reverse());
  for (
    const change of [
      { rootHash: other },
      { treeSize: String(Number(treeSize) + 1) },
      { treeSize: String(Number(treeSize) - 1) },
    ]
  ) {
    const json = structuredClone(right);
    Object.assign(entriesOf(json)[0].inclusionProof, change);
    const found = await verifyJson(json, forge.trust(), FORGED_POLICY);
    assert.equal(failures(found)["transparency-log"], "TLOG_CHECKPOINT", JSON.stringify(change));
  }
});

test("verify() refuses the checkpoint of one log for an entry of another", async () => {
  const forge = new Forge();
  const other = new AnyLog(1, "other.example");
  const json = forge.bundle();
  const body = JSON.parse(Buffer.from(entriesOf(json)[0].canonicalizedBody, "base64").toString());
  const { inclusionProof } = other.enter(body);
  entriesOf(json)[0].inclusionProof = inclusionProof;
  const trust = forge.trust((root) => root.tlogs.push(other.trusted));
  const found = await verifyJson(json, trust, FORGED_POLICY);
  assert.equal(failures(found)["transparency-log"], "TLOG_CHECKPOINT");
});

test("verify() refuses the entry of another bundle", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  for (const rekor of [1, 2] as const) {
    const [json, other] = [
      await sigstoreBundle(sigstore, { rekor }),
      await sigstoreBundle(sigstore, { rekor, names: ["other"] }),
    ];
    json.verificationMaterial.tlogEntries = entriesOf(other);
    const found = await verifyJson(json, trust, policy);
    assert.equal(failures(found)["transparency-log"], "TLOG_ENTRY_MISMATCH");
    // A good entry does not make up for one that is about something else.
    entriesOf(json).push(...entriesOf(await sigstoreBundle(sigstore, { rekor })));
    assert.equal(
      failures(await verifyJson(json, trust, policy))["transparency-log"],
      "TLOG_ENTRY_MISMATCH",
    );
  }
});

test("verify() refuses an entry that holds another signature, certificate or payload", async () => {
  const forge = new Forge();
  const trust = forge.trust();
  const forged = forge.certify();
  for (
    const kind of [
      "dsse 0.0.1",
      "dsse 0.0.2",
      "intoto 0.0.2",
      "hashedrekord 0.0.1",
      "hashedrekord 0.0.2",
    ] as const
  ) {
    const json = forge.bundle(forged, { kind });
    assert.deepEqual(await codesFor(json, trust, FORGED_POLICY), [], kind);
    const payload = Buffer.from(json.dsseEnvelope.payload, "base64");
    const signed = preAuthentication(payload);
    const right = { payload, signed, signature: signatureOf(json), certificate: forged.der };
    const other = Buffer.from("another");
    for (
      const wrong of [
        { signature: signWith(forged.key, other) },
        // Another certificate of the same key.
        { certificate: forge.certify({ key: forged.key }).der },
        { payload: other, signed: preAuthentication(other) },
      ]
    ) {
      entriesOf(json)[0] = forge.log.enter(entryBody(kind, { ...right, ...wrong }));
      const found = await verifyJson(json, trust, FORGED_POLICY);
      assert.deepEqual(
        failures(found),
        { "transparency-log": "TLOG_ENTRY_MISMATCH", timestamps: "TIMESTAMP_MISSING" },
        `${kind}: ${Object.keys(wrong)}`,
      );
    }
  }
});

test("verify() counts a log once, whether an entry is repeated or there are two", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  const [entry] = entriesOf(json);
  const body = JSON.parse(Buffer.from(entry.canonicalizedBody, "base64").toString());
  const later = forge.log.enter(body, new Date(Date.now() + 5000));
  for (const entries of [[entry, entry], [entry, later], [later, entry, later]]) {
    json.verificationMaterial.tlogEntries = entries;
    const found = await verifyJson(json, forge.trust(), FORGED_POLICY);
    assert.deepEqual(failures(found), {});
    assert.equal(countedEntries(found), 1);
    const seconds = Number(entry.integratedTime);
    assert.deepEqual(found.timestamps.map(({ time }) => Date.parse(time) / 1000), [seconds]);
  }
});

test("verify() refuses more entries and timestamps than anybody needs", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore);
  const [entry, timestamp] = [entriesOf(json)[0], stampsOf(json)[0]];
  entriesOf(json).push(...Array(32).fill(entry));
  stampsOf(json).push(...Array(32).fill(timestamp));
  const found = failures(await verifyJson(json, trust, policy));
  assert.equal(found["transparency-log"], "TLOG_ENTRY_MALFORMED");
  assert.equal(found["timestamps"], "TIMESTAMP_MALFORMED");
});

test("verify() refuses logs, authorities and certificate logs outside their periods", async () => {
  await using sigstore = await startSigstore();
  const policy = policyOf(sigstore);
  const [v1, v2] = [
    await sigstoreBundle(sigstore),
    await sigstoreBundle(sigstore, { rekor: 2 }),
  ];
  const periods = [
    { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" },
    { start: "2999-01-01T00:00:00Z" },
  ];
  for (const validFor of periods) {
    const cases: readonly (readonly [Loose, string, string, (root: Loose) => void])[] = [
      [v1, "certificate-chain", "CERTIFICATE_UNTRUSTED", (root) => {
        root.certificateAuthorities[0].validFor = validFor;
      }],
      [v1, "certificate-log", "SCT_INVALID", (root) => {
        root.ctlogs[0].publicKey.validFor = validFor;
      }],
      [v1, "transparency-log", "TLOG_UNKNOWN", (root) => {
        root.tlogs[0].publicKey.validFor = validFor;
      }],
      // It signs no time of its own: what others say counts.
      [v2, "transparency-log", "TLOG_UNKNOWN", (root) => {
        root.tlogs[1].publicKey.validFor = validFor;
      }],
      [v1, "timestamps", "TIMESTAMP_UNTRUSTED", (root) => {
        root.timestampAuthorities[0].validFor = validFor;
      }],
    ];
    for (const [json, id, code, change] of cases) {
      const found = await verifyJson(json, await trustIn(sigstore, change), policy);
      assert.equal(failures(found)[id], code, `${id} ${JSON.stringify(validFor)}`);
      assert.equal(found.identity, undefined);
    }
  }
});

test("verify() accepts a log and a certificate log that are listed twice, with periods in a row", async () => {
  await using sigstore = await startSigstore();
  const twice = await trustIn(sigstore, (root) => {
    for (const list of ["tlogs", "ctlogs"]) {
      root[list] = root[list].flatMap((log: Loose) => {
        const ended = structuredClone(log);
        ended.publicKey.validFor = { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" };
        return [ended, log];
      });
    }
  });
  for (const rekor of [1, 2] as const) {
    const json = await sigstoreBundle(sigstore, { rekor });
    assert.deepEqual(await codesFor(json, twice, policyOf(sigstore)), [], `Rekor v${rekor}`);
  }
});

test("verify() goes by the time that the log has signed for the log's own period", async () => {
  using pki = new Pki();
  const forge = new Forge();
  const forged = forge.certify({ from: -3 * 3600, to: 3600 });
  const json = forge.bundle(forged, { time: new Date(Date.now() - 2 * HOUR) });
  const root = pki.root();
  const tsa = tsaCertificate(pki, root);
  stampWith(json, stamp(pki, tsa, signatureOf(json)));
  const trust = forge.trust((message) => {
    // It has ended since, and before the timestamp.
    message.tlogs[0].publicKey.validFor.end = new Date(Date.now() - HOUR).toISOString();
    message.timestampAuthorities = [
      authority([tsa.certificate, root.certificate], { start: "2020-01-01T00:00:00Z" }),
    ];
  });
  const found = await verifyJson(json, trust, FORGED_POLICY);
  assert.deepEqual(failures(found), {});
  assert.equal(found.timestamps.length, 2);
});

test("verify() refuses logs and authorities that are trusted since ever", async () => {
  await using sigstore = await startSigstore();
  const policy = policyOf(sigstore);
  const json = await sigstoreBundle(sigstore);
  const cases: readonly (readonly [string, string, (root: Loose) => void])[] = [
    ["transparency-log", "TLOG_UNKNOWN", (root) => delete root.tlogs[0].publicKey.validFor.start],
    ["transparency-log", "TLOG_UNKNOWN", (root) => delete root.tlogs[0].publicKey.validFor],
    ["certificate-log", "SCT_MISSING", (root) => delete root.ctlogs[0].publicKey.validFor],
    ["timestamps", "TIMESTAMP_UNTRUSTED", (root) => {
      delete root.timestampAuthorities[0].validFor;
      // What Rekor v1 says of the time is another matter.
      root.tlogs.shift();
    }],
    ["certificate-chain", "CERTIFICATE_UNTRUSTED", (root) => {
      delete root.certificateAuthorities[0].validFor;
    }],
  ];
  for (const [id, code, change] of cases) {
    const found = await verifyJson(json, await trustIn(sigstore, change), policy);
    assert.equal(failures(found)[id], code, id);
  }
});

test("verify() takes no time and no index from an entry that the log has not signed", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore);
  const [entry] = entriesOf(json);
  for (const promise of [undefined, null]) {
    if (promise === null) entry.inclusionPromise = null;
    else delete entry.inclusionPromise;
    entry.integratedTime = "1000000000";
    entry.logIndex = "7";
    const found = await verifyJson(json, trust, policy);
    assert.deepEqual(failures(found), {});
    assert.deepEqual(found.timestamps.map(({ source }) => source), ["rfc3161"]);
    assert.ok(found.identity?.kind === "named");
    assert.equal(
      found.identity.fields?.["log entry"],
      `${entry.inclusionProof.logIndex} of ${sigstore.url}`,
    );
  }
  delete json.verificationMaterial.timestampVerificationData;
  const found = await verifyJson(json, trust, policy);
  assert.deepEqual(failures(found), { timestamps: "TIMESTAMP_MISSING" });
});

test("verify() refuses a time or another index put into an entry of Rekor v2", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const right = await sigstoreBundle(sigstore, { rekor: 2 });
  const changes: readonly (readonly [string, Loose])[] = [
    ["TLOG_ENTRY_MALFORMED", { integratedTime: "1000000000" }],
    ["TLOG_ENTRY_MALFORMED", { integratedTime: "1000000000", inclusionPromise: null }],
    ["TLOG_INCLUSION_PROOF", { logIndex: "7" }],
    ["TLOG_INCLUSION_PROMISE", { inclusionPromise: { signedEntryTimestamp: "QUJD" } }],
    ["TLOG_INCLUSION_PROMISE", {
      integratedTime: "1000000000",
      inclusionPromise: { signedEntryTimestamp: "QUJD" },
    }],
  ];
  for (const [code, change] of changes) {
    const json = structuredClone(right);
    Object.assign(entriesOf(json)[0], change);
    assert.deepEqual(await codesFor(json, trust, policy), [code], JSON.stringify(change));
  }
});

test("verify() accepts an in-toto entry of Rekor v1 whose log has promised nothing", async () => {
  using pki = new Pki();
  const forge = new Forge();
  const json = forge.bundle(forge.certify(), { kind: "intoto 0.0.2" });
  delete entriesOf(json)[0].inclusionPromise;
  const root = pki.root();
  const tsa = tsaCertificate(pki, root);
  stampWith(json, stamp(pki, tsa, signatureOf(json)));
  const trust = forge.trust((message) => {
    message.timestampAuthorities = [
      authority([tsa.certificate, root.certificate], { start: "2020-01-01T00:00:00Z" }),
    ];
  });
  assert.deepEqual(await codesFor(json, trust, FORGED_POLICY), []);
});

test("verify() spends a limited number of signature checks on all timestamps of a bundle", async () => {
  using pki = new Pki();
  const forge = new Forge();
  const json = forge.bundle();
  const root = pki.root();
  const own = tsaCertificate(pki, root);
  const trust = forge.trust((trusted) =>
    trusted.timestampAuthorities.push(
      authority([own.certificate, root.certificate], { start: "2020-01-01T00:00:00Z" }),
    )
  );
  const token = forgeToken(own, signatureOf(json));
  // Of one name, so that each of them may have issued the signer's certificate: 15 checks for each token.
  const ring = Array.from({ length: 15 }, () => pki.root({ subject: "/CN=ring" }));
  const hostile = Array.from({ length: 14 }, () => {
    const signer = tsaCertificate(pki, pki.root({ subject: "/CN=ring" }));
    const certificates = [signer, ...ring].map(({ certificate }) => derOf(certificate));
    return forgeToken(signer, signatureOf(json), { certificates });
  });
  for (const [tokens, counted] of [[[token, ...hostile], 2], [[...hostile, token], 1]] as const) {
    json.verificationMaterial.timestampVerificationData = {
      rfc3161Timestamps: tokens.map((der) => ({ signedTimestamp: base64(der) })),
    };
    const found = await verifyJson(json, trust, FORGED_POLICY);
    assert.deepEqual(failures(found), {});
    assert.equal(found.timestamps.length, counted);
  }
});
