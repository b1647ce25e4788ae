/** What a timestamp claims. */

import type { CertificateInfo } from "../../core/verifier.ts";
import { certificateInfo, generalNameText, serialText } from "../_x509/mod.ts";
import { isNamedBy } from "./signer_info.ts";
import { parseTimestamp } from "./token.ts";

/** A timestamp's claims, unverified. Texts are as in the token, not escaped. */
export type TimestampDescription = {
  /** ISO 8601, UTC, to the millisecond. */
  readonly time: string;
  /** Dotted identifier of the authority's policy. */
  readonly policy: string;
  /** Lowercase hex. */
  readonly serial: string;
  /** What the authority calls itself: in the token, else in the certificate that it signed with. */
  readonly authority?: string;
  /** In the token's order. */
  readonly certificates: readonly CertificateInfo[];
};

/** Reads what a response or a token claims; undefined when it is malformed. Nothing is verified. */
export function describeTimestamp(response: Uint8Array): TimestampDescription | undefined {
  const parsed = parseTimestamp(response);
  if (!parsed.ok) return undefined;
  const { info, certificates, signer } = parsed.value;
  const certificate = certificates.find((candidate) => isNamedBy(signer.id, candidate));
  const authority = info.authority
    ? generalNameText(info.authority)
    : certificate && certificateInfo(certificate).subject;
  return {
    time: info.time.toISOString(),
    policy: info.policy,
    serial: serialText(info.serial),
    ...(authority === undefined ? {} : { authority }),
    certificates: certificates.map(certificateInfo),
  };
}
