/** The format's signature algorithms (OMS 5), on `node:crypto` keys. */

import {
  createHash,
  createPublicKey,
  type KeyObject,
  sign,
  verify,
  type VerifyKeyObjectInput,
} from "node:crypto";
import { Buffer } from "node:buffer";
import { pem } from "./encoding.ts";

/** A key type that the format signs with. */
export type KeyAlgorithm = {
  /** Such as `EC P-256`, `RSA 3072`, `Ed25519`. */
  readonly name: string;
  /** What `node:crypto` must be told: Deno picks no default. Null where the algorithm hashes by itself. */
  readonly digest: "sha256" | "sha384" | "sha512" | null;
};

/** RSA keys below this many bits are refused. */
const MIN_RSA_BITS = 2048;

const CURVES: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: { name: "EC P-256", digest: "sha256" },
  secp384r1: { name: "EC P-384", digest: "sha384" },
  secp521r1: { name: "EC P-521", digest: "sha512" },
};

/**
 * The y coordinates, without the sign of x, of the Ed25519 keys of small order (the encodings that libsodium
 * refuses): anybody can make a signature that holds for one of them, whatever the content.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "00".repeat(32),
  `01${"00".repeat(31)}`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
]);

/** The algorithm of a key, or why it is refused, as a noun phrase ("an RSA key of 1024 bits"). */
export function keyAlgorithm(
  key: KeyObject,
): { readonly algorithm: KeyAlgorithm } | { readonly refused: string } {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "ec": {
      const algorithm = CURVES[details.namedCurve ?? ""];
      return algorithm
        ? { algorithm }
        : { refused: `an EC key on the curve ${details.namedCurve}` };
    }
    case "ed25519":
      return key.type === "public" && isSmallOrder(key)
        ? { refused: "an Ed25519 key of small order" }
        : { algorithm: { name: "Ed25519", digest: null } };
    case "rsa": {
      const bits = details.modulusLength ?? 0;
      return bits >= MIN_RSA_BITS
        ? { algorithm: { name: `RSA ${bits}`, digest: "sha256" } }
        : { refused: `an RSA key of ${bits} bits` };
    }
    default:
      return { refused: `a key of type ${key.asymmetricKeyType ?? "unknown"}` };
  }
}

function isSmallOrder(publicKey: KeyObject): boolean {
  const point = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  point[31]! &= 0x7f;
  return SMALL_ORDER.has(point.toString("hex"));
}

/** What {@link keyAlgorithm} accepts, for messages. */
export const ACCEPTED_KEYS = "EC P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits or more";

/** Signs bytes that are not hashed yet. ECDSA signatures are DER. Throws TypeError for a key that is not accepted. */
export function signBytes(privateKey: KeyObject, bytes: Uint8Array): Uint8Array {
  const found = keyAlgorithm(privateKey);
  if (!("algorithm" in found)) throw new TypeError(`cannot sign with ${found.refused}`);
  return sign(found.algorithm.digest, bytes, privateKey);
}

/** Whether a signature over bytes that are not hashed yet holds. False for keys that are not accepted. */
export function verifyBytes(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const found = keyAlgorithm(publicKey);
  return "algorithm" in found &&
    signatureHolds(found.algorithm.digest, bytes, publicKey, signature);
}

/** `verify()` of `node:crypto`, but a malformed signature is false: the runtimes differ in whether it is an exception. */
export function signatureHolds(
  digest: string | null,
  bytes: Uint8Array,
  key: KeyObject | VerifyKeyObjectInput,
  signature: Uint8Array,
): boolean {
  try {
    return verify(digest, bytes, key, signature);
  } catch {
    return false;
  }
}

/** SubjectPublicKeyInfo, DER. */
export function publicKeyDer(key: KeyObject): Uint8Array {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ type: "spki", format: "der" });
}

/** A key from SubjectPublicKeyInfo DER. Throws what `node:crypto` throws. */
export function publicKeyFromDer(der: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
}

/**
 * The bundle's `hint`: lowercase hex SHA-256 of the PEM text (64 columns, one newline at the end) of the
 * SubjectPublicKeyInfo (OMS 1).
 */
export function keyHint(key: KeyObject): string {
  return createHash("sha256").update(pem("PUBLIC KEY", publicKeyDer(key))).digest("hex");
}
