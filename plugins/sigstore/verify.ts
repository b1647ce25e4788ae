/** The checks that a Sigstore signature has to pass, whatever it is over. */

import { failedCheck, passedCheck, skippedCheck } from "../../core/check.ts";
import type { Issue } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import type { Check, Identity, SignatureVerification } from "../../core/verifier.ts";
import { leafKey } from "../_certificate/mod.ts";
import { type Certificate, certificateName, isoTime, parseCertificate } from "../_x509/mod.ts";
import { type ChainResult, findChain, usageIssue } from "./chain.ts";
import { certificateClaims, type Claims } from "./claims.ts";
import type { SignedContent } from "./content.ts";
import {
  type Evidence,
  evidenceChecks,
  verifyEvidence,
  type WitnessedSignature,
} from "./evidence_checks.ts";
import { identityChecks } from "./identity_checks.ts";
import type { LoggedEntry } from "./log.ts";
import type { SignerPolicy } from "./policy.ts";
import { type SctResult, verifyScts } from "./sct.ts";
import { describeTrust, type Trust } from "./trust/mod.ts";

/** A signature with all that a bundle says about it. Nothing is verified. */
export type SignedEntity = WitnessedSignature & {
  /** DER of the certificate that signed. */
  readonly certificate: Uint8Array;
};

/** What a verification is made with. */
export type EntityVerification = {
  readonly trust: Trust;
  readonly policy: SignerPolicy;
  /** This machine's clock; decides nothing, but disagreements are said. Default: now. */
  readonly now?: Date;
};

/**
 * Verifies a signature. Makes no network connection.
 *
 * Checks, in this order: `trust-root`, `signature`, `certificate-chain`, `certificate-usage`,
 * `certificate-log`, `transparency-log`, `timestamps`, `identity`, `identity-provider`. Every check that can
 * run does, also after a failed one.
 */
export async function verifyEntity(
  entity: SignedEntity,
  { trust, policy, now = new Date() }: EntityVerification,
): Promise<SignatureVerification> {
  const { origin } = trust;
  const trustRoot = passedCheck(
    "trust-root",
    [describeTrust(origin, now), ...origin.notes.map(printable)].join("; "),
  );
  const parsed = parseCertificate(entity.certificate);
  if (!parsed.ok) {
    const moot = CERTIFICATE_CHECKS.map((id) =>
      skippedCheck(id, "there is no certificate to check")
    );
    return { checks: [trustRoot, failedCheck("signature", parsed.issue), ...moot], timestamps: [] };
  }
  const leaf = parsed.value;
  const { root } = trust;
  const evidence = await verifyEvidence(entity, trust, leaf.der);
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

async function signatureCheck(content: SignedContent, leaf: Certificate): Promise<Check> {
  const key = leafKey(leaf);
  if ("issue" in key) return failedCheck("signature", key.issue);
  if (await content.isSignedBy(key.key)) {
    return passedCheck(
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
  return passedCheck(
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
  return passedCheck(id, `the certificate was logged by ${logs} on ${isoTime(scts.time)}`);
}

function identityOf(
  { identity, issuer, fields }: Claims,
  authority: string,
  entries: readonly LoggedEntry[],
): Identity {
  return {
    kind: "named",
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
  return issue ? failedCheck(id, issue) : passedCheck(id, detail);
}
