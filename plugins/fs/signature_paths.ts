/** Where the signature file lies inside the model. */

import { ModelSigningError } from "../../core/errors.ts";
import { pathProblem } from "../../core/path.ts";
import { quote } from "../../core/text.ts";
import {
  isDirectory,
  type ModelRoot,
  physicalName,
  realPath,
  toAbsolute,
  writtenName,
} from "./root.ts";

/**
 * The names inside the model under which an enumeration could meet the signature file: as it is written,
 * and where that leads when a parent is a symbolic link. Empty when it lies outside.
 *
 * @throws {ModelSigningError} `USAGE` for the model itself and for a directory, which would be left out with
 * all that it holds
 */
export function signaturePaths(signature: string, root: ModelRoot, cwd: string): readonly string[] {
  if (signature === "") throw new ModelSigningError("USAGE", "the signature path is empty");
  const absolute = toAbsolute(signature, cwd);
  if (realPath(absolute) === root.path) {
    throw new ModelSigningError(
      "USAGE",
      `signature path ${quote(signature)} is the model itself, expected another file`,
    );
  }
  if (isDirectory(absolute)) {
    throw new ModelSigningError(
      "USAGE",
      `signature path ${quote(signature)} is a directory, expected a file`,
    );
  }
  const names = [writtenName(root, absolute), physicalName(root, absolute)];
  return names.filter((name) => name !== undefined)
    // A walk refuses such a name, whatever is excluded.
    .filter((name) => pathProblem(name) === undefined);
}
