/** Verification of signatures over envelopes, shared by the methods that have a public key at hand. */

export { verifyEnvelope } from "./verify.ts";
export { verifyEcDigest, verifyEd25519ph, verifyP521Sha256 } from "./uncommon.ts";
