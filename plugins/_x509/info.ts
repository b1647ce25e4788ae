/** What reports say of a certificate. */

import type { CertificateInfo } from "../../core/verifier.ts";
import type { Certificate } from "./certificate.ts";
import { labelledName } from "./general_name.ts";
import { nameText } from "./name.ts";
import { certificateKeyName } from "./public_key.ts";
import { isoTime } from "./validity.ts";

/** The fields of a certificate for people. Texts are as in the certificate, not escaped. */
export function certificateInfo(certificate: Certificate): CertificateInfo {
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    serial: serialText(certificate.serial),
    notBefore: isoTime(certificate.notBefore),
    notAfter: isoTime(certificate.notAfter),
    subjectAlternativeNames: (certificate.subjectAltNames ?? []).map(labelledName),
    fingerprint: certificate.fingerprint,
    publicKey: certificateKeyName(certificate.publicKeyInfo),
  };
}

/** A serial number in hex, without the byte that only says that it is not negative. */
export function serialText(serial: string): string {
  return serial.replace(/^00(?=[89a-f])/, "");
}
