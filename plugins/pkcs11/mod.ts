/** Signing with keys in HSMs, smart cards and TPMs, through PKCS#11. */

export type { TokenCertificateOptions } from "./open_signer.ts";
export { pkcs11Plugin } from "./plugin.ts";
export { pkcs11CertificateSigner, pkcs11KeySigner } from "./signer.ts";
export type { TokenKeyOptions } from "./token_key.ts";
