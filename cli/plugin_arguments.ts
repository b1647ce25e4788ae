/** What a command line says about plugins, found before the rest of it can be understood. */

import { resolve } from "node:path";
import type { Offer } from "./command.ts";
import { META_COMMANDS } from "./mistakes.ts";
import { readWords, valuedFlags, wordsOf } from "./words.ts";

/** The plugins of a command line, and where they must not be. */
export type PluginArguments = {
  /** Of `--plugin`: paths of ES modules. */
  readonly modules: readonly string[];
  /** Of `--plugin-exec`: paths of programs. */
  readonly executables: readonly string[];
  /** Commands, models, and values of flags that only a plugin knows. */
  readonly words: readonly string[];
  /** Whether `--witness` is given. */
  readonly witness: boolean;
  /** Whether help, the version or a completion is asked for, for which no code of a plugin runs. */
  readonly textOnly: boolean;
};

/** The flags whose values are paths of plugins. */
const MODULE = "--plugin";
const EXECUTABLE = "--plugin-exec";

/** @param offer the commands without any plugin */
export function pluginArguments(argv: readonly string[], offer: Offer): PluginArguments {
  const { given } = readWords(argv, offer);
  const words = wordsOf(given, offer);
  const operands = given.includes("--") ? given.slice(given.indexOf("--") + 1) : [];
  const flags = given.slice(0, given.length - operands.length);
  return {
    modules: valuesOf(MODULE, flags, offer),
    executables: valuesOf(EXECUTABLE, flags, offer),
    witness: flags.some((flag) => flag === "--witness" || flag.startsWith("--witness=")),
    words: [...words.map(({ text }) => text), ...operands],
    textOnly: META_COMMANDS.includes(words[0]?.text ?? "") ||
      flags.some((flag) => flag === "--help" || flag === "-h" || flag === "--version"),
  };
}

/**
 * Paths in which the model that a word names could lie: a plugin that is found there is refused before it runs. Behind a
 * scheme stands a path or a name, and behind that maybe a tag, a digest, a revision.
 */
export function placesOf(word: string): readonly string[] {
  const [, rest = ""] = /^[a-z][a-z0-9-]*:(.+)$/s.exec(word) ?? [];
  const ends = [...rest.matchAll(/[:@]|$/g)].map(({ index }) => rest.slice(0, index));
  return [word, ...ends].filter((place) => place !== "").map((place) => resolve(place));
}

/** The values of a flag; what stands behind another flag is that one's value. */
function valuesOf(flag: string, args: readonly string[], offer: Offer): readonly string[] {
  const valued = valuedFlags(offer);
  const values: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const token = args[index]!;
    if (token.startsWith(`${flag}=`)) values.push(token.slice(flag.length + 1));
    else if (valued.has(token)) {
      const value = args[++index];
      if (token === flag && value !== undefined) values.push(value);
    }
  }
  return values;
}
