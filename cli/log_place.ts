/** Where the log must not lie. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  flagSetting,
  GIT_PATHS,
  listSetting,
  quote,
  type Settings,
  textSetting,
} from "../core/mod.ts";
import { DEFAULT_SIGNATURE, GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, optionsOf } from "./command.ts";
import { usageError } from "./option.ts";
import { isInside, isSame } from "./place.ts";

const ELSEWHERE = "name a file elsewhere with --output-file";

/**
 * What is to be said of the place of the log. It is opened before anything is read: what is hashed has it as the empty file
 * that it still is, and a key that it is appended to is none.
 *
 * @throws {ModelSigningError} `USAGE` when the log would spoil what the command is about
 */
export async function notesOnLog(
  command: Command,
  settings: Settings,
  operand: string,
): Promise<readonly string[]> {
  const log = textSetting(settings, "output-file");
  if (log === undefined || await isDevice(log)) return [];
  await requireApart(log, command, settings, operand);
  if (operand === "" || !await isInside(operand, log)) return [];
  if (await isLeftOut(log, settings, operand)) return [];
  const [name] = command.path;
  if (name !== "sign" && name !== "digest") return [`the log ${quote(log)} lies inside the model`];
  throw usageError(`the log ${quote(log)} would be hashed as a part of the model`, ELSEWHERE);
}

/** What is written there spoils nothing. */
async function isDevice(log: string): Promise<boolean> {
  return await stat(log).then((facts) => !facts.isFile(), () => false);
}

async function requireApart(
  log: string,
  command: Command,
  settings: Settings,
  operand: string,
): Promise<void> {
  if (operand !== "" && await isSame(operand, log)) {
    throw usageError(`the log would be written to ${quote(operand)} itself`, ELSEWHERE);
  }
  for (const { name, type } of [...optionsOf(command), ...GLOBAL_OPTIONS]) {
    if (type !== "file" || name === "output-file") continue;
    const value = settings[name] ?? (name === "signature" ? DEFAULT_SIGNATURE : undefined);
    for (const file of [value].flat()) {
      if (typeof file !== "string" || !await isSame(file, log)) continue;
      throw usageError(
        `the log would be written to ${quote(file)}, the file of --${name}`,
        ELSEWHERE,
      );
    }
  }
}

async function isLeftOut(log: string, settings: Settings, model: string): Promise<boolean> {
  const git = flagSetting(settings, "ignore-git-paths") === false ? [] : GIT_PATHS;
  const typed = listSetting(settings, "ignore-paths");
  // A path of --ignore-paths is read from the model's root, or from the current folder.
  const places = [...[...git, ...typed].map((path) => join(model, path)), ...typed];
  for (const place of places) {
    if (await isSame(place, log) || await isInside(place, log)) return true;
  }
  return false;
}
