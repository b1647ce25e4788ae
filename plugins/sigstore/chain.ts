/** Whether a certificate was issued by a trusted authority, and was valid when the signature was made. */

import type { Issue } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import {
  type Certificate,
  certificateName,
  findPath,
  isoTime,
  KEY_USAGE,
  type Path,
  PURPOSE,
} from "../_x509/mod.ts";
import { contains } from "./members.ts";
import type { Authority } from "./trusted_root.ts";

/** A path to an authority that holds at every time asked about, or the finding that says why there is none. */
export type ChainResult =
  | { readonly path: Path; readonly authority: Authority }
  | { readonly path?: undefined; readonly issue: Issue };

/**
 * Finds a path that holds at each of the times.
 *
 * Findings: those of `findPath`; `CERTIFICATE_UNTRUSTED` also for an authority that was not trusted then.
 *
 * @param times at least one
 */
export async function findChain(
  leaf: Certificate,
  authorities: readonly Authority[],
  times: readonly Date[],
): Promise<ChainResult> {
  let best: { readonly issue: Issue; readonly rank: number } | undefined;
  for (const authority of authorities) {
    const result = await chainTo(leaf, authority, times);
    if (result.path) return result;
    // Of several authorities, the one that issued the certificate has the most to say.
    const rank = result.issue.code === "CERTIFICATE_UNTRUSTED" ? result.periodOnly ? 1 : 0 : 2;
    if (rank > (best?.rank ?? -1)) best = { issue: result.issue, rank };
  }
  return { issue: best?.issue ?? untrusted("no certificate authority is trusted") };
}

type Attempt =
  | Extract<ChainResult, { path: Path }>
  | { readonly path?: undefined; readonly issue: Issue; readonly periodOnly?: true };

async function chainTo(
  leaf: Certificate,
  authority: Authority,
  times: readonly Date[],
): Promise<Attempt> {
  const material = { anchors: [authority.anchor], intermediates: authority.others };
  let path: Path | undefined;
  for (const at of times) {
    const found = await findPath(leaf, material, { at, purpose: PURPOSE.codeSigning });
    if (!found.path) return { issue: found.issue };
    if (found.outOfDate) return { issue: found.outOfDate };
    path = found.path;
  }
  if (!path) return { issue: untrusted("it is not known when the signature was made") };
  const outside = times.find((at) => !contains(authority.validFor, at));
  if (!outside) return { path, authority };
  const message =
    `the authority ${printable(authority.name)} of certificate ${certificateName(leaf)} was not ` +
    `trusted at ${isoTime(outside)}`;
  return { issue: untrusted(message), periodOnly: true };
}

/** The finding unless the certificate is for signing code, and for nothing above that. */
export function usageIssue(leaf: Certificate): Issue | undefined {
  const name = certificateName(leaf);
  const { basicConstraints, extendedKeyUsage = [], keyUsage } = leaf;
  // An authority's intermediate certificates are for code signing, too: as a limit for those below.
  if (basicConstraints?.ca) {
    return usage(`certificate ${name} is that of a CA, expected a signer's`);
  }
  if (!extendedKeyUsage.includes(PURPOSE.codeSigning)) {
    return usage(`the extended key usage of certificate ${name} does not name code signing`);
  }
  return keyUsage && !keyUsage.has(KEY_USAGE.digitalSignature)
    ? usage(`the key usage of certificate ${name} does not allow it to sign`)
    : undefined;
}

function untrusted(message: string): Issue {
  return { code: "CERTIFICATE_UNTRUSTED", message };
}

function usage(message: string): Issue {
  return { code: "CERTIFICATE_USAGE", message };
}
