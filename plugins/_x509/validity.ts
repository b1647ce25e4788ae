/** Validity periods. */

import type { Issue } from "../../core/errors.ts";
import { type Certificate, certificateName } from "./certificate.ts";

/** The finding about a certificate that is not valid at a time, or undefined. Both ends are included. */
export function validityIssue(certificate: Certificate, at: Date): Issue | undefined {
  const { notBefore, notAfter } = certificate;
  const name = `certificate ${certificateName(certificate)}`;
  if (at.getTime() < notBefore.getTime()) {
    return {
      code: "CERTIFICATE_NOT_YET_VALID",
      message: `${name} is not valid before ${isoTime(notBefore)}, and the time is ${isoTime(at)}`,
    };
  }
  // notAfter names a whole second, which is included (RFC 5280 4.1.2.5).
  if (at.getTime() >= notAfter.getTime() + 1000) {
    return {
      code: "CERTIFICATE_EXPIRED",
      message: `${name} expired on ${isoTime(notAfter)}, and the time is ${isoTime(at)}`,
    };
  }
  return undefined;
}

/** ISO 8601, UTC, to the second. */
export function isoTime(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
