/** A piece of work for the engine, and what becomes of it. */

import type { IssueCode } from "../../core/errors.ts";
import type { ByteRange, FileLocation } from "../../core/source.ts";

/** A range of a file that can be opened directly. Plain data: it is sent to workers. */
export type FileUnit = FileLocation & ByteRange & {
  /** Bytes of the whole file when it was listed. */
  readonly size: number;
};

/** Content that is handed over piece by piece. Plain data, too. */
export type StreamUnit = {
  /** The entry's, for messages. */
  readonly path: string;
  /** A file to be created, and to be given the content. */
  readonly copyTo?: string;
};

/** Why there is no digest: the end of a sentence that begins with the entry's path. */
export type Failure = {
  readonly code: IssueCode;
  readonly problem: string;
};

/** A digest in lowercase hex, or why there is none. */
export type Outcome = string | Failure;
