/** Trust in a Sigstore instance, and where it comes from. */

import type { Json } from "../../../core/json.ts";
import { type TrustedRoot, trustedRootOf } from "../trusted_root.ts";

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
  /** When `trust update` fetched it. */
  readonly fetched?: Date;
  /** What a reader should know besides: an expired TUF timestamp, members that cannot be used. Not escaped. */
  readonly notes: readonly string[];
};

/** What an instance of Sigstore is trusted by, and how it is used. */
export type Trust = {
  readonly root: TrustedRoot;
  /** Sigstore's SigningConfig message. Absent when only verification was provided for. */
  readonly signingConfig?: Json;
  readonly origin: TrustOrigin;
};

/** Trust together with the TrustedRoot message that it was read from. */
export type SelectedTrust = Trust & { readonly message: Json };

/** Reads a TrustedRoot message; what in it cannot be used is noted. Throws MemberError. */
export function readTrust(
  message: Json,
  signingConfig: Json | undefined,
  origin: TrustOrigin,
): SelectedTrust {
  const root = trustedRootOf(message);
  const notes = root.refused.map((reason) => `not trusted, because it cannot be used: ${reason}`);
  return {
    root,
    message,
    ...(signingConfig === undefined ? {} : { signingConfig }),
    origin: { ...origin, notes: [...origin.notes, ...notes] },
  };
}
