/** Verifying an envelope's signature in every form that was ever written (OMS 4 and 5). */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import type { Envelope } from "../../core/bundle.ts";
import { legacyPae, pae, type PaeForm } from "../../core/dsse.ts";
import { signatureHolds, verifyBytes } from "../../core/keys.ts";
import { verifyEd25519ph, verifyP521Sha256 } from "./uncommon.ts";

/** Stands in every payload that the legacy encoding was made for. */
const LEGACY_MARK = Buffer.from("https://model_signing/Digests/v0.1");

/**
 * The encoding that the signature was made over by the owner of `publicKey`, or undefined when there is
 * none. "legacy" counts only for payloads of the predicate type it belongs to, which the caller has to check
 * once the statement is parsed.
 */
export async function verifyEnvelope(
  envelope: Envelope,
  publicKey: KeyObject,
): Promise<PaeForm | undefined> {
  const { payloadType, payload, signature } = envelope;
  const standard = pae(payloadType, payload);
  if (verifyBytes(publicKey, standard, signature)) return "standard";
  if (
    publicKey.asymmetricKeyType === "ed25519" &&
    await verifyEd25519ph(publicKey, standard, signature)
  ) return "standard";
  if (
    publicKey.asymmetricKeyType === "ec" &&
    Buffer.from(payload.buffer, payload.byteOffset, payload.length).includes(LEGACY_MARK) &&
    await verifyLegacy(publicKey, legacyPae(payloadType, payload), signature)
  ) return "legacy";
  return undefined;
}

/** SHA-256 whatever the curve: the tool that wrote it knew no other. It took EC keys only. */
async function verifyLegacy(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.asymmetricKeyDetails?.namedCurve === "secp521r1") {
    return await verifyP521Sha256(publicKey, bytes, signature);
  }
  return signatureHolds("sha256", bytes, publicKey, signature);
}
