/** Signature algorithms by their names in the protocol. */

import { ModelSigningError } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm, publicKeyFromDer } from "../../core/keys.ts";
import { excerpt } from "../../core/text.ts";

/** By the beginning of the key's name in {@link keyAlgorithm}. */
const NAMES: readonly (readonly [key: string, name: string])[] = [
  ["EC P-256", "ecdsa-p256-sha256"],
  ["EC P-384", "ecdsa-p384-sha384"],
  ["EC P-521", "ecdsa-p521-sha512"],
  ["Ed25519", "ed25519"],
  ["RSA", "rsa-pkcs1-sha256"],
];

/**
 * Refuses a public key that is not of the algorithm which the plugin says that it used.
 *
 * @throws {ModelSigningError} `PLUGIN_ALGORITHM`
 */
export function requireAlgorithm(who: string, claimed: string, publicKey: Uint8Array): void {
  let found: ReturnType<typeof keyAlgorithm>;
  try {
    found = keyAlgorithm(publicKeyFromDer(publicKey));
  } catch (cause) {
    throw wrong(`${who} gave a public key that is none`, cause);
  }
  if ("refused" in found) {
    throw wrong(`${who} signed with ${found.refused}, expected ${ACCEPTED_KEYS}`);
  }
  const { name } = found.algorithm;
  const wanted = NAMES.find(([key]) => name === key || name.startsWith(`${key} `))?.[1];
  if (claimed === wanted) return;
  throw wrong(
    `${who} says that it signed with ${excerpt(claimed)}, and its key is for ${wanted}`,
  );
}

function wrong(message: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("PLUGIN_ALGORITHM", message, {
    hint: "nothing was written; tell whoever made the plugin",
    ...(cause === undefined ? {} : { cause }),
  });
}
