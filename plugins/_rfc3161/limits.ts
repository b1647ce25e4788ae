/** Every bound on what a timestamp may hold, with its reason. */

/** Bytes of a response. Real ones have 1 to 8 KiB; a long chain of certificates with RSA keys has 30. */
export const MAX_TIMESTAMP_BYTES: number = 64 * 1024;

/** Certificates in a token, which nobody vouches for. Real ones have up to 4. */
export const MAX_TOKEN_CERTIFICATES = 16;

/** Texts of a refusal that a message shows. They are one text in several languages. */
export const MAX_SHOWN_TEXTS = 3;

/**
 * Difference in ms between a service's time and this machine's after which one of the clocks is wrong. Clocks that
 * are kept by NTP differ by less than a second; five minutes, as Kerberos allows, spare those that are not.
 */
export const MAX_CLOCK_DIFFERENCE: number = 5 * 60 * 1000;
