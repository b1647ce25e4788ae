/** A copy of a plugin in a folder that nobody else can reach, for as long as it takes to load it. */

import { lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ModelSigningError, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";

/**
 * Imports what is outside of a module's own file are looked for beside it and in every `node_modules` above it. (From
 * memory, as a `data:` or `blob:` URL, Bun 1.4.5 looks in the current folder.) So the copy lies alone, and below folders
 * in which nobody else can put a `node_modules`, if there is such a place.
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
  const folder = await privateFolder(cacheFolder);
  try {
    const path = join(folder, name);
    await writeFile(path, bytes, { mode: 0o400, flag: "wx" });
    return await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function privateFolder(cacheFolder: string | undefined): Promise<string> {
  const own = cacheFolder === undefined ? undefined : await folderIn(cacheFolder);
  if (typeof own === "string") return own;
  const shared = tmpdir();
  const trap = await nodeModulesAbove(shared);
  if (trap !== undefined) {
    throw new ModelSigningError(
      "PLUGIN_UNLOADABLE",
      `cannot load plugins in ${quote(shared)}: ${quote(trap)} could be imported in their place`,
      { hint: "set XDG_CACHE_HOME or TMPDIR to a folder of your own" },
    );
  }
  const temporary = await folderIn(shared);
  if (typeof temporary === "string") return temporary;
  throw new ModelSigningError(
    "PLUGIN_UNLOADABLE",
    `there is no place for a copy of the plugin: ${quote(shared)}: ${systemReason(temporary)}`,
    { cause: temporary, hint: "set XDG_CACHE_HOME or TMPDIR to a folder that can be written" },
  );
}

/** A new folder with mode 0700, or why there is none. */
async function folderIn(place: string): Promise<unknown> {
  try {
    await mkdir(place, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(place, "model-signing-plugin-"));
  } catch (error) {
    return error;
  }
}

async function nodeModulesAbove(folder: string): Promise<string | undefined> {
  for (let at = folder;; at = dirname(at)) {
    const path = join(at, "node_modules");
    if (await lstat(path).then(() => true, () => false)) return path;
    if (dirname(at) === at) return undefined;
  }
}
