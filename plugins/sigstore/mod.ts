/** Sigstore: signing with an identity, and verifying who signed, without any network. */

export { type Artifact, parseSigstoreBundle } from "./bundle.ts";
export {
  ambientToken,
  givenToken,
  type IdentityToken,
  interactiveToken,
  parseIdentityToken,
  type TokenSource,
} from "./oidc/mod.ts";
export { sigstorePlugin } from "./plugin.ts";
export { type ExpectedText, type SignerPolicy, wholeTextPattern } from "./policy.ts";
export {
  builtinTrust,
  describeTrust,
  selectTrust,
  type Trust,
  type TrustOrigin,
} from "./trust/mod.ts";
export { parseTrustedRoot, type TrustedRoot } from "./trusted_root.ts";
export { sigstoreSigner, type SigstoreSignerOptions } from "./sigstore_signer.ts";
export { sigstoreVerifier, type SigstoreVerifierOptions } from "./verifier.ts";
export { type SignedEntity, verifyEntity } from "./verify.ts";
