/** The checks that a Sigstore signature has to pass, whatever it is over. */

import type { KeyObject } from "node:crypto";
import { failedCheck, skippedCheck } from "../../core/check.ts";
import type { Issue } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { keyAlgorithm, publicKeyDer } from "../../core/keys.ts";
import { printable } from "../../core/text.ts";
import type { Check, Identity, SignatureVerification } from "../../core/verifier.ts";
import {
  type Certificate,
  certificateKey,
  certificateName,
  isoTime,
  parseCertificate,
} from "../_x509/mod.ts";
import { type ChainResult, findChain, usageIssue } from "./chain.ts";
import { certificateClaims, type Claims } from "./claims.ts";
import type { SignedContent } from "./content.ts";
import {
  type Findings,
  type ProvenTime,
  timesOf,
  untimelyEntry,
  verifyEntries,
  verifyTimestamps,
} from "./evidence.ts";
import { identityChecks } from "./identity_checks.ts";
import type { LoggedEntry } from "./log.ts";
import type { SignerPolicy } from "./policy.ts";
import { type SctResult, verifyScts } from "./sct.ts";
import { describeTrust, type Trust } from "./trust/mod.ts";

/** A signature with all that a bundle says about it. Nothing is verified. */
export type SignedEntity = {
  readonly content: SignedContent;
  /** DER of the certificate that signed. Undefined for a bundle that names a key. */
  readonly certificate: Uint8Array | undefined;
  readonly tlogEntries: readonly JsonObject[];
  readonly timestamps: readonly Uint8Array[];
  /** False for bundles before v0.3, whose log entries may lack the proof and have the log's promise only. */
  readonly proofRequired: boolean;
};

/** Who must have signed: somebody that a certificate names, or the owner of a key. */
export type EntityPolicy = SignerPolicy | { readonly publicKey: KeyObject };

/** What a verification is made with. */
export type EntityVerification = {
  readonly trust: Trust;
  readonly policy: EntityPolicy;
  /** This machine's clock; decides nothing, but disagreements are said. Default: now. */
  readonly now?: Date;
};

/** How far apart this machine's clock and a signed time may be before the report says so, in ms. */
const CLOCK_TOLERANCE = 5 * 60 * 1000;

/**
 * Verifies a signature. Makes no network connection.
 *
 * Checks, in this order: `trust-root`, `signature`, `certificate-chain`, `certificate-usage`,
 * `certificate-log`, `transparency-log`, `timestamps`, `identity`, `identity-provider`. Every check that can
 * run does, also after a failed one. For a key, those of the certificate and the identity are left out.
 */
export async function verifyEntity(
  entity: SignedEntity,
  { trust, policy, now = new Date() }: EntityVerification,
): Promise<SignatureVerification> {
  const { origin } = trust;
  const trustRoot = passed(
    "trust-root",
    [describeTrust(origin, now), ...origin.notes.map(printable)].join("; "),
  );
  if ("publicKey" in policy) {
    return await verifyWithKey(entity, policy.publicKey, trust, trustRoot, now);
  }
  const leaf = leafOf(entity);
  if ("issue" in leaf) {
    const moot = CERTIFICATE_CHECKS.map((id) =>
      skippedCheck(id, "there is no certificate to check")
    );
    return { checks: [trustRoot, failedCheck("signature", leaf.issue), ...moot], timestamps: [] };
  }
  const { root } = trust;
  const evidence = await gather(entity, trust, leaf.der);
  const chain = evidence.times.length === 0
    ? undefined
    : await findChain(leaf, root.certificateAuthorities, evidence.times.map(({ time }) => time));
  const scts = chain?.path?.[1] && verifyScts(leaf, chain.path[1], root.certificateLogs);
  const claims = certificateClaims(leaf);
  const checks = [
    trustRoot,
    await signatureCheck(entity.content, leaf),
    chainCheck(chain),
    check("certificate-usage", usageIssue(leaf), "the certificate may sign code"),
    sctCheck(scts),
    ...evidenceChecks(evidence, now),
    ...identityChecks(claims, policy, {
      certificate: certificateName(leaf),
      vouchedFor: chain?.path !== undefined,
    }),
  ];
  return conclude(
    checks,
    evidence,
    claims.ok && chain?.path
      ? identityOf(claims.claims, chain.authority.name, evidence.entries.proven)
      : undefined,
  );
}

