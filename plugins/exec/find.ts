/** Programs on PATH that are plugins. */

import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { KEBAB_CASE } from "../_plugin/mod.ts";
import { absoluteFolders } from "./environment.ts";

/** What the names of such programs begin with. */
const PREFIX = "model-signing-plugin-";

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
  for (const folder of await searched(environment)) {
    const file = join(folder, `${PREFIX}${name}${SUFFIX}`);
    if (await isProgram(file)) return file;
  }
  return undefined;
}

/** Every program that {@link findExecutable} would find. Nothing is started. */
export async function listExecutables(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const folder of await searched(environment)) {
    const files = await readdir(folder).catch(() => []);
    for (const file of files.filter((file) => file.startsWith(PREFIX)).sort()) {
      const path = join(folder, file);
      const name = nameOf(path) ?? "";
      if (found.has(name) || file !== `${PREFIX}${name}${SUFFIX}`) continue;
      if (KEBAB_CASE.test(name) && await isProgram(path)) found.set(name, path);
    }
  }
  return [...found.values()];
}

/** The folders of PATH, but for the current one. */
async function searched(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const current = await currentFolder();
  const folders: string[] = [];
  for (const folder of absoluteFolders(environment["PATH"] ?? environment["Path"] ?? "")) {
    const real = await realpath(folder).catch(() => undefined);
    if (real !== undefined && real !== current) folders.push(folder);
  }
  return folders;
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
