/** What Sigstore puts into a bundle, random and mutated: findings or values, never anything thrown. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import type { Issue, IssueCode } from "../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { printable } from "../../core/text.ts";
import { type Certificate, parseCertificate } from "../../plugins/_x509/mod.ts";
import { parseCheckpoint } from "../../plugins/sigstore/checkpoint.ts";
import { certificateClaims } from "../../plugins/sigstore/claims.ts";
import { parseEntry } from "../../plugins/sigstore/entry.ts";
import { bodyIssue } from "../../plugins/sigstore/entry_body.ts";
import { verifyEntries } from "../../plugins/sigstore/evidence.ts";
import { MemberError } from "../../plugins/sigstore/members.ts";
import { SCT_LIST, verifyScts } from "../../plugins/sigstore/sct.ts";
import { encode, type Loose, sha256, statementOf } from "../support/bundles.ts";
import { parseSigstoreBundle } from "../support/sigstore_any_bundle.ts";
import { verifyAny } from "../support/sigstore_any_verify.ts";
import { Forge, FORGED_POLICY, fulcioText, fulcioUtf8 } from "../support/sigstore_forge.ts";
import { AnyLog } from "../support/sigstore_log.ts";
import { messageContent } from "../support/sigstore_message.ts";
import { mutated } from "./_mutated.ts";
import { mutatedJson } from "./_mutated_json.ts";

const FORGE = new Forge();
const TRUST = FORGE.trust();
const LOG_2 = new AnyLog(2);
const ARTIFACT = Buffer.from("artifact");
const PAYLOAD = encode({
  ...statementOf(["a"]),
  subject: [{ digest: { sha256: sha256(ARTIFACT) } }],
});
const KINDS = [
  ...["dsse 0.0.1", "dsse 0.0.2", "intoto 0.0.2"] as const,
  ...["hashedrekord 0.0.1", "hashedrekord 0.0.2"] as const,
];
const BUNDLES: readonly Loose[] = KINDS.map((kind) =>
  FORGE.bundle(FORGE.certify(), { kind, payload: PAYLOAD })
);
const ENTRIES: readonly Loose[] = [
  ...BUNDLES.map(({ verificationMaterial }) => verificationMaterial.tlogEntries[0]),
  LOG_2.enter({ kind: "hashedrekord", apiVersion: "0.0.2", spec: {} }),
];

function assertIssue(issue: Issue | undefined, codes: readonly IssueCode[]): void {
  if (!issue) return;
  assert.ok(codes.includes(issue.code), issue.code);
  assert.equal(printable(issue.message), issue.message);
  assert.ok(issue.message.length < 2000);
}

/** The JSON object that bytes are, if they are one. */
function objectIn(bytes: Uint8Array): JsonObject | undefined {
  try {
    const json = parseJson(bytes);
    return isObject(json) ? json : undefined;
  } catch (error) {
    assert.ok(error instanceof JsonError);
    return undefined;
  }
}

function certificate(der: Uint8Array): Certificate {
  const parsed = parseCertificate(der);
  assert.ok(parsed.ok);
  return parsed.value;
}

test("parseEntry() gives an entry or a finding for any object", () => {
  fc.assert(
    fc.property(fc.oneof(mutatedJson(ENTRIES), mutated(ENTRIES.map(encode))), (near) => {
      const json = near instanceof Uint8Array ? objectIn(near) : near;
      if (!json) return;
      const entry = parseEntry(json);
      if (!entry.ok) return assertIssue(entry.issue, ["TLOG_ENTRY_MALFORMED"]);
      assert.ok(Number.isSafeInteger(entry.value.logIndex));
      assert.ok(!entry.value.integratedTime || !Number.isNaN(entry.value.integratedTime.getTime()));
      assert.ok((entry.value.proof?.hashes ?? []).every(({ length }) => length === 32));
    }),
    { numRuns: 3000 },
  );
});

test("parseEntry() gives an entry or a finding for any values in the place of members", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ENTRIES),
      fc.constantFrom(...Object.keys(ENTRIES[0]), ...Object.keys(ENTRIES[0].inclusionProof)),
      fc.jsonValue(),
      (entry, member, value) => {
        const json = structuredClone(entry);
        const holder = member in json ? json : json.inclusionProof;
        holder[member] = value;
        const parsed = parseEntry(json);
        assertIssue(parsed.ok ? undefined : parsed.issue, ["TLOG_ENTRY_MALFORMED"]);
      },
    ),
    { numRuns: 2000 },
  );
});

