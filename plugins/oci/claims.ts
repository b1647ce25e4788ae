/** What a bundle says of itself, unverified. */

import type { Bundle } from "../../core/bundle.ts";
import { JsonError, parseMember } from "../../core/json.ts";
import { certificateInfo, parseCertificate } from "../_x509/mod.ts";

/** Claims of a bundle; not escaped. */
export type Claims = {
  readonly method: "key" | "certificate" | "sigstore";
  readonly signer: string;
  /** Of the statement; "unknown" when the payload is none. */
  readonly predicateType: string;
};

/** Reads the material and the statement's type. */
export function claimsOf({ material, tlogEntries, envelope }: Bundle): Claims {
  const predicateType = predicateTypeOf(envelope.payload);
  switch (material.kind) {
    case "public-key": {
      const signer = material.hint === undefined ? "a key without a hint" : `key ${material.hint}`;
      return { method: "key", signer, predicateType };
    }
    case "certificate-chain":
      return {
        method: "certificate",
        signer: nameIn(material.certificates[0]),
        predicateType,
      };
    case "certificate":
      return {
        // The Go tool writes a leaf without a chain this way, too (OMS 1).
        method: tlogEntries.length > 0 ? "sigstore" : "certificate",
        signer: nameIn(material.certificate),
        predicateType,
      };
  }
}

function nameIn(der: Uint8Array): string {
  const certificate = parseCertificate(der);
  if (!certificate.ok) return certificate.issue.message;
  const { subject, subjectAlternativeNames } = certificateInfo(certificate.value);
  return [...(subject === "" ? [] : [subject]), ...subjectAlternativeNames].join(", ");
}

function predicateTypeOf(payload: Uint8Array): string {
  try {
    const type = parseMember(payload, "predicateType");
    return typeof type === "string" ? type : "unknown";
  } catch (error) {
    if (error instanceof JsonError) return "unknown";
    throw error;
  }
}
