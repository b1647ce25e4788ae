/** Signing and verifying with X.509 certificates. */

export { certificateDescriber } from "./describer.ts";
export type { FileContent, NamedBytes } from "./files.ts";
export { certificatePlugin } from "./plugin.ts";
export { certificateSigner, type CertificateSignerOptions } from "./signer.ts";
export {
  certificateVerifier,
  type CertificateVerifierOptions,
  type TimestampVerifier,
} from "./verifier.ts";
