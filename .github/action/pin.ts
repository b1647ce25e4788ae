/**
 * Pins the binaries of a release in `checksums.txt`, which the action obeys.
 *
 *     deno task action:pin [--check] [SHA256SUMS]      by default dist/release/SHA256SUMS
 *
 * Builds are reproducible, so a release is made in this order: build, pin, commit, tag; and what is built from the tag
 * is published only if it is what was pinned: `--check` says so, with status 1 if not.
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PLATFORMS } from "../../cli/build/platforms.ts";

const CHECKSUMS = fileURLToPath(new URL("checksums.txt", import.meta.url));
const ROOT = new URL("../../", import.meta.url);

/** A line of `SHA256SUMS`; `*` is what sha256sum writes for files that are no text. */
const LINE = /^([0-9a-f]{64}) [ *](?:\.\/)?(\S+)$/;

/** What a release has beside them, nobody runs. */
const BINARIES: ReadonlySet<string> = new Set(PLATFORMS.map(({ file }) => file));

/** The list with a release put in front: `DIGEST  vVERSION/BINARY`. What it said of the same version is replaced. */
export function withRelease(checksums: string, sums: string, version: string): string {
  const binaries = sums.split("\n").flatMap((line) => {
    const [, digest, name = ""] = LINE.exec(line) ?? [];
    return BINARIES.has(name) ? [`${digest}  v${version}/${name}`] : [];
  });
  if (binaries.length === 0) throw new Error("SHA256SUMS lists no binaries");
  const lines = checksums.split("\n").filter((line) => line !== "");
  const comments = lines.filter((line) => line.startsWith("#"));
  const others = lines.filter((line) =>
    !line.startsWith("#") && !line.split("  ")[1]?.startsWith(`v${version}/`)
  );
  return `${[...comments, ...binaries.toSorted(byName), ...others].join("\n")}\n`;
}

/** Digests have the same length, so what follows them decides. */
function byName(left: string, right: string): number {
  return left.slice(64) < right.slice(64) ? -1 : 1;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { check: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const sums = readFileSync(positionals[0] ?? new URL("dist/release/SHA256SUMS", ROOT), "utf8");
  const { version } = JSON.parse(readFileSync(new URL("package.json", ROOT), "utf8"));
  const before = readFileSync(CHECKSUMS, "utf8");
  const after = withRelease(before, sums, version);
  if (!values.check) writeFileSync(CHECKSUMS, after);
  else if (before !== after) {
    console.error(`checksums.txt does not list the binaries of version ${version} as they are`);
    process.exitCode = 1;
  }
}