/** Those that need a certificate, and those that need what it says. */
const CERTIFICATE_CHECKS = [
  "certificate-chain",
  "certificate-usage",
  "certificate-log",
  "transparency-log",
  "timestamps",
  "identity",
  "identity-provider",
] as const;

/** Evidence of a bundle, and the times that it proves. */
type Evidence = {
  readonly entries: Findings<LoggedEntry>;
  readonly stamps: Findings<ProvenTime>;
  /** Earliest first. */
  readonly times: readonly ProvenTime[];
};

async function gather(entity: SignedEntity, trust: Trust, signer: Uint8Array): Promise<Evidence> {
  const { content, tlogEntries, timestamps, proofRequired } = entity;
  const { transparencyLogs, timestampAuthorities } = trust.root;
  const found = verifyEntries(tlogEntries, transparencyLogs, { content, signer, proofRequired });
  const stamps = await verifyTimestamps(timestamps, timestampAuthorities, content.signature);
  const times = [...stamps.proven, ...timesOf(found.proven)]
    .sort((left, right) => left.time.getTime() - right.time.getTime());
  const untimely = untimelyEntry(found.proven, transparencyLogs, times);
  const entries = untimely ? { ...found, issues: [...found.issues, untimely] } : found;
  return { entries, stamps, times };
}

async function verifyWithKey(
  entity: SignedEntity,
  publicKey: KeyObject,
  trust: Trust,
  trustRoot: Check,
  now: Date,
): Promise<SignatureVerification> {
  if (entity.certificate !== undefined) {
    const message = "the signature was made with a certificate, expected a key";
    return {
      checks: [trustRoot, failedCheck("signature", { code: "BUNDLE_MATERIAL", message })],
      timestamps: [],
    };
  }
  const evidence = await gather(entity, trust, publicKeyDer(publicKey));
  const found = keyAlgorithm(publicKey);
  const name = "algorithm" in found ? found.algorithm.name : found.refused;
  const checks = [
    trustRoot,
    await entity.content.isSignedBy(publicKey)
      ? passed("signature", `made with the given ${name} key`)
      : failedCheck("signature", {
        code: "SIGNATURE_INVALID",
        message: `the signature was not made with the given ${name} key over this content`,
      }),
    ...evidenceChecks(evidence, now),
  ];
  return conclude(checks, evidence, {
    method: "sigstore",
    name: `the owner of the given ${name} key`,
  });
}

function conclude(
  checks: readonly Check[],
  { times }: Evidence,
  identity: Identity | undefined,
): SignatureVerification {
  const holds = checks.some(({ id, status }) => id === "signature" && status === "passed");
  const accepted = checks.every(({ status }) => status === "passed");
  return {
    checks,
    timestamps: times.map(({ source, time, authority }) => ({
      source,
      time: isoTime(time),
      authority,
    })),
    ...(holds ? { encoding: "standard" } : {}),
    ...(accepted && identity ? { identity } : {}),
  };
}

function leafOf({ certificate }: SignedEntity): Certificate | { readonly issue: Issue } {
  if (certificate === undefined) {
    const message = "the signature was made with a key, expected a Sigstore certificate";
    return { issue: { code: "BUNDLE_MATERIAL", message } };
  }
  const leaf = parseCertificate(certificate);
  return leaf.ok ? leaf.value : { issue: leaf.issue };
}

