/** Timestamps of methods that have no authority of their own: getting them, and trusting those of a bundle. */

export {
  type TimestampVerifier,
  timestampVerifier,
  type TimestampVerifierOptions,
} from "./bundle.ts";
export { timestampFields } from "./fields.ts";
export { MAX_TIMESTAMPS } from "./limits.ts";
export {
  TIMESTAMP_OPTIONS,
  timestampWitnesses,
  TRUST_OPTIONS,
  trustedTimestamps,
} from "./options.ts";
export { timestampWitness, type TimestampWitnessOptions } from "./witness.ts";
