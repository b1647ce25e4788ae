/** What lies in a folder, to show that a failed run left nothing and changed nothing. */

import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Files this large are compared by their size: tests make sparse ones of many GiB. */
const MAX_HASHED_BYTES = 1024 * 1024;

/** Every path below `folder` with its kind, and the content of what is not too large. */
export function snapshot(folder: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  // Not readdirSync's own recursion: on Bun it follows symbolic links.
  const visit = (path: string): void => {
    for (const name of readdirSync(join(folder, path)).sort()) {
      const child = join(path, name);
      found[child] = fingerprint(join(folder, child));
      if (found[child] === "directory") visit(child);
    }
  };
  visit("");
  return found;
}

function fingerprint(path: string): string {
  const facts = lstatSync(path);
  if (!facts.isFile()) return facts.isDirectory() ? "directory" : "other";
  if (facts.size > MAX_HASHED_BYTES) return `${facts.size} bytes`;
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
