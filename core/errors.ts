/**
 * Findings and faults.
 *
 * A *finding* is something that is wrong with a bundle or a model. It is a value ({@link Issue}) and ends
 * up in a report. A *fault* is something that kept the work from being carried out; it is thrown as
 * {@link ModelSigningError}. No condition is ever both.
 */

/** What a finding is about. A verification with any of these is not "verified". */
export type IssueCode =
  // The bundle as a file.
  | "BUNDLE_TOO_LARGE"
  | "BUNDLE_MALFORMED"
  | "BUNDLE_MEDIA_TYPE"
  | "BUNDLE_MATERIAL"
  | "ENVELOPE_PAYLOAD_TYPE"
  | "ENVELOPE_SIGNATURES"
  | "SIGNATURE_MISSING"
  // The signature and who made it.
  | "SIGNATURE_INVALID"
  | "SIGNATURE_ENCODING"
  | "SIGNATURE_UNDECIDED"
  | "KEY_HINT_MISMATCH"
  | "KEY_REFUSED"
  | "CERTIFICATE_MALFORMED"
  | "CERTIFICATE_UNTRUSTED"
  | "CERTIFICATE_EXPIRED"
  | "CERTIFICATE_NOT_YET_VALID"
  | "CERTIFICATE_USAGE"
  | "CERTIFICATE_CONSTRAINT"
  | "CERTIFICATE_IDENTITY"
  | "CERTIFICATE_REVOKED"
  | "CRL_UNUSABLE"
  | "IDENTITY_MISMATCH"
  | "ISSUER_MISMATCH"
  // Who else saw the signature.
  | "SCT_MISSING"
  | "SCT_INVALID"
  | "TLOG_ENTRY_MISSING"
  | "TLOG_ENTRY_MALFORMED"
  | "TLOG_ENTRY_MISMATCH"
  | "TLOG_UNKNOWN"
  | "TLOG_INCLUSION_PROOF"
  | "TLOG_CHECKPOINT"
  | "TLOG_INCLUSION_PROMISE"
  | "TIMESTAMP_MISSING"
  | "TIMESTAMP_MALFORMED"
  | "TIMESTAMP_MISMATCH"
  | "TIMESTAMP_UNTRUSTED"
  // The signed statement.
  | "STATEMENT_MALFORMED"
  | "STATEMENT_TYPE"
  | "PREDICATE_TYPE"
  | "RESOURCE_NAME"
  | "RESOURCE_DUPLICATE"
  | "RESOURCE_ORDER"
  | "RESOURCE_NONE"
  | "SHARD_RANGE"
  | "ROOT_DIGEST_MISMATCH"
  // What the verifier's own settings refuse.
  | "SYMLINKS_REFUSED"
  | "IGNORED_PATH_SIGNED"
  // What the model's source says of itself.
  | "ANNOTATION_MISMATCH"
  | "ANNOTATION_UNSIGNED"
  // The model.
  | "FILE_MISSING"
  | "FILE_MODIFIED"
  | "FILE_UNSIGNED"
  | "FILE_CHANGED"
  | "ARCHIVE_UNDECIDED"
  | "ENTRY_NAME"
  | "ENTRY_DIGEST"
  | "ENTRY_DIGEST_ALGORITHM"
  | "ENTRY_SYMLINK"
  | "ENTRY_SYMLINK_DANGLING"
  | "ENTRY_SYMLINK_CYCLE"
  | "ENTRY_NOT_REGULAR"
  | "ENTRY_UNREADABLE"
  | "ENTRY_TOO_DEEP"
  // Findings of a plugin that this list does not know.
  | `PLUGIN_${string}`;

/**
 * Findings after which nobody can tell whether the model is the signed one: something could not be read
 * or was not decided. Alone they make a verification "inconclusive", beside any other finding "rejected".
 */
export const UNDECIDED: ReadonlySet<IssueCode> = new Set<IssueCode>([
  "SIGNATURE_UNDECIDED",
  "ENTRY_UNREADABLE",
  "FILE_CHANGED",
  "ARCHIVE_UNDECIDED",
]);

/** One finding. `message` names what was found and what was wanted, without a final full stop. */
export type Issue = {
  readonly code: IssueCode;
  readonly message: string;
  /** Path relative to the model's root, when the finding is about one entry of the model. */
  readonly path?: string;
  /** What the reader can do about it. */
  readonly hint?: string;
};

