/** Signatures of logs. */

import { signatureHolds } from "../../core/keys.ts";
import type { Log } from "./trusted_root.ts";

/** Whether a log's key has signed these bytes. The digest is named: Deno picks none. */
export function verifiesWith(
  { key, digest }: Pick<Log, "key" | "digest">,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  return signatureHolds(digest, bytes, key, signature);
}
