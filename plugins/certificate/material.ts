/** The certificates that a bundle brings along. */

import type { Bundle } from "../../core/bundle.ts";
import type { Issue } from "../../core/errors.ts";
import { type Certificate, parseCertificate } from "../_x509/mod.ts";

/** Certificates of a bundle, parsed, trusted in nothing. */
export type ClaimedChain = {
  readonly leaf: Certificate;
  /** The rest, in the bundle's order. */
  readonly others: readonly Certificate[];
  /** `CERTIFICATE_MALFORMED`, when one of the rest could not be read. */
  readonly malformed?: Issue;
};

/**
 * The certificates of a bundle that was signed with this method.
 *
 * Findings: `BUNDLE_MATERIAL` for another method's bundle, `CERTIFICATE_MALFORMED` for the leaf.
 */
export function claimedChain(bundle: Bundle): ClaimedChain | { readonly issue: Issue } {
  const { material } = bundle;
  if (material.kind === "public-key") {
    return otherMethod("the signature was made with a key, expected a certificate", {
      hint: "verify it with the method key",
    });
  }
  // The Go tool writes a leaf without chain like this; with log entries it is Sigstore's (OMS 1).
  if (material.kind === "certificate" && bundle.tlogEntries.length > 0) {
    return otherMethod("the signature was made with Sigstore, expected a certificate chain", {
      hint: "verify it with the method sigstore",
    });
  }
  const [first, ...rest] = material.kind === "certificate"
    ? [material.certificate]
    : material.certificates;
  const leaf = parseCertificate(first);
  if (!leaf.ok) return { issue: leaf.issue };
  const others: Certificate[] = [];
  for (const der of rest) {
    const other = parseCertificate(der);
    if (!other.ok) return { leaf: leaf.value, others, malformed: other.issue };
    others.push(other.value);
  }
  return { leaf: leaf.value, others };
}

function otherMethod(
  message: string,
  more: { readonly hint: string },
): { readonly issue: Issue } {
  return { issue: { code: "BUNDLE_MATERIAL", message, ...more } };
}
