/** Programs on PATH. */

import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { absoluteFolders } from "./environment.ts";

/** Windows runs nothing but these without a shell. */
export const PROGRAM_SUFFIX: string = process.platform === "win32" ? ".exe" : "";

/**
 * The first program with this file name on PATH, or undefined. Entries that are empty or relative are skipped, and the
 * current folder is, too: it may be that of a model.
 */
export async function findProgram(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  for (const folder of await searchedFolders(environment)) {
    const path = join(folder, file);
    if (await isProgram(path)) return path;
  }
  return undefined;
}

/** The folders of PATH, but for the current one. */
export async function searchedFolders(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const current = await currentFolder();
  const folders: string[] = [];
  // Windows spells it Path.
  for (const folder of absoluteFolders(environment["PATH"] ?? environment["Path"] ?? "")) {
    const real = await realpath(folder).catch(() => undefined);
    if (real !== undefined && real !== current) folders.push(folder);
  }
  return folders;
}

/** Whether this is a file that can be run. */
export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
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
