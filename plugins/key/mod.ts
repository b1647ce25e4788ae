/** Signing and verifying with a bare key. */

export { keyDescriber } from "./describer.ts";
export { keyPlugin } from "./plugin.ts";
export { keySigner, type KeySignerOptions } from "./signer.ts";
export { keyVerifier, type KeyVerifierOptions } from "./verifier.ts";
