/** Signing with a private key. */

import type { KeyObject } from "node:crypto";
import { throwIfAborted } from "../../core/errors.ts";
import { keyHint, publicKeyDer, signBytes } from "../../core/keys.ts";
import type { Signer } from "../../core/signer.ts";

/** What a key signer is made of. */
export type KeySignerOptions = {
  /** EC P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits or more. */
  readonly privateKey: KeyObject;
};

/** Signs with a key; the bundle names it by the hash of its public half only. */
export function keySigner({ privateKey }: KeySignerOptions): Signer {
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
