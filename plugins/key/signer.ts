/** Signing with a private key. */

import type { KeyObject } from "node:crypto";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm, keyHint, publicKeyDer, signBytes } from "../../core/keys.ts";
import type { Signer } from "../../core/signer.ts";

/** What a key signer is made of. */
export type KeySignerOptions = {
  /** EC P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits or more. */
  readonly privateKey: KeyObject;
};

/**
 * Signs with a key; the bundle names it by the hash of its public half only. Holds nothing that has to be disposed of.
 *
 * @throws {ModelSigningError} `KEY_UNSUPPORTED` for a key of another kind, or one that is not private
 */
export function keySigner({ privateKey }: KeySignerOptions): Signer {
  requireAccepted(privateKey);
  const publicKey = publicKeyDer(privateKey);
  const hint = keyHint(privateKey);
  return {
    sign(pae, { signal }) {
      throwIfAborted(signal);
      const signature = signBytes(privateKey, pae);
      return Promise.resolve({ signature, publicKey, material: { kind: "public-key", hint } });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function requireAccepted(key: KeyObject): void {
  const found = key.type === "private" ? keyAlgorithm(key) : { refused: `a ${key.type} key` };
  if ("algorithm" in found) return;
  throw new ModelSigningError(
    "KEY_UNSUPPORTED",
    `cannot sign with ${found.refused}, expected ${ACCEPTED_KEYS}`,
  );
}
