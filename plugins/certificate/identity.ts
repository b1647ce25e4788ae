/** Who a certificate says its holder is. */

import { isIP } from "node:net";
import type { Issue } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import {
  attributeValues,
  type Certificate,
  COMMON_NAME,
  type GeneralName,
  generalNameText,
} from "../_x509/mod.ts";

/** Names that a finding lists. */
const MAX_LISTED = 5;

/**
 * The finding `CERTIFICATE_IDENTITY` unless one of the names is exactly `expected`: the subject alternative
 * names, or the subject's only common name when the certificate has no such extension.
 */
export function identityIssue(leaf: Certificate, expected: string): Issue | undefined {
  const names = identities(leaf);
  if (names.includes(expected)) return undefined;
  const listed = names.slice(0, MAX_LISTED).map(quote).join(", ");
  const found = names.length === 0
    ? "the certificate names nobody"
    : `the certificate names ${listed}${names.length > MAX_LISTED ? ", ..." : ""}`;
  return { code: "CERTIFICATE_IDENTITY", message: `${found}, expected ${quote(expected)}` };
}

function identities(leaf: Certificate): readonly string[] {
  if (leaf.subjectAltNames === undefined) {
    const names = attributeValues(leaf.subject, COMMON_NAME);
    // Which of several would be the signer is anybody's guess.
    return names.length === 1 ? names : [];
  }
  return leaf.subjectAltNames.flatMap((name) => {
    const text = generalNameText(name);
    return name.kind === kindOf(text) ? [text] : [];
  });
}

/**
 * The one kind of alternative name that a text can be. A CA that may vouch for addresses of one domain only
 * could else vouch for another's as a domain name, which no such constraint applies to.
 */
function kindOf(text: string): GeneralName["kind"] {
  if (isIP(text) !== 0) return "ip";
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return "uri";
  return text.includes("@") ? "email" : "dns";
}
