/**
 * Bounds on what a registry, a layout or a file of credentials decides, with their reasons. Sizes in bytes. What one
 * reader alone needs may stand beside it.
 */

/** What registries should take at least, and clients need not exceed (OCI distribution 1.1, "Pushing Manifests"). */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;

/** JSON values in a manifest: a descriptor with three annotations takes nine. */
export const MAX_MANIFEST_VALUES = 300_000;

/** Layers of a manifest, or manifests of an index. Each is an entry and perhaps a request; 4 MiB would hold 36,000. */
export const MAX_DESCRIPTORS = 20_000;

/** One annotation. Titles are paths, which have 32 KiB at most. */
export const MAX_ANNOTATION_BYTES: number = 64 * 1024;

/**
 * Referrers of one manifest. Whoever may push can add any number, and the manifest of each is fetched to see what
 * it is: a request of some 20 ms.
 */
export const MAX_REFERRERS = 1000;

/** Pages of a listing: registries send 50 referrers or more in one. */
export const MAX_REFERRER_PAGES = 100;

/** Manifests in a layout that are opened to see whether they refer to another one. */
export const MAX_LAYOUT_MANIFESTS = 10_000;

/** The answer of a token service. AWS's tokens, the longest known, have 4 KiB. */
export const MAX_TOKEN_ANSWER_BYTES: number = 256 * 1024;

/** The body of an answer that is of no interest. */
export const MAX_IDLE_BYTES: number = 64 * 1024;

/** A `WWW-Authenticate` or `Link` header. Runtimes take 16 KiB of headers and more. */
export const MAX_HEADER_LENGTH: number = 8 * 1024;

/** Docker's or Podman's file of credentials: a few hundred bytes for each registry. */
export const MAX_CREDENTIAL_FILE_BYTES: number = 1024 * 1024;

/** What a credential helper may write. */
export const MAX_HELPER_BYTES: number = 256 * 1024;

/** Attempts to add to an index that others change at the same time. */
export const MAX_INDEX_ATTEMPTS = 8;

/** A password on stdin. Access tokens of registries have up to 4 KiB. */
export const MAX_PASSWORD_BYTES: number = 64 * 1024;
