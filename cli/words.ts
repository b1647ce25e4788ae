/** The words of a command line, which say what it is about before any flag is parsed. */

import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, type Offer, optionsOf } from "./command.ts";
import { flagsOf, usageError } from "./option.ts";

/** A command line, ready for a parser. */
export type CommandLine = {
  /** The arguments with `-` for `_` in flags. */
  readonly given: readonly string[];
  /** The same with the word of a family's preferred command put in, when it was left out. */
  readonly args: readonly string[];
  /**
   * What the line can be about. A parser that tries all commands takes the model in `sign key certificate` for
   * another method, and `sign key MODEL --identity-token TOKEN` for the preferred one.
   */
  readonly scope: Offer;
  /** Whether a line that is to be completed may go on with the second word of a command or without one. */
  readonly open: boolean;
};

/** Reads the words of a command line; `completion SHELL LINE…` is about LINE, whose last word is not finished. */
export function readWords(argv: readonly string[], offer: Offer): CommandLine {
  const given = withHyphens(argv, flagNames(offer.commands));
  if (given[0] !== "completion") {
    const args = withHelpLast(withPreferred(given, offer), offer);
    return { given, args, scope: scopeOf(args, offer), open: false };
  }
  const finished = given.slice(2, -1);
  const [first] = wordsOf(finished, offer);
  if (first === undefined || first.index === finished.length - 1) {
    return { given, args: given, scope: scopeOf(finished, offer), open: true };
  }
  const line = withPreferred(finished, offer);
  const args = [...given.slice(0, 2), ...line, ...given.slice(-1)];
  return { given, args, scope: scopeOf(line, offer), open: false };
}

/** The names of all flags, with their leading hyphens. */
export function flagNames(commands: readonly Command[]): ReadonlySet<string> {
  return new Set([
    "--help",
    "--version",
    ...[...commands.flatMap(optionsOf), ...GLOBAL_OPTIONS].flatMap(flagsOf),
  ]);
}

/** The flags that take a value. */
export function valuedFlags({ commands }: Pick<Offer, "commands">): ReadonlySet<string> {
  const options = [...commands.flatMap(optionsOf), ...GLOBAL_OPTIONS];
  return new Set(options.filter(({ type }) => type !== "boolean").flatMap(flagsOf));
}

/**
 * Refuses a flag where the value of another one should stand, as an unset variable leaves it: in
 * `--report $FILE --require-timestamp` it would be the name of the report, and nothing would be required.
 *
 * @param argv as they were given
 * @throws {ModelSigningError} `USAGE`
 */
export function requireValues(argv: readonly string[], { given, scope }: CommandLine): void {
  if (given[0] === "completion") return;
  const valued = valuedFlags(scope);
  const flags = new Set([...flagNames(scope.commands), "-h", "--"]);
  for (let index = 0; index < beforeOperands(given).length; index++) {
    if (!valued.has(given[index]!)) continue;
    const [flag, value = ""] = [given[index], given[++index]];
    // What stands behind = may be a secret.
    const [name = ""] = value.split("=", 1);
    if (!flags.has(name)) continue;
    const shown = argv[index]!.slice(0, name.length);
    throw usageError(
      `${flag} needs a value, and ${shown} behind it is a flag`,
      `if that is the value: ${flag}=${shown}${value === name ? "" : "=..."}`,
    );
  }
}

/** The arguments that are neither flags nor their values. What follows `--` names no command. */
export function wordsOf(
  args: readonly string[],
  offer: Offer,
): readonly { readonly text: string; readonly index: number }[] {
  const valued = valuedFlags(offer);
  return [...beforeOperands(args).entries()].flatMap(([index, text]) => {
    const isValue = valued.has(args[index - 1] ?? "");
    return isValue || (text.startsWith("-") && text !== "-") ? [] : [{ text, index }];
  });
}

/**
 * Refuses arguments that are no UTF-8. The runtimes put U+FFFD where such bytes were, and a path with that is another one.
 *
 * @throws {ModelSigningError} `USAGE`
 */
export function requireUtf8(argv: readonly string[]): void {
  const at = argv.findIndex((token) => token.includes("\ufffd"));
  if (at < 0) return;
  // It may be a secret, so it is not repeated.
  throw usageError(
    `argument ${at + 1} is not UTF-8, or holds U+FFFD, the character for what is not`,
    "rename the file that is meant, or run this in the folder that it lies in",
  );
}

/** The values of an option in arguments that may not be understood, whatever else they mean. */
export function valuesGiven(argv: readonly string[], name: string): readonly string[] {
  const line = beforeOperands(argv);
  return line.flatMap((token, index) => {
    const [flag = ""] = token.split("=", 1);
    if (flag.replaceAll("_", "-") !== `--${name}`) return [];
    return token === flag ? line[index + 1] ?? [] : token.slice(flag.length + 1);
  });
}

/** `--certificate_chain` as `--certificate-chain`; values and what follows `--` stay as they are. */
function withHyphens(argv: readonly string[], known: ReadonlySet<string>): readonly string[] {
  const { length } = beforeOperands(argv);
  return argv.map((token, index) => {
    if (!token.startsWith("--") || index >= length) return token;
    const [name = ""] = token.split("=", 1);
    const hyphened = name.replaceAll("_", "-");
    return known.has(hyphened) ? hyphened + token.slice(name.length) : token;
  });
}

/** `sign sigstore MODEL` for `sign MODEL`. */
function withPreferred(args: readonly string[], offer: Offer): readonly string[] {
  const [first, second] = wordsOf(args, offer);
  const family = offer.families.find(({ name }) => name === first?.text);
  if (first === undefined || family?.preferred === undefined) return args;
  const named = second === undefined
    ? beforeOperands(args).some((arg) => arg === "--help" || arg === "-h")
    : offer.commands.some(({ path }) => path[0] === family.name && path[1] === second.text);
  return named ? args : args.toSpliced(first.index + 1, 0, family.preferred);
}

/** `sign key --help` for `sign --help key`: the page is about all words, wherever help is asked for. */
function withHelpLast(args: readonly string[], offer: Offer): readonly string[] {
  const { length } = beforeOperands(args);
  const at = args.findIndex((arg) => arg === "--help" || arg === "-h");
  const later = wordsOf(args, offer).some(({ index }) => index > at);
  if (at < 0 || at >= length || !later) return args;
  return [...args.slice(0, at), ...args.slice(at + 1, length), args[at]!, ...args.slice(length)];
}

function scopeOf(args: readonly string[], offer: Offer): Offer {
  const [first, second] = wordsOf(args, offer);
  const families = offer.families.filter(({ name }) => name === first?.text);
  if (families.length === 0) return offer;
  const members = offer.commands.filter(({ path }) => path[0] === first?.text);
  const named = members.filter(({ path }) => path[1] === second?.text);
  return { ...offer, families, commands: named.length > 0 ? named : members };
}

/** The arguments up to `--`. */
export function beforeOperands(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}
