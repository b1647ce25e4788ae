/** Programs on PATH that are plugins. */

import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { KEBAB_CASE } from "../_plugin/mod.ts";
import { findProgram, isProgram, PROGRAM_SUFFIX, searchedFolders } from "../_program/mod.ts";

/** What the names of such programs begin with. */
const PREFIX = "model-signing-plugin-";

/** The first `model-signing-plugin-NAME` on PATH, or undefined. */
export async function findExecutable(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (!KEBAB_CASE.test(name)) return undefined;
  return await findProgram(`${PREFIX}${name}${PROGRAM_SUFFIX}`, environment);
}

/** Every program that {@link findExecutable} would find. Nothing is started. */
export async function listExecutables(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const folder of await searchedFolders(environment)) {
    const files = await readdir(folder).catch(() => []);
    for (const file of files.filter((file) => file.startsWith(PREFIX)).sort()) {
      const path = join(folder, file);
      const name = nameOf(path) ?? "";
      if (found.has(name) || file !== `${PREFIX}${name}${PROGRAM_SUFFIX}`) continue;
      if (KEBAB_CASE.test(name) && await isProgram(path)) found.set(name, path);
    }
  }
  return [...found.values()];
}

/** The NAME of `model-signing-plugin-NAME`; undefined for a program that is called otherwise. */
export function nameOf(path: string): string | undefined {
  const file = basename(path).replace(/\.exe$/i, "");
  return file.startsWith(PREFIX) ? file.slice(PREFIX.length) : undefined;
}
