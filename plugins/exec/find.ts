/** Programs on PATH that are plugins. */

import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { KEBAB_CASE } from "../_plugin/mod.ts";
import { absoluteFolders } from "./environment.ts";

/** What the names of such programs begin with. */
export const PREFIX = "model-signing-plugin-";

/** Windows runs nothing but these without a shell. */
const SUFFIX: string = process.platform === "win32" ? ".exe" : "";

/**
 * The first `model-signing-plugin-NAME` on PATH, or undefined. Entries that are empty or relative are skipped, and the
 * current folder is, too: it may be that of a model.
 */
export async function findExecutable(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (!KEBAB_CASE.test(name)) return undefined;
  const current = await currentFolder();
  const path = environment["PATH"] ?? environment["Path"] ?? "";
  for (const folder of absoluteFolders(path)) {
    const file = join(folder, `${PREFIX}${name}${SUFFIX}`);
    if (!await isProgram(file)) continue;
    if (await realpath(folder) !== current) return file;
  }
  return undefined;
}

/** The NAME of `model-signing-plugin-NAME`; undefined for a program that is called otherwise. */
export function nameOf(path: string): string | undefined {
  const file = basename(path).replace(/\.exe$/i, "");
  return file.startsWith(PREFIX) ? file.slice(PREFIX.length) : undefined;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function currentFolder(): Promise<string | undefined> {
  try {
    return await realpath(process.cwd());
  } catch {
    // It has been removed, so nothing is in it.
    return undefined;
  }
}
