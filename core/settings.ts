/**
 * Reading settings. The command line gives what the options declare; who calls a provider from a program of their own
 * may not, and a value of another type must not pass for one that was left out: it could be `require-timestamp`.
 */

import { ModelSigningError } from "./errors.ts";
import type { Settings } from "./plugin.ts";
import { Secret } from "./secret.ts";
import { excerpt, kindOf } from "./text.ts";

/** The text of an option, undefined when it is not given. Throws `USAGE` for a value of another type. */
export function textSetting(settings: Settings, name: string): string | undefined {
  const value = settings[name];
  if (value === undefined || typeof value === "string") return value;
  throw wrongType(name, value, "a string");
}

/** The text of an option that must be given. Throws `USAGE` when it is not, and for a value of another type. */
export function requiredTextSetting(settings: Settings, name: string): string {
  const text = textSetting(settings, name);
  if (text === undefined) throw new ModelSigningError("USAGE", `no --${name} was given`);
  return text;
}

/**
 * The text of an option with choices, undefined when it is not given.
 *
 * @throws {ModelSigningError} `USAGE` for a value of another type, and for a text that is none of the choices
 */
export function choiceSetting<T extends string>(
  settings: Settings,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = textSetting(settings, name);
  if (text === undefined) return undefined;
  const choice = choices.find((each) => each === text);
  if (choice !== undefined) return choice;
  throw new ModelSigningError(
    "USAGE",
    `--${name} is ${excerpt(text)}, expected one of ${choices.join(", ")}`,
  );
}

/** Whether an option is on, undefined when it is not given. Throws `USAGE` for a value of another type. */
export function flagSetting(settings: Settings, name: string): boolean | undefined {
  const value = settings[name];
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongType(name, value, "true or false");
}

/** The number of an option, undefined when it is not given. Throws `USAGE` for a value of another type. */
export function numberSetting(settings: Settings, name: string): number | undefined {
  const value = settings[name];
  if (value === undefined || typeof value === "number") return value;
  throw wrongType(name, value, "a number");
}

/** The texts of a repeatable option, none when it is not given. Throws `USAGE` for a value of another type. */
export function listSetting(settings: Settings, name: string): readonly string[] {
  const value: unknown = settings[name];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(name, value, "a list of strings");
  return value.map((item: unknown) => {
    if (typeof item === "string") return item;
    throw wrongType(name, item, "a list of strings", "a list with ");
  });
}

/** The value of a secret option, undefined when it is not given. Throws `USAGE` for a value of another type. */
export function secretSetting(settings: Settings, name: string): Secret | undefined {
  const value = settings[name];
  if (value === undefined || value instanceof Secret) return value;
  throw wrongType(name, value, "a Secret");
}

/** The value is not repeated: it may be a secret that nobody wrapped. */
function wrongType(name: string, value: unknown, wanted: string, before = ""): ModelSigningError {
  const found = value instanceof Secret ? "a Secret" : kindOf(value);
  return new ModelSigningError("USAGE", `--${name} is ${before}${found}, expected ${wanted}`);
}
