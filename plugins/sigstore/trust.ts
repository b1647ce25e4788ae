/** Trust in a Sigstore instance, and where it comes from. */

import type { Json } from "../../core/json.ts";
import type { TrustedRoot } from "./trusted_root.ts";

/** Where trust comes from, for reports. */
export type TrustOrigin = {
  /** Shipped with this program, fetched with `trust update`, or named on the command line. */
  readonly kind: "built-in" | "cache" | "file";
  /** Such as `Sigstore's production instance`, or the file's path. Not escaped. */
  readonly name: string;
  /** When it was published, as far as that is known; for a file, when it was last written. */
  readonly date?: Date;
  /** Version of the TUF targets metadata that vouches for it. */
  readonly version?: number;
  /** What a reader should know besides: an expired TUF timestamp, members that cannot be used. */
  readonly notes: readonly string[];
};

/** What an instance of Sigstore is trusted by, and how it is used. */
export type Trust = {
  readonly root: TrustedRoot;
  /** Sigstore's SigningConfig message. Absent when only verification was provided for. */
  readonly signingConfig?: Json;
  readonly origin: TrustOrigin;
};
