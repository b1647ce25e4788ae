/** Revocation along a path (RFC 5280 6.3), by complete lists that the user gives. */

import type { Issue } from "../../core/errors.ts";
import { type Certificate, certificateName } from "./certificate.ts";
import { CERTIFICATE_HOLD, type Crl, revocationReason } from "./crl.ts";
import { KEY_USAGE } from "./extensions.ts";
import type { Path } from "./path.ts";
import { certificateKey } from "./public_key.ts";
import { signatureScheme, verifySigned } from "./signature.ts";
import { isoTime } from "./validity.ts";

/** The outcome for a path. */
export type RevocationResult =
  | {
    readonly issue?: undefined;
    /** Certificates that a list clears. Holds the leaf. */
    readonly covered: readonly Certificate[];
    /** CAs of whose issuer there is no list. */
    readonly uncovered: readonly Certificate[];
  }
  | { readonly issue: Issue };

/**
 * Looks every certificate of a path but its anchor up in the lists of its issuer. One that any of them names is
 * revoked, however old the list. Else a list that was current, and would name it, must clear the leaf, and a CA
 * if there is any list of its issuer.
 *
 * Findings: `CERTIFICATE_REVOKED`, `CRL_UNUSABLE`.
 *
 * @param now when the lists are looked at: not the time at which the certificates are judged
 */
export async function checkRevocation(
  path: Path,
  crls: readonly Crl[],
  now: Date,
): Promise<RevocationResult> {
  const covered: Certificate[] = [];
  const uncovered: Certificate[] = [];
  for (const [index, certificate] of path.entries()) {
    // A leaf that is the anchor is its own issuer.
    const issuer = path[index + 1] ?? (index === 0 ? certificate : undefined);
    if (!issuer) break;
    const lists = crls.filter(({ issuerKey }) => issuerKey === issuer.subjectKey);
    if (lists.length === 0 && index > 0) {
      uncovered.push(certificate);
      continue;
    }
    const issue = await revocationIssue(certificate, issuer, lists, now);
    if (issue) return { issue };
    covered.push(certificate);
  }
  return { covered, uncovered };
}

async function revocationIssue(
  certificate: Certificate,
  issuer: Certificate,
  lists: readonly Crl[],
  now: Date,
): Promise<Issue | undefined> {
  const latestFirst = lists.toSorted((left, right) =>
    right.thisUpdate.getTime() - left.thisUpdate.getTime()
  );
  let cleared = false;
  let problem: string | undefined;
  let onlySilent = true;
  for (const crl of latestFirst) {
    const unusable = await crlProblem(crl, issuer, now);
    const reason = unusable === undefined ? revocationReason(crl, certificate.serial) : undefined;
    // RFC 5280 5.3.1: a hold can end. Every other revocation is for good, also when a later list leaves it out.
    if (reason !== undefined && !(cleared && reason === CERTIFICATE_HOLD)) {
      return revoked(certificate, reason);
    }
    if (unusable !== undefined) onlySilent = false;
    const why = unusable ?? silenceProblem(crl, certificate, now);
    if (why === undefined) cleared = true;
    else problem ??= `the revocation list of CA ${certificateName(issuer)} is not usable: ${why}`;
  }
  if (cleared) return undefined;
  return {
    code: "CRL_UNUSABLE",
    message: problem ??
      `no revocation list given is of CA ${certificateName(issuer)}, which issued ` +
        `certificate ${certificateName(certificate)}`,
    ...(now > certificate.notAfter && onlySilent
      ? {
        hint: "give the CA's list that was current when the certificate expired: it stays usable",
      }
      : {}),
  };
}

/** Why a list decides about no certificate at all: it is not its issuer's, not complete, or of the future. */
async function crlProblem(crl: Crl, issuer: Certificate, now: Date): Promise<string | undefined> {
  if (issuer.keyUsage && !issuer.keyUsage.has(KEY_USAGE.cRLSign)) {
    return "the CA's key usage does not allow it to sign revocation lists";
  }
  const weak = signatureScheme(crl.algorithm)?.weak;
  if (weak !== undefined) return `it is signed with ${weak}`;
  if (!await verifySigned(crl, certificateKey(issuer.publicKeyInfo))) {
    return "it was not signed with the CA's key";
  }
  if (crl.limitation !== undefined) return crl.limitation;
  return now < crl.thisUpdate ? `it is of ${isoTime(crl.thisUpdate)}, in the future` : undefined;
}

/** Why a list that leaves a certificate out does not clear it. */
function silenceProblem(
  { thisUpdate, nextUpdate, expiredSince }: Crl,
  { notAfter }: Certificate,
  now: Date,
): string | undefined {
  // RFC 5280 3.3: a CA may take a revoked certificate off its list once it has expired.
  if (thisUpdate > notAfter && !(expiredSince && expiredSince <= notAfter)) {
    return `it is of ${isoTime(thisUpdate)}, and a certificate that expired on ` +
      `${isoTime(notAfter)} need not be on it any more`;
  }
  // RFC 5280 5.1.2.5 wants nextUpdate in every list; without it a list would hold for ever.
  if (!nextUpdate) return "it does not say when the next one is due";
  // What held when the certificate expired is the CA's last word on it.
  const until = now < notAfter ? now : notAfter;
  return until > nextUpdate ? `the next one was due on ${isoTime(nextUpdate)}` : undefined;
}

/** RFC 5280 5.3.1. */
const REASONS: Readonly<Record<number, string>> = {
  1: "key compromise",
  2: "CA compromise",
  3: "affiliation changed",
  4: "superseded",
  5: "cessation of operation",
  [CERTIFICATE_HOLD]: "on hold",
  9: "privilege withdrawn",
  10: "attribute authority compromise",
};

function revoked(certificate: Certificate, reason: number): Issue {
  const because = REASONS[reason];
  return {
    code: "CERTIFICATE_REVOKED",
    message: `certificate ${certificateName(certificate)} is revoked${
      because ? ` (${because})` : ""
    }`,
  };
}
