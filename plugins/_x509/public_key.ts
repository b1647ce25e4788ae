/** Public keys of certificates. */

import type { KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import { keyAlgorithm, publicKeyFromDer } from "../../core/keys.ts";
import { encode, encodeOid, encodeSequence, refusedAlgorithm, sequence, TAG } from "../_der/mod.ts";
import type { SubjectPublicKeyInfo } from "./certificate.ts";

/** A certificate's key, ready to verify with, or why it is refused, as a noun phrase. */
export type CertificateKey =
  | {
    readonly key: KeyObject;
    /** Such as `EC P-256`. */
    readonly name: string;
    /** Set for RSA keys whose certificate restricts them to RSASSA-PSS; the parameters, if it names any. */
    readonly pss?: { readonly parameters?: Uint8Array };
  }
  | { readonly refused: string };

/** Object identifier of RSASSA-PSS, as a key's and as a signature's algorithm (RFC 4055). */
export const RSASSA_PSS = "1.2.840.113549.1.1.10";

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";

const cache = new WeakMap<SubjectPublicKeyInfo, CertificateKey>();

/** The key of a certificate. RSA keys that are restricted to RSASSA-PSS are fine here: a CA may have one. */
export function certificateKey(info: SubjectPublicKeyInfo): CertificateKey {
  let found = cache.get(info);
  if (found === undefined) cache.set(info, found = load(info));
  return found;
}

/** Such as `EC P-256`, `RSA-PSS 3072` or `an Ed448 key`, for reports. */
export function certificateKeyName(info: SubjectPublicKeyInfo): string {
  const found = certificateKey(info);
  return "refused" in found ? found.refused : found.name;
}

function load(info: SubjectPublicKeyInfo): CertificateKey {
  const { id, parameters } = info.algorithm;
  if (id === RSASSA_PSS) {
    // BoringSSL, and so Bun, does not load such keys: hand it the same key without the restriction.
    const found = imported(asRsaEncryption(info.key));
    return "refused" in found ? found : {
      ...found,
      name: found.name.replace("RSA", "RSA-PSS"),
      pss: parameters === undefined ? {} : { parameters },
    };
  }
  // By name, because the runtimes differ in what they can load.
  const refused = refusedAlgorithm(sequence(info.der)?.[0]);
  return refused === undefined ? imported(info.der) : { refused };
}

function imported(der: Uint8Array): CertificateKey {
  let key: KeyObject;
  try {
    key = publicKeyFromDer(der);
  } catch {
    return { refused: "a malformed public key" };
  }
  const found = keyAlgorithm(key);
  return "refused" in found ? found : { key, name: found.algorithm.name };
}

/** SubjectPublicKeyInfo with the algorithm rsaEncryption around the same RSAPublicKey (RFC 8017 A.1). */
function asRsaEncryption(rsaPublicKey: Uint8Array): Uint8Array {
  const algorithm = encodeSequence(encodeOid(RSA_ENCRYPTION), encode(TAG.null));
  return encodeSequence(algorithm, encode(TAG.bitString, Buffer.of(0), rsaPublicKey));
}
