/** What both generations of Rekor check before they log an entry. */

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { keyAlgorithm } from "../../core/keys.ts";
import { canonicalJson } from "./canonical_json.ts";
import { refused } from "./http.ts";
import { derIn, newKey, signWith } from "./keys.ts";

/** An entry that was checked. */
export type Entry = {
  /** What is logged, as canonical JSON. */
  readonly body: unknown;
  /** The signature as the body shows it. */
  readonly signature: string;
};

/**
 * Bytes that are logged for an entry.
 *
 * @param lie `wrong-body` logs the signature of a stranger instead
 */
export function loggedBody({ body, signature }: Entry, lie: string | undefined): Buffer {
  const right = canonicalJson(body);
  if (lie !== "wrong-body") return Buffer.from(right, "utf8");
  const other = signWith(newKey("P-256"), Buffer.from(right)).toString("base64");
  return Buffer.from(right.replace(signature, other), "utf8");
}

const CURVES = {
  "EC P-256": { curve: p256, digest: "sha256", bytes: 32 },
  "EC P-384": { curve: p384, digest: "sha384", bytes: 48 },
  "EC P-521": { curve: p521, digest: "sha512", bytes: 66 },
} as const;

/** Key that an entry names by its certificate or public key, PEM. */
export function keyOfPem(text: string): KeyObject {
  const certificate = derIn(text, "CERTIFICATE");
  if (certificate) return keyOfCertificate(certificate);
  return keyOfSpki(derIn(text, "PUBLIC KEY") ?? Buffer.alloc(0));
}

/** Key of a certificate, DER. */
export function keyOfCertificate(der: Buffer): KeyObject {
  try {
    return new X509Certificate(der).publicKey;
  } catch {
    throw refused(400, "the certificate cannot be read");
  }
}

/** Key in SubjectPublicKeyInfo, DER. */
export function keyOfSpki(der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, type: "spki", format: "der" });
  } catch {
    throw refused(400, "the public key cannot be read");
  }
}

/**
 * Refuses a signature over a digest that does not hold. `node:crypto` hashes by itself, and a log has nothing
 * but the digest.
 */
export function requireSigned(digest: Uint8Array, key: KeyObject, signature: Uint8Array): void {
  const { curve, bytes } = curveOf(key);
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), coordinate(x, bytes), coordinate(y, bytes)]);
  try {
    // High-S signatures are valid ECDSA.
    const rules = { prehash: false, lowS: false, format: "der" } as const;
    if (curve.verify(signature, digest, point, rules)) return;
  } catch {
    // The library throws for signatures that are not DER.
  }
  throw refused(400, "the signature does not match the digest and the key");
}

/** Digest that signatures with a key are made over, of `bytes`. */
export function digestFor(key: KeyObject, bytes: Uint8Array): Buffer {
  return createHash(curveOf(key).digest).update(bytes).digest();
}

/** Name of a key's algorithm in Sigstore's PublicKeyDetails. */
export function keyDetails(key: KeyObject): string {
  const { digest, bytes } = curveOf(key);
  return `PKIX_ECDSA_P${bytes === 66 ? 521 : bytes * 8}_SHA_${digest.slice(3)}`;
}

function curveOf(key: KeyObject): typeof CURVES[keyof typeof CURVES] {
  const found = keyAlgorithm(key);
  const name = "algorithm" in found ? found.algorithm.name : "";
  if (name in CURVES) return CURVES[name as keyof typeof CURVES];
  throw refused(400, "the key is of a kind that this log does not take");
}

/** The runtimes may leave leading zeros out. */
function coordinate(value: string, length: number): Buffer {
  const bytes = Buffer.from(value, "base64url");
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}
