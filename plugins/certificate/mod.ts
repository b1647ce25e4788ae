/** Signing and verifying with X.509 certificates. */

export { certificateDescriber } from "./describer.ts";
export type { FileContent, NamedBytes } from "../_input/mod.ts";
export {
  type TimestampVerifier,
  timestampVerifier,
  type TimestampVerifierOptions,
  timestampWitness,
  type TimestampWitnessOptions,
} from "../_timestamp/mod.ts";
export { certificatePlugin } from "./plugin.ts";
export { certificateSigner, type CertificateSignerOptions } from "./signer.ts";
export { certificateVerifier, type CertificateVerifierOptions } from "./verifier.ts";
