/** `SHA256SUMS`, in the format of the coreutils' `sha256sum`. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** SHA-256 of a file as lowercase hex. */
export function sha256OfFile(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** A line for each of these files of a folder, sorted by name. */
export function checksums(folder: string, names: readonly string[]): string {
  return [...names].sort().map((name) => `${sha256OfFile(join(folder, name))}  ${name}\n`).join("");
}
