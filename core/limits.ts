/**
 * Bounds on bundles, statements, models and key files, with their reasons. Sizes in bytes. What one reader
 * alone needs may stand beside it.
 */

/** A bundle of a million files takes about 160 MB; anything above is refused before it is read. */
export const MAX_BUNDLE_BYTES: number = 256 * 1024 * 1024;

/** Objects and arrays around a JSON value in a bundle or statement. The deepest thing in the format is 9. */
export const MAX_JSON_DEPTH = 64;

/**
 * Values in one JSON text. A statement needs four for each resource; 256 MiB of `{},` would be 90 million,
 * which take more memory than a process gets.
 */
export const MAX_JSON_VALUES = 16_000_000;

/**
 * Objects and arrays in one JSON text, which take the most memory: up to 300 bytes each. A statement needs one for each
 * resource, and a source may add another.
 */
export const MAX_JSON_CONTAINERS = 4_100_000;

/**
 * Values in a bundle, whose payload is one string: a chain of 16 certificates and a few log entries have
 * hundreds. Nothing vouches for a bundle when it is parsed, and 16 million small objects take 4.6 GB.
 */
export const MAX_BUNDLE_VALUES = 100_000;

/** Resources in a statement: each takes 110 bytes at least, so more do not fit into {@link MAX_BUNDLE_BYTES}. */
export const MAX_RESOURCES = 2_000_000;

/** UTF-8 bytes of a path in a model. Linux's own limit for one path is 4096. */
export const MAX_PATH_BYTES = 32_768;

/** Directories below each other. Deeper trees cannot be opened by path on Linux either. */
export const MAX_DIRECTORY_DEPTH = 2048;

/** A certificate in a bundle, which nobody vouches for yet. Real ones have 1 to 4 KiB. */
export const MAX_CERTIFICATE_BYTES: number = 64 * 1024;

/** Certificates in a bundle's chain, and on a path that is built from it. */
export const MAX_CHAIN_LENGTH = 16;

/** Characters of the hint by which a bundle names a key. Ours has 64. */
export const MAX_HINT_LENGTH = 1024;

/** A certificate, key or password file. The largest real ones (RSA 16384, long PEM bundles) stay below. */
export const MAX_KEY_FILE_BYTES: number = 1024 * 1024;

/** A file of trust anchors may be a whole root store, and a CRL of a busy CA has tens of MB. */
export const MAX_TRUST_FILE_BYTES: number = 64 * 1024 * 1024;

/** A raw signature: RSA 16384 has 2048 bytes. */
export const MAX_SIGNATURE_BYTES = 16_384;
