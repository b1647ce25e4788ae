/** The algorithms that a timestamp may rest on. */

import { Buffer } from "node:buffer";
import type { AlgorithmIdentifier } from "../_x509/mod.ts";

/** A digest, as `node:crypto` calls it. SHA-1 and MD5 are none: what they are made over can be exchanged. */
export type DigestName = "sha256" | "sha384" | "sha512";

/** Object identifier of SHA-256. */
export const SHA256 = "2.16.840.1.101.3.4.2.1";

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const RSASSA_PSS = "1.2.840.113549.1.1.10";

const DIGESTS: Readonly<Record<string, DigestName>> = {
  [SHA256]: "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** RFC 8017 A.2.4: sha256WithRSAEncryption and its like. */
const RSA_WITH: Readonly<Record<DigestName, string>> = {
  sha256: "1.2.840.113549.1.1.11",
  sha384: "1.2.840.113549.1.1.12",
  sha512: "1.2.840.113549.1.1.13",
};

const NULL = Buffer.of(0x05, 0x00);

/** What {@link digestName} accepts, for messages. */
export const ACCEPTED_DIGESTS = "SHA-256, SHA-384 or SHA-512";

/** The digest that an algorithm identifier names; undefined when it is not accepted. */
export function digestName(algorithm: AlgorithmIdentifier): DigestName | undefined {
  return hasNoParameters(algorithm) ? DIGESTS[algorithm.id] : undefined;
}

/**
 * The signature algorithm of a signer, with the digest inside: most authorities write only "RSA" and leave the
 * digest to the other field (RFC 3370 3.2). Undefined when parameters stand where there are none.
 */
export function fullSignatureAlgorithm(
  signature: AlgorithmIdentifier,
  digest: DigestName,
): AlgorithmIdentifier | undefined {
  if (signature.id === RSASSA_PSS) return signature;
  if (!hasNoParameters(signature)) return undefined;
  return { id: signature.id === RSA_ENCRYPTION ? RSA_WITH[digest] : signature.id };
}

/** RFC 5754 2: absent, but NULL must be understood, too. */
function hasNoParameters({ parameters }: AlgorithmIdentifier): boolean {
  return parameters === undefined || NULL.equals(parameters);
}
