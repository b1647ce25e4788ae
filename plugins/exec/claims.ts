/** What a bundle says of its signer, as plugins are told it. */

import type { Bundle, VerificationMaterial } from "../../core/bundle.ts";
import { base64 } from "../../core/encoding.ts";
import { frameBytes } from "./frames.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

/** Members of a request. */
type Claims = Readonly<Record<string, unknown>>;

/** Room that a request leaves for the bundle's claims, beside settings and payload. */
export const MAX_CLAIMS_BYTES: number = MAX_FRAME_BYTES / 2;

/** As JSON: bytes in base64. */
export function claimsOf({ material, envelope, tlogEntries, timestamps }: Bundle): Claims {
  return {
    signature: base64(envelope.signature),
    material: materialOf(material),
    tlogEntries,
    timestamps: timestamps.map(base64),
  };
}

/** The part that tells whose signature it is. */
export function materialOf(material: VerificationMaterial): Claims {
  if (material.kind !== "public-key") {
    return { kind: "certificates", certificates: certificatesOf(material).map(base64) };
  }
  const { kind, hint } = material;
  return { kind, ...(hint === undefined ? {} : { hint }) };
}

/** Whether a request has room for them. */
export function haveRoom(claims: Claims): boolean {
  return (frameBytes({ claims })?.length ?? Infinity) <= MAX_CLAIMS_BYTES;
}

/** DER, the signer's first; none for a bare key. */
export function certificatesOf(material: VerificationMaterial): readonly Uint8Array[] {
  switch (material.kind) {
    case "public-key":
      return [];
    case "certificate":
      return [material.certificate];
    case "certificate-chain":
      return material.certificates;
  }
}
