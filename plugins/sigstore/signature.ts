/** Signatures of logs and of signers. */

import { verify } from "node:crypto";
import type { Log } from "./trusted_root.ts";

/** Whether a log's key has signed these bytes. The digest is named: Deno picks none. */
export function verifiesWith(
  { key, digest }: Pick<Log, "key" | "digest">,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(digest, bytes, key, signature);
  } catch {
    // The runtimes differ in whether a malformed signature is false or an exception.
    return false;
  }
}
