/** Whether what a signer gave is what it should be, before anything is made of it. */

import { type KeyObject, X509Certificate } from "node:crypto";
import type { VerificationMaterial } from "./bundle.ts";
import { ACCEPTED_KEYS, keyAlgorithm, keyHint, publicKeyFromDer, verifyBytes } from "./keys.ts";
import type { Signed } from "./signer.ts";

/** What is wrong with what a signer gave. */
export type SignedProblem = {
  /** `algorithm` for a key that the format does not sign with, `signature` for everything else. */
  readonly about: "algorithm" | "signature";
  /** What the signer did, to follow its name: `gave a signature that does not hold …`. */
  readonly what: string;
  readonly cause?: unknown;
};

/** Checks a signature with the public key that came with it, and that the material names that key. */
export function checkSigned(
  { publicKey, signature, material }: Signed,
  pae: Uint8Array,
): { readonly key: KeyObject } | { readonly problem: SignedProblem } {
  let key: KeyObject;
  let named: string | undefined;
  try {
    key = publicKeyFromDer(publicKey);
    named = namedKey(material);
  } catch (cause) {
    const what = "gave a public key or certificate that cannot be read";
    return { problem: { about: "signature", what, cause } };
  }
  const found = keyAlgorithm(key);
  if ("refused" in found) {
    const what = `signed with ${found.refused}, expected ${ACCEPTED_KEYS}`;
    return { problem: { about: "algorithm", what } };
  }
  if (!verifyBytes(key, pae, signature)) {
    const what = `gave a signature that does not hold for its ${found.algorithm.name} key`;
    return { problem: { about: "signature", what } };
  }
  if (named !== keyHint(key)) {
    return {
      problem: { about: "signature", what: "names another key than the one it signed with" },
    };
  }
  return { key };
}

/** Hint of the key that the material names. */
function namedKey(material: VerificationMaterial): string | undefined {
  switch (material.kind) {
    case "public-key":
      return material.hint;
    case "certificate":
      return keyHint(new X509Certificate(material.certificate).publicKey);
    case "certificate-chain":
      return keyHint(new X509Certificate(material.certificates[0]).publicKey);
  }
}
