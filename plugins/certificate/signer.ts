/** Signing with a certificate. */

import type { KeyObject } from "node:crypto";
import { throwIfAborted } from "../../core/errors.ts";
import { publicKeyDer, signBytes } from "../../core/keys.ts";
import type { Signer } from "../../core/signer.ts";
import { signingChain } from "../_certificate/mod.ts";
import type { FileContent } from "../_input/mod.ts";

/** What a certificate signer is made of. */
export type CertificateSignerOptions = {
  /** EC P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits or more. */
  readonly privateKey: KeyObject;
  /** The certificate of the key, PEM or DER. CA certificates beside it in a PEM file join the chain. */
  readonly certificate: FileContent;
  /** The CAs above it, PEM or DER, in any order, with or without the root. */
  readonly chain?: readonly FileContent[];
};

/**
 * Makes a signer whose bundles carry the certificate and its chain, leaf first.
 *
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`; `KEY_CERTIFICATE_MISMATCH` when the certificate is
 * another key's; `CERTIFICATE_CHAIN_BROKEN` when a certificate of the chain does not belong to it;
 * `CERTIFICATE_UNSUITABLE` when no verifier would accept the certificate today
 */
export async function certificateSigner(options: CertificateSignerOptions): Promise<Signer> {
  const { privateKey, ...rest } = options;
  const certificates = await signingChain({ key: privateKey, ...rest });
  const publicKey = publicKeyDer(privateKey);
  return {
    sign(pae, { signal }) {
      throwIfAborted(signal);
      return Promise.resolve({
        signature: signBytes(privateKey, pae),
        publicKey,
        material: { kind: "certificate-chain", certificates },
      });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
