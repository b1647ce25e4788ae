/** Verification of signatures over envelopes, shared by the methods that have a public key at hand. */

export { verifyEnvelope } from "./verify.ts";
export { verifyP521Sha256 } from "./uncommon.ts";
