/** What a user leaves out of a model that is no folder. */

import { ModelSigningError } from "../../core/errors.ts";
import { compareCodePoints, pathProblem } from "../../core/path.ts";
import type { Option, Settings } from "../../core/plugin.ts";
import { listSetting } from "../../core/settings.ts";
import { quote } from "../../core/text.ts";

/** The option, as the source for folders has it. */
export const IGNORE_PATHS: Option = {
  name: "ignore-paths",
  type: "string",
  metavar: "PATH",
  description: "Name of a layer to leave out, or of a folder with every layer in it",
  repeatable: true,
  commaSeparated: true,
  // What is left out is covered by no signature, so only the command line may say so.
  fromEnvironment: false,
};

/** A hint for whoever gave it what cannot be a path. */
export const USAGE_IGNORE_PATH = "layers are left out by the names that digest --files shows";

/** What the option says. On the command line it is that of files, which does not split at commas. */
export function ignoredPaths(settings: Settings): readonly string[] {
  return listSetting(settings, IGNORE_PATHS.name).flatMap((typed) => typed.split(","));
}

/**
 * The paths, sorted and each once.
 *
 * @throws {ModelSigningError} `USAGE_IGNORE_PATH` for one that cannot be a path in a model
 */
export function canonicalPaths(paths: readonly string[]): readonly string[] {
  for (const path of paths) {
    const problem = pathProblem(path);
    if (problem !== undefined) {
      throw new ModelSigningError("USAGE_IGNORE_PATH", `ignore path ${quote(path)} ${problem}`);
    }
  }
  return [...new Set(paths)].sort(compareCodePoints);
}
