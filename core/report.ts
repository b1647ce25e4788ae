/** The outcome of a verification. */

import type { Issue } from "./errors.ts";
import type { FileDiff, Manifest, Serialization } from "./manifest.ts";
import type { Check, Identity, Timestamp } from "./verifier.ts";

/** What the signature covers. Known only once the signature holds and the statement is well-formed. */
export type SignedModel = {
  /** The name that was signed; may differ from the name on this disk. The tool 0.2.0 recorded none. */
  readonly name?: string;
  /** Signed resources: files, or shards. */
  readonly resources: number;
  /** Lowercase hex SHA-256; absent in bundles of the tool 0.2.0, which have none. */
  readonly rootDigest?: string;
  readonly serialization: Serialization;
};

/** How much of the model was read. */
export type Coverage = {
  /** Files compared, by a digest that was computed or stated. */
  readonly files: number;
  /** Bytes in them. */
  readonly bytes: number;
  /** How many of the files were not read: the source stated their digests. Absent for none. */
  readonly stated?: number;
  /** Excluded paths that exist: no signature covers what is in them. Code point order. */
  readonly ignored: readonly string[];
  /** Empty files, which a signature over shards does not cover. Code point order. */
  readonly uncovered: readonly string[];
  /** Signed files that describe the model and are no files of it here. Absent for none. Code point order. */
  readonly absent?: readonly string[];
};

/** What every report holds. */
export type ReportBase = {
  /** In the order of OMS 4; those that an earlier failure made moot are `skipped`. */
  readonly checks: readonly Check[];
  /** Differences, in code point order. */
  readonly files: readonly FileDiff[];
  readonly coverage: Coverage;
  readonly timestamps: readonly Timestamp[];
};

/**
 * The outcome of a verification. `identity` exists only under "verified", so taking another verdict for
 * it does not compile.
 */
export type Report =
  & ReportBase
  & (
    | {
      readonly verdict: "verified";
      readonly identity: Identity;
      readonly model: SignedModel;
      /** What was signed, resource by resource. */
      readonly manifest: Manifest;
    }
    | {
      readonly verdict: "rejected" | "inconclusive";
      readonly issues: readonly [Issue, ...Issue[]];
      /** Who signed, when the signature holds but something else does not. */
      readonly signedBy?: Identity;
      readonly model?: SignedModel;
    }
  );
