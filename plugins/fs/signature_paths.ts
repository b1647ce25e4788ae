/** Where the signature file lies inside the model. */

import { pathProblem } from "../../core/path.ts";
import { type ModelRoot, physicalName, toAbsolute, writtenName } from "./root.ts";

/**
 * The names inside the model under which an enumeration could meet the signature file: as it is written,
 * and where that leads when a parent is a symbolic link. Empty when it lies outside.
 */
export function signaturePaths(signature: string, root: ModelRoot, cwd: string): readonly string[] {
  const absolute = toAbsolute(signature, cwd);
  const names = [writtenName(root, absolute), physicalName(root, absolute)];
  return names.filter((name) => name !== undefined)
    // A walk refuses such a name, whatever is excluded.
    .filter((name) => pathProblem(name) === undefined);
}
