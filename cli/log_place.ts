/** Where the log must not lie. */

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  flagSetting,
  GIT_PATHS,
  listSetting,
  quote,
  Secret,
  type Settings,
  textSetting,
} from "../core/mod.ts";
import { DEFAULT_SIGNATURE, GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, optionsOf } from "./command.ts";
import { usageError } from "./option.ts";
import { isInside, isSame } from "./place.ts";

const ELSEWHERE = "name a file elsewhere with --output-file";

/**
 * Refuses a log that would spoil what the command is about. It is opened before anything is read: what is hashed has it as
 * the empty file that it still is, and a key or a weight that it is appended to is none any more.
 *
 * @throws {ModelSigningError} `USAGE`
 */
export async function requireLogApart(
  command: Command,
  settings: Settings,
  operand: string,
): Promise<void> {
  const log = textSetting(settings, "output-file");
  if (log === undefined || await isDevice(log)) return;
  for (const place of placesOf(operand)) {
    if (await isSame(place, log)) {
      throw usageError(`the log would be written to ${quote(place)} itself`, ELSEWHERE);
    }
    if (!await isInside(place, log) || await isLeftOut(log, settings, place)) continue;
    throw usageError(`the log ${quote(log)} would be written into the model`, ELSEWHERE);
  }
  for (const [name, file] of filesOf(command, settings)) {
    if (!await isSame(file, log)) continue;
    throw usageError(
      `the log would be written to ${quote(file)}, the file of --${name}`,
      ELSEWHERE,
    );
  }
}

/** What is written there spoils nothing. */
async function isDevice(log: string): Promise<boolean> {
  return await stat(log).then((facts) => !facts.isFile(), () => false);
}

/** Where an operand may lie: `oci-layout:PATH:TAG` is about PATH. */
function placesOf(operand: string): readonly string[] {
  const [, rest = ""] = /^[a-z][a-z0-9-]*:(.+)$/s.exec(operand) ?? [];
  const beginnings = [...rest.matchAll(/[:@]|$/g)].map(({ index }) => rest.slice(0, index));
  return [operand, ...beginnings].filter((place) => place !== "" && existsSync(place));
}

/** Files that the settings name, and the options that they stand behind. */
function* filesOf(
  command: Command,
  settings: Settings,
): Generator<readonly [name: string, file: string], void, void> {
  for (const { name, type } of [...optionsOf(command), ...GLOBAL_OPTIONS]) {
    if (name === "output-file") continue;
    const byDefault = name === "signature" && command.path[0] === "sign"
      ? DEFAULT_SIGNATURE
      : undefined;
    for (const value of [settings[name] ?? byDefault].flat()) {
      const text = value instanceof Secret ? value.reveal() : value;
      if (typeof text !== "string") continue;
      if (type === "file" || name === "json") yield [name, text];
      else if (text.startsWith("@")) yield [name, text.slice(1)];
    }
  }
}

async function isLeftOut(log: string, settings: Settings, model: string): Promise<boolean> {
  const git = flagSetting(settings, "ignore-git-paths") === false ? [] : GIT_PATHS;
  // Paths are separated by commas, unless one has them in its name.
  const typed = listSetting(settings, "ignore-paths").flatMap((text) => [text, ...text.split(",")]);
  // They are read from the model's root, or from the current folder.
  const places = [...[...git, ...typed].map((path) => join(model, path)), ...typed];
  for (const place of places) {
    if (await isSame(place, log) || await isInside(place, log)) return true;
  }
  return false;
}
