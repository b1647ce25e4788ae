/** PATH, as far as it does not depend on the current folder. */

import { delimiter, isAbsolute } from "node:path";
import { childEnvironment } from "../../core/child_environment.ts";

/** The environment of another program: without our own settings, and it finds nothing by a relative PATH either. */
export function programEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(childEnvironment(environment)).map(([name, value]) =>
      name.toUpperCase() === "PATH" ? [name, absoluteFolders(value).join(delimiter)] : [name, value]
    ),
  );
}

/** The entries of a PATH that do not depend on the current folder. */
export function absoluteFolders(path: string): readonly string[] {
  return path.split(delimiter).filter((folder) => isAbsolute(folder));
}
