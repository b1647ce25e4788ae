/** Limits on the time that services may take. */

/** Limit of one wait when the run sets none, in ms. Rekor v2 answers only once the entry is in the log. */
export const DEFAULT_TIMEOUT_MS = 60_000;

/** A slower line, 64 KiB/s, counts as one that hangs: what is sent and received is waited for longer by this. */
export const SLOWEST_BYTES_PER_MS = 64;
