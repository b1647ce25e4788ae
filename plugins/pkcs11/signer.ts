/** Signing with a key in a token, as a library uses it. */

import type { RunOptions } from "../../core/options.ts";
import type { Signer } from "../../core/signer.ts";
import type { TokenCertificateOptions } from "./open_signer.ts";
import type { TokenKeyOptions } from "./token_key.ts";

/**
 * Makes a signer with a private key in a token (HSM, smart card, TPM): the PKCS#11 module is loaded into this process,
 * and the PIN asked for if it is needed. Bundles are those of `keySigner`. Calls to the token block the thread; no key
 * leaves it.
 *
 * @throws {ModelSigningError} `USAGE_PKCS11_URI`; `PKCS11_MODULE_NOT_FOUND`; `PKCS11_MODULE` when the module cannot be trusted or loaded;
 * `PKCS11_TOKEN` and `PKCS11_OBJECT` when the URI fits no token or key, or several; `PKCS11_PIN`; `PKCS11_FAILED`;
 * `KEY_UNSUPPORTED`; `FILE_UNREADABLE` for a PIN file; `ABORTED`
 */
export async function pkcs11KeySigner(
  options: TokenKeyOptions,
  run: RunOptions = {},
): Promise<Signer> {
  const { openKeySigner } = await import("./open_signer.ts");
  return await openKeySigner(options, run);
}

/**
 * The same with the key's certificate, which comes from the token if none is given. Bundles are those of
 * `certificateSigner`.
 *
 * @throws {ModelSigningError} `PKCS11_CERTIFICATE` when the token has none for the key, or several; what
 * {@link pkcs11KeySigner} and `certificateSigner` throw
 */
export async function pkcs11CertificateSigner(
  options: TokenCertificateOptions,
  run: RunOptions = {},
): Promise<Signer> {
  const { openCertificateSigner } = await import("./open_signer.ts");
  return await openCertificateSigner(options, run);
}
