/** Digests as OCI writes them (OCI image 1.1, "Digests"). */

import { createHash } from "node:crypto";
import { excerpt } from "../../core/text.ts";

/** Algorithms that the specification registers. */
export type DigestAlgorithm = "sha256" | "sha512";

/** An algorithm, a colon, and lowercase hex of the right length; made by {@link isDigest}. */
export type OciDigest = `${DigestAlgorithm}:${string}`;

const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** What is wrong with a digest, as the end of a sentence; undefined when it is one. */
export function digestProblem(text: string): string | undefined {
  // OCI image 1.1, "Digests": algorithm and encoded part.
  const parts = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/.exec(text);
  if (!parts) return `is ${excerpt(text)}, expected a digest such as sha256:2cf24d...`;
  const [, algorithm, encoded] = parts as unknown as [string, string, string];
  if (!isAlgorithm(algorithm)) {
    return `has the digest algorithm ${excerpt(algorithm)}, expected sha256 or sha512`;
  }
  if (encoded.length !== HEX_LENGTH[algorithm] || !/^[0-9a-f]+$/.test(encoded)) {
    return `is ${excerpt(text)}, expected ${HEX_LENGTH[algorithm]} lowercase hexadecimal digits`;
  }
  return undefined;
}

/** Whether a text is a digest. */
export function isDigest(text: string): text is OciDigest {
  return digestProblem(text) === undefined;
}

/** The two parts of a digest. */
export function splitDigest(
  digest: OciDigest,
): { readonly algorithm: DigestAlgorithm; readonly hex: string } {
  const [algorithm, hex] = digest.split(":") as [DigestAlgorithm, string];
  return { algorithm, hex };
}

/** The digest of bytes. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): OciDigest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

function isAlgorithm(text: string): text is DigestAlgorithm {
  return Object.hasOwn(HEX_LENGTH, text);
}
