/** Keys of the services, and signatures made with them. */

import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";

/** Kinds of keys that the services have. */
export type KeyKind = "P-256" | "P-384" | "Ed25519";

/** A key pair. */
export type Key = {
  readonly kind: KeyKind;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
};

/** Makes a key pair. */
export function newKey(kind: KeyKind): Key {
  const { privateKey, publicKey } = kind === "Ed25519"
    ? generateKeyPairSync("ed25519")
    : generateKeyPairSync("ec", { namedCurve: kind });
  return {
    kind,
    privateKey,
    publicKey,
    spki: publicKey.export({ type: "spki", format: "der" }),
  };
}

/** What a key of each kind hashes with before it signs. */
const DIGESTS = { "P-256": "sha256", "P-384": "sha384", "Ed25519": null } as const;

/** Signs with the digest of the key's kind; ECDSA signatures are DER. */
export function signWith(key: Key, bytes: Uint8Array): Buffer {
  return sign(DIGESTS[key.kind], bytes, key.privateKey);
}

/** Whether an ECDSA or RSA signature holds; also false when the key is of another type. */
export function holds(
  digest: "sha256" | "sha384" | "sha512",
  bytes: Uint8Array,
  publicKey: KeyObject,
  signature: Uint8Array,
): boolean {
  try {
    return verify(digest, bytes, publicKey, signature);
  } catch {
    // The runtimes throw for signatures that are not DER.
    return false;
  }
}

/** SHA-256. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** PEM of DER bytes. */
export function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/** DER in the first PEM block of a text, or undefined. */
export function derIn(text: string, label: string): Buffer | undefined {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`);
  const base64 = block.exec(text)?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, "base64");
}

/** The bytes with their last bit flipped: a signature that does not hold. */
export function spoiled(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1]! ^= 1;
  return copy;
}
