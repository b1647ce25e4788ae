/** Sigstore: signing with an identity, and verifying who signed, without any network. */

export {
  ambientToken,
  type AmbientTokenOptions,
  givenToken,
  type IdentityToken,
  interactiveToken,
  type InteractiveTokenOptions,
  type OAuthClient,
  type TokenSource,
} from "./oidc/mod.ts";
export { sigstorePlugin } from "./plugin.ts";
export type { ExpectedText, SignerPolicy } from "./policy.ts";
export {
  builtinTrust,
  describeTrust,
  type InstanceName,
  type SelectedTrust,
  selectTrust,
  type Trust,
  type TrustChoice,
  type TrustOrigin,
} from "./trust/mod.ts";
export { parseTrustedRoot, type TrustedRoot } from "./trusted_root.ts";
export { sigstoreSigner, type SigstoreSignerOptions } from "./sigstore_signer.ts";
export { sigstoreVerifier, type SigstoreVerifierOptions } from "./verifier.ts";
