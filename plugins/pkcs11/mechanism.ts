/** How a token signs with a key: what it is given, and what its answer means. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { KeyAlgorithm } from "../../core/keys.ts";
import { encodeInteger, encodeSequence } from "../_der/mod.ts";
import { MECHANISM } from "./constants.ts";

/** A way to sign. */
export type Mechanism = {
  readonly type: bigint;
  /** What the token is given of the bytes that are signed. */
  input(bytes: Uint8Array): Uint8Array;
  /** The format's signature (OMS 5) out of the token's. */
  output(signature: Uint8Array): Uint8Array;
};

/** Before a SHA-256 digest (RFC 8017 9.2, note 1). */
const SHA256_DIGEST_INFO = Buffer.from("3031300d060960864801650304020105000420", "hex");

const HASHED_BY_TOKEN: Readonly<Record<string, bigint>> = {
  sha256: MECHANISM.ecdsaSha256,
  sha384: MECHANISM.ecdsaSha384,
  sha512: MECHANISM.ecdsaSha512,
};

/**
 * The ways that make a signature by this algorithm, best first. Those where only a digest travels come before those
 * where the token hashes: a statement may have 200 MB.
 */
export function mechanismsFor({ name, digest }: KeyAlgorithm): readonly Mechanism[] {
  const itself = (bytes: Uint8Array) => bytes;
  if (digest === null) return [{ type: MECHANISM.eddsa, input: itself, output: itself }];
  const hashed = (bytes: Uint8Array) => createHash(digest).update(bytes).digest();
  if (name.startsWith("RSA")) {
    return [
      {
        type: MECHANISM.rsaPkcs,
        input: (bytes) => Buffer.concat([SHA256_DIGEST_INFO, hashed(bytes)]),
        output: itself,
      },
      { type: MECHANISM.sha256RsaPkcs, input: itself, output: itself },
    ];
  }
  return [
    { type: MECHANISM.ecdsa, input: hashed, output: ecdsaDer },
    { type: HASHED_BY_TOKEN[digest]!, input: itself, output: ecdsaDer },
  ];
}

/** A token gives r and s of equal length behind each other (PKCS#11 Mechanisms 2.40 2.3.1); the format wants DER. */
function ecdsaDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  return encodeSequence(
    encodeInteger(signature.subarray(0, half)),
    encodeInteger(signature.subarray(half)),
  );
}
