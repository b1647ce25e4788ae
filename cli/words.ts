/** The words of a command line, before it is parsed. */

import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, type Offer, optionsOf } from "./command.ts";
import { flagsOf } from "./option.ts";

/** An argument, and where it stands. */
export type Word = { readonly text: string; readonly index: number };

/** The names of all flags, with their leading hyphens. */
export function flagNames(commands: readonly Command[]): ReadonlySet<string> {
  return new Set([
    "--help",
    "--version",
    ...[...commands.flatMap(optionsOf), ...GLOBAL_OPTIONS].flatMap(flagsOf),
  ]);
}

/** `--certificate_chain` as `--certificate-chain`; values and what follows `--` stay as they are. */
export function withHyphens(
  argv: readonly string[],
  known: ReadonlySet<string>,
): readonly string[] {
  const end = argv.indexOf("--");
  return argv.map((token, index) => {
    if (!token.startsWith("--") || (end >= 0 && index >= end)) return token;
    const [name = ""] = token.split("=", 1);
    const hyphened = name.replaceAll("_", "-");
    return known.has(hyphened) ? hyphened + token.slice(name.length) : token;
  });
}

/** The arguments that are neither flags nor their values. What follows `--` names no command. */
export function wordsOf(args: readonly string[], offer: Offer): readonly Word[] {
  const options = [...offer.commands.flatMap(optionsOf), ...GLOBAL_OPTIONS];
  const valued = new Set(options.filter(({ type }) => type !== "boolean").flatMap(flagsOf));
  const end = args.indexOf("--");
  const words: Word[] = [];
  for (const [index, text] of args.slice(0, end < 0 ? args.length : end).entries()) {
    const isValue = valued.has(args[index - 1] ?? "");
    if (!isValue && (!text.startsWith("-") || text === "-")) words.push({ text, index });
  }
  return words;
}

/**
 * `sign sigstore MODEL` for `sign MODEL`.
 *
 * The first two words decide it, before any flag is looked at: a parser that tries both readings takes
 * `sign key MODEL --identity-token TOKEN` for the other method's.
 */
export function withPreferred(args: readonly string[], offer: Offer): readonly string[] {
  const [first, second] = wordsOf(args, offer);
  const family = offer.families.find(({ name }) => name === first?.text);
  if (first === undefined || family?.preferred === undefined) return args;
  const named = second === undefined
    ? asksForHelp(args)
    : offer.commands.some(({ path }) => path[0] === family.name && path[1] === second.text);
  return named ? args : args.toSpliced(first.index + 1, 0, family.preferred);
}

/**
 * What a command line can be about, by its first words. A parser that tries all commands takes the model in
 * `sign key certificate` for another method.
 */
export function narrowed(offer: Offer, args: readonly string[]): Offer {
  const [first, second] = wordsOf(args, offer);
  const families = offer.families.filter(({ name }) => name === first?.text);
  if (families.length === 0) return offer;
  const members = offer.commands.filter(({ path }) => path[0] === first?.text);
  const named = members.filter(({ path }) => path[1] === second?.text);
  return { ...offer, families, commands: named.length > 0 ? named : members };
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === "--help" || arg === "-h");
}
