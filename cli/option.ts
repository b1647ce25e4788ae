/** Options as the command line knows them, and how texts and JSON values become settings. */

import {
  type Json,
  kindOf,
  ModelSigningError,
  type Option,
  quote,
  Secret,
  type Settings,
  type SettingValue,
} from "../core/mod.ts";
import { parseDuration, parseSize } from "./units.ts";

/** An option of a provider, or one of the program's own, which may say more about itself. */
export type CliOption = Omit<Option, "type"> & {
  /** `duration` takes seconds or `3m`, and is a number of ms once read. */
  readonly type: Option["type"] | "duration";
  /** A second, one-letter name. */
  readonly short?: `-${string}`;
  /** What applies when it is not given, for the help page. */
  readonly default?: string;
  /** For which operands it is not required after all, and the words for them in the help page. */
  readonly exempt?: { readonly words: string; readonly applies: (operand: string) => boolean };
  /** The smallest number that is accepted, and the largest. */
  readonly min?: number;
  readonly max?: number;
  /** Whether `-` has a meaning of its own. In the place of any other path it is refused: no file called so is meant. */
  readonly takesStream?: true;
  /** Other lowercase words for the choices; the choices, too, are then taken in any case. */
  readonly synonyms?: Readonly<Record<string, string>>;
};

/** A value, or what is wrong with the text, as the end of a sentence. */
export type Reading =
  | { readonly ok: true; readonly value: SettingValue }
  | { readonly ok: false; readonly problem: string };

/** A fault of whoever called the program: exit status 2. */
export function usageError(message: string, hint?: string): ModelSigningError {
  return new ModelSigningError("USAGE", message, hint === undefined ? {} : { hint });
}

/** The environment variable of an option. */
export function environmentName(option: Pick<CliOption, "name">): string {
  return `MODEL_SIGNING_${option.name.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * What the environment says for an option: "" for nothing, as a shell script leaves one out.
 *
 * @throws {ModelSigningError} `USAGE` for what is not UTF-8, of which no runtime gives the bytes
 */
export function environmentText(
  environment: Readonly<Record<string, string | undefined>>,
  option: Pick<CliOption, "name">,
): string {
  const name = environmentName(option);
  let text: string;
  try {
    text = environment[name] ?? "";
  } catch {
    // Deno throws; others put U+FFFD in.
    text = "\ufffd";
  }
  if (!text.includes("\ufffd")) return text;
  throw usageError(`${name} is not UTF-8, or holds U+FFFD, the character for what is not`);
}

/** The flag that switches a boolean option off: `--no-x`, or `--x` for an option called `no-x`. */
export function negation(option: Pick<CliOption, "name">): string {
  return option.name.startsWith("no-") ? option.name.slice(3) : `no-${option.name}`;
}

/** Every way to write the flag of an option. */
export function flagsOf(option: CliOption): readonly string[] {
  return [
    `--${option.name}`,
    ...(option.type === "boolean" ? [`--${negation(option)}`] : []),
    ...(option.short === undefined ? [] : [option.short]),
  ];
}

/** The options that must be given and are not, nor is another in their place. */
export function missingOptions<T extends Pick<CliOption, "name" | "required" | "insteadOf">>(
  options: readonly T[],
  settings: Settings,
): readonly T[] {
  return options.filter(({ name, required }) =>
    required && ![name, ...substitutesOf(options, name)].some((given) => given in settings)
  );
}

/** The options that may stand in the place of another one. */
export function substitutesOf(
  options: readonly Pick<CliOption, "name" | "insteadOf">[],
  name: string,
): readonly string[] {
  return options.filter(({ insteadOf }) => insteadOf === name).map(({ name }) => name);
}

/** Reads one occurrence of an option on the command line or in the environment. */
export function readText(option: CliOption, text: string): Reading {
  if (text === "") return problem("is empty");
  if (text.includes("\0")) return problem("holds a NUL character");
  if (option.secret) return { ok: true, value: new Secret(text) };
  if (option.choices) return readChoice(option, option.choices, text);
  switch (option.type) {
    case "boolean":
      return readBoolean(text);
    case "integer":
      return /^-?[0-9]+$/.test(text)
        ? bounded(option, Number(text), text)
        : problem(`is ${quote(text)}, expected a whole number`);
    case "size":
      return bounded(option, parseSize(text), text);
    case "duration":
      return bounded(option, parseDuration(text), text);
    default:
      return list(option, option.commaSeparated ? text.split(",") : [text]);
  }
}

/** Reads the value of an option in a JSON object. */
export function readJson(option: CliOption, value: Json): Reading {
  if (option.repeatable && Array.isArray(value)) {
    const texts: string[] = [];
    for (const item of value) {
      if (typeof item !== "string") return problem("holds something that is not a string");
      texts.push(item);
    }
    // A list says where one value ends, so commas in it are ordinary characters.
    return list(option, texts);
  }
  switch (option.type) {
    case "boolean":
      return typeof value === "boolean"
        ? { ok: true, value }
        : problem(`is ${kindOf(value)}, expected true or false`);
    case "integer":
      return typeof value === "number"
        ? bounded(option, value, String(value))
        : problem(`is ${kindOf(value)}, expected a number`);
    case "size":
    case "duration":
      if (typeof value === "number") return readText(option, String(value));
      return typeof value === "string"
        ? readText(option, value)
        : problem(`is ${kindOf(value)}, expected a number or a string`);
    default:
      return typeof value === "string"
        ? readText(option, value)
        : problem(`is ${kindOf(value)}, expected a string`);
  }
}

function list(option: CliOption, texts: readonly string[]): Reading {
  if (texts.some((text) => text === "")) return problem("has an empty item");
  if (texts.some((text) => text.includes("\0"))) return problem("holds a NUL character");
  const isPath = option.type === "file" || option.type === "directory";
  if (isPath && !option.takesStream && texts.includes("-")) {
    return problem(`is "-", which is no stream here; a ${option.type} of that name is "./-"`);
  }
  return { ok: true, value: option.repeatable ? texts : texts[0]! };
}

function readChoice(option: CliOption, choices: readonly string[], text: string): Reading {
  const lower = text.toLowerCase();
  const value = option.synonyms ? option.synonyms[lower] ?? lower : text;
  return choices.includes(value)
    ? { ok: true, value: option.repeatable ? [value] : value }
    : problem(`is ${quote(text)}, expected ${alternatives(choices)}`);
}

function readBoolean(text: string): Reading {
  if (/^(?:true|1|yes)$/i.test(text)) return { ok: true, value: true };
  if (/^(?:false|0|no)$/i.test(text)) return { ok: true, value: false };
  return problem(`is ${quote(text)}, expected true or false`);
}

function bounded(option: CliOption, value: number | undefined, text: string): Reading {
  const wanted = {
    integer: "a whole number",
    size: 'bytes, such as 1000000 or "128MiB"',
    duration: 'seconds or a time such as "90s", "3m" or "1h30m", at most 24 days',
  }[option.type as "integer" | "size" | "duration"];
  if (value === undefined || !Number.isSafeInteger(value)) {
    return problem(`is ${quote(text)}, expected ${wanted}`);
  }
  if (option.min !== undefined && value < option.min) {
    return problem(`is ${quote(text)}, expected at least ${option.min}`);
  }
  if (option.max !== undefined && value > option.max) {
    return problem(`is ${quote(text)}, expected at most ${option.max}`);
  }
  return { ok: true, value };
}

function alternatives(choices: readonly string[]): string {
  return choices.length < 2
    ? choices.join("")
    : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}

function problem(problem: string): Reading {
  return { ok: false, problem };
}
