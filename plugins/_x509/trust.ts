/** Certificates in files, and which of them are trust anchors. */

import { ModelSigningError } from "../../core/errors.ts";
import { ACCEPTED_KEYS } from "../../core/keys.ts";
import { quote } from "../../core/text.ts";
import { pemBlocks } from "../_input/mod.ts";
import { type Certificate, certificateName, parseCertificate } from "./certificate.ts";
import type { PathMaterial } from "./path.ts";
import { certificateKey } from "./public_key.ts";
import { verifySigned } from "./signature.ts";

const LABELS: ReadonlySet<string> = new Set(["CERTIFICATE", "X509 CERTIFICATE"]);

/**
 * Reads the certificates in a file: PEM, any number with any text between, or DER, one.
 *
 * @param name names the file in messages: its path
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`
 */
export function readCertificates(bytes: Uint8Array, name: string): readonly Certificate[] {
  const blocks = pemBlocks(bytes);
  const ders = blocks.length === 0
    ? [bytes]
    : blocks.filter(({ label }) => LABELS.has(label)).map(({ der }) => der);
  if (ders.length === 0) {
    const labels = [...new Set(blocks.map(({ label }) => label))].join(", ");
    throw malformed(`${quote(name)} holds ${labels}, expected CERTIFICATE`);
  }
  return ders.map((der, index) => {
    const result = parseCertificate(der);
    if (result.ok) return result.value;
    const which = ders.length === 1 ? "" : `certificate ${index + 1} of `;
    throw malformed(`cannot read ${which}${quote(name)}: ${result.issue.message}`);
  });
}

/**
 * Tells the trust anchors among the certificates that a user gave from the others: they are the self-signed
 * ones (OMS 4).
 *
 * @throws {ModelSigningError} `TRUST_ANCHOR_MISSING` when none is self-signed, `KEY_UNSUPPORTED` when that cannot
 * be told because of the key
 */
export async function splitTrust(given: readonly Certificate[]): Promise<PathMaterial> {
  const anchors: Certificate[] = [];
  const intermediates: Certificate[] = [];
  for (const certificate of given) {
    (await isSelfSigned(certificate) ? anchors : intermediates).push(certificate);
  }
  if (anchors.length === 0) {
    for (const certificate of given.filter(isSelfIssued)) {
      const key = certificateKey(certificate.publicKeyInfo);
      if ("refused" in key) {
        throw new ModelSigningError(
          "KEY_UNSUPPORTED",
          `cannot take certificate ${certificateName(certificate)} as a trust anchor: it has ` +
            `${key.refused}, expected ${ACCEPTED_KEYS}`,
        );
      }
    }
    throw new ModelSigningError(
      "TRUST_ANCHOR_MISSING",
      given.length === 0
        ? "no trust anchor was given"
        : given.length === 1
        ? "the certificate given is not self-signed, so it is no trust anchor"
        : `none of the ${given.length} certificates given is self-signed, so none is a trust anchor`,
    );
  }
  return { anchors, intermediates };
}

/**
 * Whether a certificate is signed with its own key. Equal names do not tell (OMS 6). A weak digest is no
 * obstacle: nothing is believed because of this signature.
 */
async function isSelfSigned(certificate: Certificate): Promise<boolean> {
  return isSelfIssued(certificate) &&
    await verifySigned(certificate, certificateKey(certificate.publicKeyInfo));
}

function isSelfIssued({ issuerKey, subjectKey }: Certificate): boolean {
  return issuerKey === subjectKey;
}

function malformed(message: string): ModelSigningError {
  return new ModelSigningError("CERTIFICATE_FILE_MALFORMED", message);
}
