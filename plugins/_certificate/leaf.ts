/** What a certificate must be to sign models. */

import type { Issue } from "../../core/errors.ts";
import { ACCEPTED_KEYS } from "../../core/keys.ts";
import {
  type Certificate,
  type CertificateKey,
  certificateKey,
  certificateName,
  KEY_USAGE,
  PURPOSE,
} from "../_x509/mod.ts";

/** The key of a leaf, or the finding `KEY_REFUSED`: RSA-PSS keys are for CAs (OMS 5). */
export function leafKey(
  leaf: Certificate,
): Extract<CertificateKey, { key: unknown }> | { readonly issue: Issue } {
  const found = certificateKey(leaf.publicKeyInfo);
  const refused = "refused" in found
    ? found.refused
    : found.pss
    ? "a key that is restricted to RSA-PSS"
    : undefined;
  if ("key" in found && refused === undefined) return found;
  return {
    issue: {
      code: "KEY_REFUSED",
      message: `certificate ${certificateName(leaf)} has ${refused}, expected ${ACCEPTED_KEYS}`,
    },
  };
}

/**
 * The finding `CERTIFICATE_USAGE` about a certificate that may not sign code, or undefined. It must carry a key
 * usage or an extended key usage extension, and each one it carries must allow the use (OMS 4).
 */
export function usageIssue(leaf: Certificate): Issue | undefined {
  const { keyUsage, extendedKeyUsage } = leaf;
  const problem = keyUsage === undefined && extendedKeyUsage === undefined
    ? "says nothing of its use: it has neither a key usage nor an extended key usage"
    : keyUsage && !keyUsage.has(KEY_USAGE.digitalSignature)
    ? "has a key usage without digitalSignature"
    : extendedKeyUsage &&
        !extendedKeyUsage.some((id) => id === PURPOSE.codeSigning || id === PURPOSE.any)
    ? "has an extended key usage without codeSigning"
    : undefined;
  return problem === undefined
    ? undefined
    : { code: "CERTIFICATE_USAGE", message: `certificate ${certificateName(leaf)} ${problem}` };
}