async function signatureCheck(content: SignedContent, leaf: Certificate): Promise<Check> {
  const key = certificateKey(leaf.publicKeyInfo);
  const refused = "refused" in key
    ? key.refused
    : key.pss
    ? "a key that is restricted to RSA-PSS"
    : undefined;
  if ("refused" in key || refused !== undefined) {
    const message = `certificate ${certificateName(leaf)} has ${refused}`;
    return failedCheck("signature", { code: "KEY_REFUSED", message });
  }
  if (await content.isSignedBy(key.key)) {
    return passed(
      "signature",
      `made with the ${key.name} key of certificate ${certificateName(leaf)}`,
    );
  }
  const message = `the signature was not made with the key of certificate ${
    certificateName(leaf)
  } over this content`;
  return failedCheck("signature", { code: "SIGNATURE_INVALID", message });
}

function chainCheck(chain: ChainResult | undefined): Check {
  const id = "certificate-chain";
  if (!chain) return skippedCheck(id, "it is not proven when the signature was made");
  if (!chain.path) return failedCheck(id, chain.issue);
  return passed(
    id,
    `${chain.path.length} certificates, up to ${printable(chain.authority.name)}, valid when the ` +
      "signature was made",
  );
}

function sctCheck(scts: SctResult | undefined): Check {
  const id = "certificate-log";
  if (!scts) return skippedCheck(id, "there is no chain whose issuer could tell");
  if (!scts.ok) return failedCheck(id, scts.issue);
  const logs = scts.logs.map(({ baseUrl }) => printable(baseUrl)).join(", ");
  return passed(id, `the certificate was logged by ${logs} on ${isoTime(scts.time)}`);
}

function evidenceChecks({ entries, stamps, times }: Evidence, now: Date): readonly Check[] {
  return [entriesCheck(entries), timesCheck(stamps, times, now)];
}

function entriesCheck({ proven, foreign, issues }: Findings<LoggedEntry>): Check {
  const id = "transparency-log";
  const [issue] = issues;
  if (issue) return failedCheck(id, issue);
  if (proven.length === 0) {
    return failedCheck(
      id,
      foreign[0] ?? {
        code: "TLOG_ENTRY_MISSING",
        message: "the bundle has no entry of a transparency log",
      },
    );
  }
  const told = proven.map(({ index, log }) => `entry ${index} of ${printable(log.baseUrl)}`);
  return passed(id, told.join(", ") + others(foreign, "entry", "entries"));
}

function timesCheck(
  { foreign, issues }: Findings<ProvenTime>,
  times: readonly ProvenTime[],
  now: Date,
): Check {
  const id = "timestamps";
  const [issue] = issues;
  if (issue) return failedCheck(id, issue);
  if (times.length === 0) {
    return failedCheck(
      id,
      foreign[0] ?? {
        code: "TIMESTAMP_MISSING",
        message: "nobody who is trusted says when the signature was made",
      },
    );
  }
  const told = times.map(({ time, authority }) => `${isoTime(time)} by ${printable(authority)}`);
  const ahead = times.find(({ time }) => time.getTime() > now.getTime() + CLOCK_TOLERANCE);
  const clock = ahead
    ? `; this machine's clock says ${
      isoTime(now)
    }, before the signature was made, so it may be wrong`
    : "";
  return passed(id, told.join(", ") + others(foreign, "timestamp", "timestamps") + clock);
}

/** Says what was not counted. */
function others(foreign: readonly Issue[], one: string, many: string): string {
  const { length } = foreign;
  if (length === 0) return "";
  return `; ${length} ${length === 1 ? one : many} by others who are not trusted, not counted`;
}

function identityOf(
  { identity, issuer, fields }: Claims,
  authority: string,
  entries: readonly LoggedEntry[],
): Identity {
  return {
    method: "sigstore",
    name: identity,
    issuer,
    fields: Object.fromEntries([
      ...fields,
      ["certificate authority", authority],
      ...entries.map(({ index, log }, place) => [
        place === 0 ? "log entry" : `log entry ${place + 1}`,
        `${index} of ${log.baseUrl}`,
      ]),
    ]),
  };
}

function check(id: string, issue: Issue | undefined, detail: string): Check {
  return issue ? failedCheck(id, issue) : passed(id, detail);
}

function passed(id: string, detail: string): Check {
  return { id, status: "passed", detail };
}
