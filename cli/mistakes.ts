/** What to say about arguments that no parser took. */

import { findSimilar } from "@optique/core/suggestion";
import { printable, quote } from "../core/mod.ts";
import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, type Offer, optionsOf } from "./command.ts";
import { type CliOption, negation } from "./option.ts";

/** The names of all flags, with their leading hyphens. */
export function flagNames(commands: readonly Command[]): ReadonlySet<string> {
  return new Set([
    "--help",
    "--version",
    ...[...commands.flatMap(optionsOf), ...GLOBAL_OPTIONS].flatMap(namesOf),
  ]);
}

/** The commands that Optique brings. */
export const META_COMMANDS: readonly string[] = ["help", "version", "completion"];

/** Why `token` was not taken. A value after `=` may be a secret and is not repeated. */
export function explainUnexpected(
  token: string,
  args: readonly string[],
  offer: Offer,
): { problem: string; hint?: string } {
  const words = args.filter((word) => !word.startsWith("-"));
  const family = offer.families.find(({ name }) => name === words[0]);
  const members = offer.commands.filter(({ path }) => path[0] === family?.name);
  const command = members.find(({ path }) => path.length === 1 || path[1] === words[1]);
  if (token.startsWith("-") && token !== "-") {
    const [name = ""] = token.split("=", 1);
    return explainFlag(name, command, offer);
  }
  if (META_COMMANDS.includes(token)) {
    return { problem: `${token} takes no such argument`, hint: "model-signing --help shows more" };
  }
  if (family === undefined) {
    const names = [...offer.families.map(({ name }) => name), ...META_COMMANDS];
    return {
      problem: `there is no command ${quote(token)}`,
      hint: didYouMean(token, names) ?? `the commands are: ${names.join(", ")}`,
    };
  }
  if (command === undefined && family.preferred === undefined) {
    const methods = members.map(({ path }) => path[1] ?? "");
    const [example = "METHOD"] = methods;
    // A word before another one is meant as the method, a single one as the model.
    const model = words.length > 2 ? "MODEL" : printable(token);
    return {
      problem: `${family.name} needs a ${family.kind}, and ${quote(token)} is none`,
      hint: didYouMean(token, methods) ??
        `one of: ${
          methods.join(", ")
        }; for example: model-signing ${family.name} ${example} ${model}`,
    };
  }
  return {
    problem: `unexpected argument ${quote(token)}`,
    hint: "one model or signature at a time; quote a name that holds spaces",
  };
}

function explainFlag(
  name: string,
  command: Command | undefined,
  offer: Offer,
): { problem: string; hint?: string } {
  const own = command ? [...optionsOf(command), ...GLOBAL_OPTIONS] : GLOBAL_OPTIONS;
  const called = command?.path.join(" ");
  const elsewhere = offer.commands.filter((other) => flagNames([other]).has(name));
  if (elsewhere.length > 0) {
    const commands = elsewhere.map(({ path }) => path.join(" ")).join(", ");
    return {
      problem: called === undefined
        ? `${name} stands before the command it belongs to`
        : `${called} has no flag ${quote(name)}`,
      hint: `it belongs to: ${commands}`,
    };
  }
  const hint = didYouMean(name, [...own.flatMap(namesOf), "--help", "--version"]);
  return { problem: `unknown flag ${quote(name)}`, ...(hint === undefined ? {} : { hint }) };
}

function namesOf(option: CliOption): readonly string[] {
  return [
    `--${option.name}`,
    ...(option.type === "boolean" ? [`--${negation(option)}`] : []),
    ...(option.short === undefined ? [] : [option.short]),
  ];
}

function didYouMean(word: string, names: readonly string[]): string | undefined {
  const similar = findSimilar(word, names);
  return similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : undefined;
}
