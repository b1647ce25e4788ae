/** Revocation along a path (RFC 5280 6.3), by complete lists that the user gives. */

import type { Issue } from "../../core/errors.ts";
import { type Certificate, certificateName } from "./certificate.ts";
import { type Crl, revocationReason } from "./crl.ts";
import { KEY_USAGE } from "./extensions.ts";
import type { Path } from "./path.ts";
import { certificateKey } from "./public_key.ts";
import { signatureScheme, verifySigned } from "./signature.ts";
import { isoTime } from "./validity.ts";

/** The outcome for a path. */
export type RevocationResult =
  | {
    readonly issue?: undefined;
    /** Certificates that a list covers and does not name. Holds the leaf. */
    readonly covered: readonly Certificate[];
    /** CAs that no list covers. */
    readonly uncovered: readonly Certificate[];
  }
  | { readonly issue: Issue };

/**
 * Looks every certificate of a path but its anchor up in the lists of its issuer. The leaf must be covered
 * by a usable list; a list for a CA must be usable if there is one. Of several, the latest counts.
 *
 * Findings: `CERTIFICATE_REVOKED`, `CRL_UNUSABLE`.
 */
export async function checkRevocation(
  path: Path,
  crls: readonly Crl[],
  at: Date,
): Promise<RevocationResult> {
  const covered: Certificate[] = [];
  const uncovered: Certificate[] = [];
  for (const [index, certificate] of path.entries()) {
    // A leaf that is the anchor is its own issuer.
    const issuer = path[index + 1] ?? (index === 0 ? certificate : undefined);
    if (!issuer) break;
    const { usable, problem } = await usableCrl(crls, issuer, at);
    if (usable) {
      const reason = revocationReason(usable, certificate.serial);
      if (reason !== undefined) return { issue: revoked(certificate, reason) };
      covered.push(certificate);
    } else if (problem !== undefined) {
      return { issue: { code: "CRL_UNUSABLE", message: problem } };
    } else if (index === 0) {
      return {
        issue: {
          code: "CRL_UNUSABLE",
          message: `no revocation list given is of CA ${certificateName(issuer)}, which issued ` +
            `certificate ${certificateName(certificate)}`,
        },
      };
    } else uncovered.push(certificate);
  }
  return { covered, uncovered };
}

/** The latest list that speaks for an issuer, else why the ones with its name do not, if there are any. */
async function usableCrl(
  crls: readonly Crl[],
  issuer: Certificate,
  at: Date,
): Promise<{ readonly usable?: Crl; readonly problem?: string }> {
  const named = crls.filter(({ issuerKey }) => issuerKey === issuer.subjectKey)
    .sort((left, right) => right.thisUpdate.getTime() - left.thisUpdate.getTime());
  let problem: string | undefined;
  for (const crl of named) {
    const why = await crlProblem(crl, issuer, at);
    if (why === undefined) return { usable: crl };
    problem ??= `the revocation list of CA ${certificateName(issuer)} is not usable: ${why}`;
  }
  return problem === undefined ? {} : { problem };
}

async function crlProblem(crl: Crl, issuer: Certificate, at: Date): Promise<string | undefined> {
  if (issuer.keyUsage && !issuer.keyUsage.has(KEY_USAGE.cRLSign)) {
    return "the CA's key usage does not allow it to sign revocation lists";
  }
  const weak = signatureScheme(crl.algorithm)?.weak;
  if (weak !== undefined) return `it is signed with ${weak}`;
  if (!await verifySigned(crl, certificateKey(issuer.publicKeyInfo))) {
    return "it was not signed with the CA's key";
  }
  if (crl.limitation !== undefined) return crl.limitation;
  if (at < crl.thisUpdate) return `it is of ${isoTime(crl.thisUpdate)}, in the future`;
  // RFC 5280 5.1.2.5 wants nextUpdate in every list; without it a list would hold for ever.
  if (!crl.nextUpdate) return "it does not say when the next one is due";
  if (at > crl.nextUpdate) return `the next one was due on ${isoTime(crl.nextUpdate)}`;
  return undefined;
}

/** RFC 5280 5.3.1. */
const REASONS: Readonly<Record<number, string>> = {
  1: "key compromise",
  2: "CA compromise",
  3: "affiliation changed",
  4: "superseded",
  5: "cessation of operation",
  6: "on hold",
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
