/** Trusted timestamps (RFC 3161, RFC 5816): asking an authority for one, and verifying what it gave. */

export { MAX_CLOCK_DIFFERENCE } from "./limits.ts";
export { describeTimestamp, type TimestampDescription } from "./describe.ts";
export { requestTimestamp, type TimestampRequest } from "./request.ts";
export { type TimestampAuthority, type TimestampResult, verifyTimestamp } from "./verify.ts";
