/** How much of a model was read, and how. */

import { counted, type Coverage, grouped, type Serialization } from "../../core/mod.ts";
import { humanBytes } from "../units.ts";
import { type Page, SHOWN } from "./page.ts";

/**
 * The fields of a report that say what was read and what was not.
 *
 * @param ignored what it means for a path to be ignored
 */
export function coverageFields(
  page: Page,
  coverage: Coverage,
  serialization: Serialization,
  ignored: string,
): void {
  page.field("Content", [
    `${counted(coverage.files, "file")}, ${bytesText(coverage.bytes)}`,
    ...(coverage.stated === undefined
      ? []
      : [`${grouped(coverage.stated)} of them by the digest that the model states, not read`]),
    serializationText(serialization),
  ]);
  page.field(
    "Ignored",
    named(coverage.ignored, ignored),
  );
  page.field(
    "Not covered",
    named(coverage.uncovered, "empty files, which a signature over shards does not cover"),
  );
  page.field(
    "Not here",
    named(coverage.absent ?? [], "signed, but no part of the model as files"),
  );
}

/** `1.50 MiB (1,572,864 bytes)` */
function bytesText(bytes: number): string {
  return bytes < 1024 ? humanBytes(bytes) : `${humanBytes(bytes)} (${counted(bytes, "byte")})`;
}

/** `sha256, in shards of 128 MiB (134,217,728 bytes), following symbolic links` */
export function serializationText(serialization: Serialization): string {
  return [
    serialization.hashType,
    serialization.method === "shards" ? `in shards of ${bytesText(serialization.shardSize)}` : "",
    serialization.allowSymlinks ? "following symbolic links" : "",
  ].filter((part) => part !== "").join(", ");
}

function named(paths: readonly string[], remark: string): readonly string[] {
  if (paths.length === 0) return [];
  const more = paths.length > SHOWN ? [`... and ${grouped(paths.length - SHOWN)} more`] : [];
  return [...paths.slice(0, SHOWN), ...more, `(${remark})`];
}
