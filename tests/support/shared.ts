/** Reference data that lies beside the repository: bundles of earlier tools, schemas, vectors. */

import { existsSync } from "node:fs";
import process from "node:process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { leaveOut } from "./left_out.ts";

const ROOT = process.env["MODEL_SIGNING_SHARED"] ??
  fileURLToPath(new URL("../../../shared", import.meta.url));

/**
 * The path of a file or folder of the reference data. Where there is none it says so and gives undefined, so
 * that a checkout on its own can be tested; where `CI` is set that is an error, because these tests must run.
 *
 * ```ts ignore
 * const oms = sharedData("oms");
 * if (oms) test("…", () => {});
 * ```
 */
export function sharedData(...segments: readonly string[]): string | undefined {
  const path = join(ROOT, ...segments);
  if (existsSync(path)) return path;
  leaveOut(`no reference data at ${path}: set MODEL_SIGNING_SHARED to the folder that holds it`);
  return undefined;
}