/** What a fault is about. Codes that start with `USAGE` mean that the caller asked for something impossible. */
export type ErrorCode =
  | "USAGE"
  | "USAGE_IGNORE_PATH"
  | "USAGE_OCI_REFERENCE"
  | "USAGE_PKCS11_URI"
  | "ABORTED"
  | "MODEL_NOT_FOUND"
  | "MODEL_UNREADABLE"
  | "MODEL_EMPTY"
  | "MODEL_REFUSED"
  | "BUNDLE_UNREADABLE"
  | "BUNDLE_TOO_LARGE_TO_WRITE"
  | "BUNDLE_REFUSED"
  | "FILE_UNWRITABLE"
  | "FILE_UNREADABLE"
  | "KEY_MALFORMED"
  | "KEY_UNSUPPORTED"
  | "KEY_PASSWORD_MISSING"
  | "KEY_PASSWORD_WRONG"
  | "KEY_CERTIFICATE_MISMATCH"
  | "CERTIFICATE_FILE_MALFORMED"
  | "CERTIFICATE_UNSUITABLE"
  | "CERTIFICATE_CHAIN_BROKEN"
  | "TRUST_ANCHOR_MISSING"
  | "CRL_MALFORMED"
  | "HASH_UNAVAILABLE"
  | "HASH_WORKER_FAILED"
  | "SIGNATURE_SELF_CHECK"
  | "INTERACTION_UNAVAILABLE"
  // The network, and what its other end says.
  | "NETWORK_UNREACHABLE"
  | "NETWORK_TIMEOUT"
  | "NETWORK_STATUS"
  | "NETWORK_RESPONSE"
  | "TOKEN_UNAVAILABLE"
  | "TOKEN_MALFORMED"
  | "TOKEN_EXPIRED"
  | "TOKEN_NOT_YET_VALID"
  | "TOKEN_AUDIENCE"
  | "TIMESTAMP_REFUSED"
  // Keys in hardware.
  | "PKCS11_MODULE"
  | "PKCS11_MODULE_NOT_FOUND"
  | "PKCS11_TOKEN"
  | "PKCS11_OBJECT"
  | "PKCS11_CERTIFICATE"
  | "PKCS11_PIN"
  | "PKCS11_FAILED"
  // Registries and layouts.
  | "OCI_NOT_FOUND"
  | "OCI_UNAUTHORIZED"
  | "OCI_CREDENTIALS"
  | "OCI_MANIFEST"
  | "OCI_INDEX"
  | "OCI_DIGEST_MISMATCH"
  // Trust that was configured.
  | "TRUST_MALFORMED"
  | "TRUST_UNAVAILABLE"
  | "TRUST_REFUSED"
  | "SIGNING_CONFIG_MALFORMED"
  | "SIGNING_CONFIG_UNUSABLE"
  // Plugins of others: where they are, what they say of themselves, what they did.
  | "USAGE_PLUGIN_PATH"
  | "PLUGIN_CONFIGURATION"
  | "PLUGIN_NOT_FOUND"
  | "PLUGIN_UNSAFE"
  | "PLUGIN_DIGEST_MISMATCH"
  | "PLUGIN_UNLOADABLE"
  | "PLUGIN_CONTRACT"
  | "PLUGIN_MALFORMED"
  | "PLUGIN_TAKEN"
  | "PLUGIN_RESULT"
  | "PLUGIN_ALGORITHM"
  | "PLUGIN_SIGNATURE"
  | "PLUGIN_PROTOCOL"
  | "PLUGIN_FLOODED"
  | "PLUGIN_CRASHED"
  | "PLUGIN_TIMEOUT"
  | "PLUGIN_FAILED"
  // Faults of a plugin that this list does not know.
  | `PLUGIN_${string}`;

/** Extras of a {@link ModelSigningError}. */
export type ErrorDetails = {
  /** What the user can do about it. */
  readonly hint?: string;
  /** The findings behind the fault, for instance each entry of a model that cannot be signed. */
  readonly issues?: readonly Issue[];
  /** The error underneath. */
  readonly cause?: unknown;
};

/** Thrown when something could not be carried out. Messages never hold secrets. */
export class ModelSigningError extends Error {
  /** What went wrong; stable across versions. */
  readonly code: ErrorCode;
  /** What the user can do about it. */
  readonly hint: string | undefined;
  /** The findings behind the fault. */
  readonly issues: readonly Issue[];

  /** The message names what was found and what was wanted, without a final full stop. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.name = "ModelSigningError";
    this.code = code;
    this.hint = details.hint;
    this.issues = details.issues ?? [];
  }
}

/** A value, or the finding that stands in its place. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issue: Issue };

/**
 * Carries a finding out of nested parsing code. Private to parsers: it is caught by {@link parsed} at
 * their boundary and never reaches a caller.
 */
export class Refusal extends Error {
  readonly issue: Issue;
  constructor(code: IssueCode, message: string, more: Omit<Issue, "code" | "message"> = {}) {
    super(message);
    this.issue = { code, message, ...more };
  }
}

/** Runs a parser and turns a {@link Refusal} into a value. Other errors pass through. */
export function parsed<T>(parse: () => T): Parsed<T> {
  try {
    return { ok: true, value: parse() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, issue: error.issue };
    throw error;
  }
}

/** Throws `ABORTED` when `signal` has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal.reason);
}

/** The error of an operation that was ended, and why. */
export function aborted(reason?: unknown): ModelSigningError {
  return new ModelSigningError("ABORTED", "aborted", { cause: reason });
}

/** What a step gives, unless the signal fires first: then `ABORTED` at once, and nobody sees the step's end. */
export async function orAbort<T>(step: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await step;
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const abort = () => reject(aborted(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([ended, step]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What the operating system's codes say, in the words of messages. */
const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the disk quota is used up",
  EIO: "the device reported an error",
  EISDIR: "it is a directory",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "no such file or directory",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of the path is not a directory",
  EPERM: "operation not permitted",
  EPIPE: "nobody reads it",
  EROFS: "the file system is read-only",
};

/** Why an I/O error happened: `no such file or directory (ENOENT)`, or the bare code. */
export function systemReason(error: unknown): string {
  const code = systemCode(error);
  const reason = SYSTEM_REASONS[code];
  return reason === undefined ? code : `${reason} (${code})`;
}

/** The operating system's code of an I/O error (`ENOENT`), or "unknown error". */
export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "unknown error";
}
