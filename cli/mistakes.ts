/** What to say about arguments that no parser took. */

import { findSimilar } from "@optique/core/suggestion";
import { printable, quote } from "../core/mod.ts";
import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, type Offer, optionsOf } from "./command.ts";
import { flagsOf } from "./option.ts";
import { flagNames, wordsOf } from "./words.ts";

/** What is wrong, and what to do about it. */
export type Mistake = { readonly problem: string; readonly hint?: string };

/** The commands that Optique brings. */
export const META_COMMANDS: readonly string[] = ["help", "version", "completion"];

/** The first words that no provider can take. */
export const BUILTIN_COMMANDS: readonly string[] = [
  ...META_COMMANDS,
  "sign",
  "verify",
  "digest",
  "inspect",
  "plugin",
];

/**
 * Why `token` was not taken. A value after `=` may be a secret and is not repeated.
 *
 * @param args as they were given: without a method that was put in
 */
export function explainUnexpected(
  token: string,
  args: readonly string[],
  offer: Offer,
): Mistake {
  const words = wordsOf(args, offer).map(({ text }) => text);
  const [first, second = ""] = words;
  const family = offer.families.find(({ name }) => name === first);
  const members = offer.commands.filter(({ path }) => path[0] === family?.name);
  const named = members.find(({ path }) => path.length === 1 || path[1] === second);
  const command = named ?? members.find(({ path }) => path[1] === family?.preferred);
  const isFlag = token.startsWith("-") && token !== "-";
  const [flag = ""] = token.split("=", 1);
  if (family && !named && (isFlag ? flagNames(members).has(flag) : words.length > 2)) {
    // The name of a model that is left to the preferred method may look like that of another method.
    const hint = didYouMean(second, members.map(({ path }) => path[1] ?? ""));
    if (hint !== undefined) {
      return { problem: `${family.name} has no ${family.kind} ${quote(second)}`, hint };
    }
  }
  if (isFlag) return explainFlag(flag, command, offer);
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
  if (command === undefined) {
    return {
      problem: `${family.name} needs a ${family.kind}, and ${quote(token)} is none`,
      // A word before another one is meant as the method, a single one as the model.
      hint: didYouMean(token, members.map(({ path }) => path[1] ?? "")) ??
        oneOf(members, words.length > 2 ? undefined : token),
    };
  }
  return {
    problem: `unexpected argument ${quote(token)}`,
    hint: named === undefined
      ? `${quote(second)} is taken for the model, since it names no ${family.kind}: ${
        members.map(({ path }) => path[1]).join(", ")
      }`
      : command.operand === undefined
      ? `model-signing ${command.path.join(" ")} --help shows what it takes`
      : "one model or signature at a time; quote a name that holds spaces",
  };
}

/** The second words of a family, and an example with `operand`. */
export function oneOf(members: readonly Command[], operand?: string): string {
  const [example] = members;
  const names = members.map(({ path }) => path[1]).join(", ");
  if (example === undefined) return names;
  const words = ["model-signing", ...example.path];
  if (example.operand) words.push(printable(operand ?? example.operand.metavar));
  return `one of: ${names}; for example: ${words.join(" ")}`;
}

function explainFlag(
  name: string,
  command: Command | undefined,
  offer: Offer,
): Mistake {
  const own = command ? [...optionsOf(command), ...GLOBAL_OPTIONS] : GLOBAL_OPTIONS;
  const elsewhere = offer.commands.filter((other) => flagNames([other]).has(name));
  if (elsewhere.length > 0) {
    const commands = elsewhere.map(({ path }) => path.join(" ")).join(", ");
    return {
      problem: command === undefined || elsewhere.includes(command)
        ? `${name} stands before the command it belongs to`
        : `${command.path.join(" ")} has no flag ${quote(name)}`,
      hint: `it belongs to: ${commands}`,
    };
  }
  const hint = didYouMean(name, [...own.flatMap(flagsOf), "--help", "--version"]);
  return { problem: `unknown flag ${quote(name)}`, ...(hint === undefined ? {} : { hint }) };
}

function didYouMean(word: string, names: readonly string[]): string | undefined {
  const similar = findSimilar(word, names);
  return similar.length > 0 ? `did you mean ${similar.join(" or ")}?` : undefined;
}
