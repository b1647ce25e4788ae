/** A copy of a plugin in a folder that nobody else can reach, for as long as it takes to load it. */

import { lstat, mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ModelSigningError, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import { PrivateFolder } from "../_plugin/mod.ts";

/**
 * Imports what is outside of a module's own file are looked for beside it and in every `node_modules` above it. (From
 * memory, as a `data:` or `blob:` URL, Bun 1.4.5 looks in the current folder.) So the copy lies alone, where there is no
 * `node_modules` above it, and where nobody else can put one, if there is such a place.
 *
 * @param cacheFolder the user's own; undefined when there is none
 * @throws {ModelSigningError} `PLUGIN_UNLOADABLE` when there is no place for it
 */
export async function withPrivateCopy<T>(
  name: string,
  bytes: Uint8Array,
  cacheFolder: string | undefined,
  use: (path: string) => Promise<T>,
): Promise<T> {
  await using folder = await privateFolder(cacheFolder);
  // Without one, Bun fetches what is not found from the npm registry; the compiled program never does.
  await mkdir(join(folder.path, "node_modules"), { mode: 0o700 });
  const path = join(folder.path, name);
  await writeFile(path, bytes, { mode: 0o400, flag: "wx" });
  return await use(path);
}

async function privateFolder(cacheFolder: string | undefined): Promise<PrivateFolder> {
  let problem = "";
  for (const place of [...(cacheFolder === undefined ? [] : [cacheFolder]), tmpdir()]) {
    try {
      const trap = await nodeModulesAbove(place);
      if (trap === undefined) {
        await mkdir(place, { recursive: true, mode: 0o700 });
        return await PrivateFolder.in(place);
      }
      problem = `${quote(place)}: ${quote(trap)} could be imported in the plugin's place`;
    } catch (error) {
      problem = error instanceof ModelSigningError
        ? error.message
        : `${quote(place)}: ${systemReason(error)}`;
    }
  }
  throw new ModelSigningError(
    "PLUGIN_UNLOADABLE",
    `there is no place for a private copy of the plugin: ${problem}`,
    { hint: "set XDG_CACHE_HOME or TMPDIR to a folder of your own" },
  );
}

async function nodeModulesAbove(folder: string): Promise<string | undefined> {
  for (let at = folder;; at = dirname(at)) {
    const path = join(at, "node_modules");
    if (await lstat(path).then(() => true, () => false)) return path;
    if (dirname(at) === at) return undefined;
  }
}