test("parseCheckpoint() gives a checkpoint or a MemberError for any text", () => {
  const notes = ENTRIES.map(({ inclusionProof }) => encode(inclusionProof.checkpoint.envelope));
  fc.assert(
    fc.property(mutated(notes), fc.constantFrom("utf8", "latin1", "utf16le"), (bytes, encoding) => {
      try {
        const { treeSize, rootHash, signatures, origin } = parseCheckpoint(
          Buffer.from(bytes).toString(encoding as BufferEncoding),
        );
        assert.ok(Number.isSafeInteger(treeSize) && treeSize >= 0);
        assert.equal(rootHash.length, 32);
        assert.ok(signatures.length > 0 && signatures.length <= 100);
        assert.ok(origin !== "" && !origin.includes("\n"));
      } catch (error) {
        assert.ok(error instanceof MemberError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test("bodyIssue() gives a finding or nothing for any body", () => {
  const content = messageContent(PAYLOAD, PAYLOAD);
  const bodies = ENTRIES.map(({ canonicalizedBody }) => Buffer.from(canonicalizedBody, "base64"));
  fc.assert(
    fc.property(mutated(bodies), fc.constantFrom(...KINDS), (body, name) => {
      const [kind = "", version = ""] = name.split(" ");
      const issue = bodyIssue({ logId: "", logIndex: 0, kind, version, body }, content, PAYLOAD);
      assertIssue(issue, ["TLOG_ENTRY_MALFORMED", "TLOG_ENTRY_MISMATCH"]);
      assert.ok(issue, "it is about something else in any case");
    }),
    { numRuns: 3000 },
  );
});

test("verifyScts() gives a result for any list and any certificate", () => {
  const leaf = certificate(FORGE.certify().der);
  const issuer = certificate(FORGE.intermediate.certificate);
  const value = leaf.rawExtensions.find(({ id }) => id === SCT_LIST)!.value;
  const others = leaf.rawExtensions.filter(({ id }) => id !== SCT_LIST);
  const { certificateLogs } = TRUST.root;
  const judge = (changed: Certificate) => {
    const found = verifyScts(changed, issuer, certificateLogs);
    assertIssue(found.ok ? undefined : found.issue, ["SCT_MISSING", "SCT_INVALID"]);
    return found.ok;
  };
  assert.ok(judge(leaf));
  fc.assert(
    fc.property(mutated([value]), (list) => {
      const extension = { id: SCT_LIST, critical: false, value: list };
      const accepted = judge({ ...leaf, rawExtensions: [...others, extension] });
      assert.ok(!accepted || Buffer.compare(list, value) === 0);
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(mutated([leaf.tbs]), (tbs) => {
      const accepted = judge({ ...leaf, tbs });
      assert.ok(!accepted || Buffer.compare(tbs, leaf.tbs) === 0 || sameWithoutScts(tbs));
    }),
    { numRuns: 2000 },
  );

  /** What lies in the timestamps' own extension is not what they are over. */
  function sameWithoutScts(tbs: Uint8Array): boolean {
    const at = Buffer.from(leaf.tbs).indexOf(value);
    const cut = (bytes: Uint8Array) =>
      Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value.length)]);
    return tbs.length === leaf.tbs.length && cut(tbs).equals(cut(leaf.tbs));
  }
});

test("certificateClaims() gives claims or a problem for any extension", () => {
  const claims = [
    ...[fulcioText(1, "https://issuer.example"), fulcioUtf8(8, "https://issuer.example")],
    ...[fulcioText(2, "push"), fulcioUtf8(9, "https://github.com/o/r")],
  ];
  const leaf = certificate(FORGE.certify({ claims }).der);
  const values = leaf.rawExtensions.map(({ value }) => value);
  fc.assert(
    fc.property(fc.nat(leaf.rawExtensions.length - 1), mutated(values), (place, value) => {
      const rawExtensions = leaf.rawExtensions.with(place, {
        ...leaf.rawExtensions[place]!,
        value,
      });
      const found = certificateClaims({ ...leaf, rawExtensions });
      if (!found.ok) return assert.ok(found.problem.length < 1000);
      const { identity, issuer, fields } = found.claims;
      for (const text of [identity, issuer, ...fields.map(([, each]) => each)]) {
        assert.ok(text.length > 0 && text.isWellFormed());
      }
    }),
    { numRuns: 3000 },
  );
});

test("parseSigstoreBundle() and verifyEntity() give findings for any bytes", async () => {
  const { dsseEnvelope: _, ...rest } = BUNDLES[0];
  const message = { ...rest, messageSignature: { signature: "QUJD" } };
  const good = [...BUNDLES, message];
  const near = fc.oneof(
    { weight: 4, arbitrary: mutatedJson(good).map(encode) },
    { weight: 1, arbitrary: mutated(good.map(encode)) },
  );
  let verified = 0;
  await fc.assert(
    fc.asyncProperty(near, async (bytes) => {
      const parsed = parseSigstoreBundle(bytes, { bytes: ARTIFACT });
      if (!parsed.ok) {
        return assertIssue(parsed.issue, [
          ...["BUNDLE_MALFORMED", "BUNDLE_MEDIA_TYPE", "BUNDLE_MATERIAL"] as const,
          ...["ENVELOPE_SIGNATURES", "SIGNATURE_INVALID"] as const,
        ]);
      }
      const checks = await verifyAny(parsed.value, { trust: TRUST, policy: FORGED_POLICY });
      verified++;
      for (const { detail } of checks) assert.equal(printable(detail), detail);
    }),
    { numRuns: 1000 },
  );
  assert.ok(verified > 100, `${verified} could be parsed`);
});

test("parseEntry() and verifyEntries() do not follow hostile sizes", () => {
  const [entry] = ENTRIES;
  const hash = entry.inclusionProof.rootHash;
  const { envelope } = entry.inclusionProof.checkpoint;
  const million = 1_000_000;
  const proofs: readonly Loose[] = [
    { hashes: Array(million).fill(hash) },
    { hashes: [hash.repeat(million)] },
    { checkpoint: { envelope: "x\n".repeat(million) } },
    { checkpoint: { envelope: envelope + "\u2014 a AAAAAAAA\n".repeat(5000) } },
    { checkpoint: { envelope: "\n".repeat(60_000) } },
    { logIndex: "9".repeat(million) },
    { treeSize: "9".repeat(16) },
  ];
  for (const change of proofs) {
    const json = { ...entry, inclusionProof: { ...entry.inclusionProof, ...change } };
    const parsed = parseEntry(json);
    assertIssue(parsed.ok ? undefined : parsed.issue, ["TLOG_ENTRY_MALFORMED"]);
    assert.ok(!parsed.ok, Object.keys(change).join());
  }
  const found = verifyEntries(Array(million).fill(entry), TRUST.root.transparencyLogs, {
    content: messageContent(PAYLOAD, PAYLOAD),
    signer: PAYLOAD,
    proofRequired: true,
  });
  assert.equal(found.issues.length, 1);
  assert.equal(found.proven.length, 0);
});

test("verifyEntries() tries no more signatures than a checkpoint may have", () => {
  const [entry] = ENTRIES;
  const { envelope } = entry.inclusionProof.checkpoint;
  const [text] = envelope.split("\n\n");
  const hint = Buffer.from(entry.logId.keyId, "base64").subarray(0, 4);
  // Each claims to be by the log, and has to be tried.
  const line = `\u2014 log1.example ${
    Buffer.concat([hint, Buffer.alloc(70, 0x30)]).toString("base64")
  }\n`;
  const entries = Array.from({ length: 32 }, () => ({
    ...entry,
    inclusionProof: {
      ...entry.inclusionProof,
      checkpoint: { envelope: `${text}\n\n${line.repeat(100)}` },
    },
  }));
  const found = verifyEntries(entries, TRUST.root.transparencyLogs, {
    content: messageContent(PAYLOAD, PAYLOAD),
    signer: PAYLOAD,
    proofRequired: true,
  });
  assert.deepEqual(new Set(found.issues.map(({ code }) => code)), new Set(["TLOG_CHECKPOINT"]));
});
