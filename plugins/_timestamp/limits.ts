/** Bounds on the timestamps of a bundle. */

/** Timestamps that are looked at. Each takes several signature checks. */
export const MAX_TIMESTAMPS = 32;
