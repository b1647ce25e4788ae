/** Options that a plugin declares, as objects or as JSON. */

import type { Option } from "../../core/plugin.ts";
import { printable, quote } from "../../core/text.ts";
import {
  booleanAt,
  choiceAt,
  listAt,
  type Members,
  objectAt,
  optionalAt,
  patternAt,
  ShapeError,
  textAt,
} from "./shape.ts";

/** Options of one provider. A help page of more would be read by nobody. */
const MAX_OPTIONS = 100;

/** Values that an option may be limited to. */
const MAX_CHOICES = 100;

/** Words joined by hyphens: what stands behind `--`. */
export const KEBAB_CASE: RegExp = /^[a-z][a-z0-9]{0,31}(?:-[a-z0-9]{1,32}){0,7}$/;

const TYPES = ["string", "boolean", "integer", "size", "file", "directory"] as const;

/** Reads the options of a provider. Throws {@link ShapeError}. */
export function optionsAt(value: unknown, where: string): readonly Option[] {
  const options = listAt(value, where, MAX_OPTIONS).map((item, index) =>
    optionAt(item, `${where}[${index}]`)
  );
  const names = options.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new ShapeError(`${where} has two options ${quote(repeated)}`);
  for (const { name, insteadOf } of options) {
    if (insteadOf !== undefined && (insteadOf === name || !names.includes(insteadOf))) {
      throw new ShapeError(
        `${where}: ${quote(name)} stands for ${quote(insteadOf)}, which is no other option`,
      );
    }
  }
  return options;
}

function optionAt(value: unknown, where: string): Option {
  const given = objectAt(value, where);
  const option: Option = {
    name: patternAt(given["name"], `${where}.name`, KEBAB_CASE),
    type: choiceAt(given["type"], `${where}.type`, TYPES),
    description: lineAt(given["description"], `${where}.description`),
    ...optionalAt(given, "metavar", where, metavarAt),
    ...optionalAt(given, "required", where, booleanAt),
    ...optionalAt(given, "requiredBecause", where, lineAt),
    ...optionalAt(given, "repeatable", where, booleanAt),
    ...optionalAt(given, "commaSeparated", where, booleanAt),
    ...optionalAt(given, "secret", where, booleanAt),
    ...optionalAt(given, "insteadOf", where, textAt),
    ...optionalAt(given, "fromEnvironment", where, booleanAt),
    ...choicesOf(given, where),
  };
  const problem = contradiction(option);
  if (problem !== undefined) throw new ShapeError(`${where}: ${quote(option.name)} ${problem}`);
  return option;
}

/** A text for a page, which nothing in it can disturb. */
export function lineAt(value: unknown, where: string): string {
  return printable(textAt(value, where, 1000));
}

function metavarAt(value: unknown, where: string): string {
  return patternAt(value, where, /^[A-Z][A-Z0-9_-]{0,31}$/);
}

function choicesOf(given: Members, where: string): Pick<Option, "choices"> {
  if (given["choices"] === undefined) return {};
  const choices = listAt(given["choices"], `${where}.choices`, MAX_CHOICES).map((choice, index) =>
    patternAt(choice, `${where}.choices[${index}]`, /^[!-~]{1,64}$/)
  );
  if (choices.length === 0) throw new ShapeError(`${where}.choices is empty`);
  return { choices };
}

/** What no flag could be made of. */
function contradiction(option: Option): string | undefined {
  const { name, type, repeatable, commaSeparated, secret, choices, required } = option;
  const isText = type === "string" || type === "file" || type === "directory";
  if (name === "help" || name === "version" || name.startsWith("no-")) {
    return "is a flag that every command has, or one that switches another off";
  }
  if (repeatable && (!isText || secret)) return `is a ${type} or a secret, which is given once`;
  if (commaSeparated && !repeatable) return "is split at commas and not repeatable";
  if ((secret || choices) && type !== "string") return `is a secret or a choice of type ${type}`;
  if (secret && choices) return "is a secret and a choice";
  if (required && type === "boolean") return "is a switch and required";
  return undefined;
}
