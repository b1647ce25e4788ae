/** Every bound on the work that certificates can cause, with its reason. Sizes of files are in core. */

/**
 * Signatures verified in one search for a path, and in all that share what they have verified. A path of the longest
 * allowed length needs 15; CAs that are cross-signed or share a name take some more.
 */
export const MAX_SIGNATURE_CHECKS = 200;

/**
 * Issuers looked at in one search, their signatures verified or remembered: bounds walks through
 * certificates that sign each other in circles.
 */
export const MAX_STEPS = 2000;

/** Comparisons of names with the constraints of one CA, for one certificate. OpenSSL has the same limit. */
export const MAX_COMPARISONS: number = 1 << 20;

/** Characters of a subject that a message quotes. */
export const MAX_SHOWN_SUBJECT = 200;
