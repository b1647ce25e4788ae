/** What to say about arguments that no parser took. */

import { findSimilar } from "@optique/core/suggestion";
import { printable, quote } from "../core/mod.ts";
import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, type CommandFamily, type Offer, optionsOf } from "./command.ts";
import { flagsOf } from "./option.ts";
import { beforeOperands, flagNames, wordsOf } from "./words.ts";

/** What is wrong, and what to do about it. */
export type Mistake = { readonly problem: string; readonly hint?: string };

/** The commands that Optique brings. */
export const META_COMMANDS: readonly string[] = ["help", "version", "completion"];

/** What could be the id of a provider. */
export const PROVIDER_ID: RegExp = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

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
  const entries = wordsOf(args, offer);
  const words = entries.map(({ text }) => text);
  const [first, second = ""] = words;
  const family = offer.families.find(({ name }) => name === first);
  const members = offer.commands.filter(({ path }) => path[0] === family?.name);
  const named = members.find(({ path }) => path.length === 1 || path[1] === second);
  const command = named ?? members.find(({ path }) => path[1] === family?.preferred);
  const isFlag = token.startsWith("-") && token !== "-";
  const [flag = ""] = token.split("=", 1);
  if (isFlag && isOperand(token, args)) {
    return {
      problem: `unexpected argument ${quote(flag)}`,
      hint: "what follows -- is no flag; those stand before it",
    };
  }
  if (family && !named && (isFlag ? flagNames(members).has(flag) : words.length > 2)) {
    // The name of a model that is left to the preferred method may look like that of another method.
    const hint = didYouMean(second, members.map(({ path }) => path[1] ?? ""));
    if (hint !== undefined) {
      return { problem: `${family.name} has no ${family.kind} ${quote(second)}`, hint };
    }
  }
  if (isFlag) {
    const mistake = explainFlag(flag, command, offer);
    // A flag that nobody knows, with two words that are not its value: so is the method.
    const others = entries.filter(({ index }) => args[index - 1] !== token);
    const page = command?.path ?? (family ? [family.name] : []);
    const isForeign = family && !named && others.length > 2;
    const hint = isForeign
      ? notAMethod(second, family, members, offer)
      : `${["model-signing", ...page].join(" ")} --help lists the flags`;
    return { hint, ...mistake };
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
      ? notAMethod(second, family, members, offer)
      : command.operand === undefined
      ? `model-signing ${command.path.join(" ")} --help shows what it takes`
      : "one model or signature at a time; quote a name that holds spaces",
  };
}

/** Whether a token stands after `--`, and there only. */
function isOperand(token: string, args: readonly string[]): boolean {
  const before = beforeOperands(args);
  return !before.includes(token) && args.slice(before.length).includes(token);
}

/** Says of a word that was meant as a method what became of it: `verify pkcs11-key` is a likely guess. */
function notAMethod(
  word: string,
  { name, kind }: CommandFamily,
  members: readonly Command[],
  offer: Offer,
): string {
  const names = members.map(({ path }) => path[1]).join(", ");
  const other = offer.commands.find(({ path }) => path[1] === word)?.path[0];
  const fact = `${quote(word)} is taken for the model`;
  if (other !== undefined) return `${fact}: it is a ${kind} of ${other}, and ${name} has ${names}`;
  const plugin = PROVIDER_ID.test(word)
    ? `; nor does a plugin bring it: none of --plugin or --plugin-exec, and no program ` +
      `model-signing-plugin-${word} on PATH that can be run`
    : "";
  return `${fact}, since it names no ${kind}: ${names}${plugin}`;
}

/** Why there is no page for the words after `help`; undefined when there is one. */
export function explainHelp(words: readonly string[], offer: Offer): Mistake | undefined {
  const [first, second] = words;
  if (first === undefined) return undefined;
  const family = offer.families.find(({ name }) => name === first);
  if (!family && !META_COMMANDS.includes(first)) return explainUnexpected(first, [], offer);
  const members = offer.commands.filter(({ path }) => path[0] === first && path.length === 2);
  if (family && members.length > 0 && second !== undefined) {
    const names = members.map(({ path }) => path[1] ?? "");
    if (!names.includes(second)) {
      return {
        problem: `${first} has no ${family.kind} ${quote(second)}`,
        hint: didYouMean(second, names) ?? oneOf(members),
      };
    }
  }
  const path = words.slice(0, members.length > 0 ? 2 : 1);
  const beyond = words[path.length];
  if (beyond === undefined) return undefined;
  return {
    problem: `unexpected argument ${quote(beyond)}`,
    hint: `model-signing help ${path.join(" ")} shows the page`,
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
  const names = [...own.flatMap(flagsOf), "--help", "--version"];
  // Every letter is one edit away from every other; what begins with it is meant sooner.
  const hint = /^-[a-z]$/i.test(name)
    ? oneOfFew(names.filter((flag) => flag.startsWith(`-${name.toLowerCase()}`)))
    : similarFlags(name, names);
  return { problem: `unknown flag ${quote(name)}`, ...(hint === undefined ? {} : { hint }) };
}

/** Flags that are written alike, and those that a shorter name may stand for. */
function similarFlags(name: string, names: readonly string[]): string | undefined {
  const similar = findSimilar(name, names);
  const longer = names.filter((flag) => isShortFor(name, flag));
  return oneOfFew([...new Set([...similar, ...longer])]) ?? oneOfFew(similar);
}

/**
 * Whether a flag ends with the words of another one (`--certificate`), or has its letters in their order and begins with
 * the same two: `--pubkey`.
 */
function isShortFor(name: string, flag: string): boolean {
  if (name.startsWith("--") && flag.endsWith(name.slice(1))) return true;
  let at = -1;
  return flag.startsWith(name.slice(0, "--xx".length)) &&
    [...name].every((letter) => (at = flag.indexOf(letter, at + 1)) >= 0);
}

function didYouMean(word: string, names: readonly string[]): string | undefined {
  return oneOfFew(findSimilar(word, names));
}

/** More than three are a guess. */
function oneOfFew(names: readonly string[]): string | undefined {
  const few = names.length > 0 && names.length <= 3;
  return few ? `did you mean ${names.join(" or ")}?` : undefined;
}
