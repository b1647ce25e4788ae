/** One set of settings out of the command line, `--json` and the environment, in this order of precedence. */

import { Buffer } from "node:buffer";
import { existsSync } from "node:fs";
import {
  isObject,
  type Json,
  JsonError,
  type JsonObject,
  listSetting,
  MAX_KEY_FILE_BYTES,
  parseJson,
  quote,
  type Settings,
  type SettingValue,
} from "../core/mod.ts";
import { readCapped, STDIN } from "../plugins/mod.ts";
import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import { type Command, optionsOf } from "./command.ts";
import {
  type CliOption,
  environmentName,
  environmentText,
  missingOptions,
  readJson,
  readText,
  substitutesOf,
  usageError,
} from "./option.ts";
import { PROGRAM } from "./parser.ts";
import { STANDARD_STREAM } from "./signature.ts";

/** What a command runs with. */
export type Resolved = {
  readonly settings: Settings;
  /** "" for a command that takes none. */
  readonly operand: string;
  /** What was given and does not count. */
  readonly warnings: readonly string[];
};

type Environment = Readonly<Record<string, string | undefined>>;
type Layer = {
  readonly settings: Settings;
  readonly operand?: string;
  /** What an option is called there. */
  readonly called?: (name: string) => string;
};

/**
 * Merges what was given for a command. Options that were given nowhere are absent.
 *
 * @throws {ModelSigningError} `USAGE`, `FILE_UNREADABLE`, `ABORTED`
 */
export async function resolveSettings(
  command: Command,
  given: Settings,
  operand: string | undefined,
  environment: Environment,
  signal?: AbortSignal,
): Promise<Resolved> {
  const options = [...optionsOf(command), ...GLOBAL_OPTIONS];
  // Now, since reading the JSON takes what another reader waits for, and with what the JSON says below.
  requireOneReader(command, given, operand);
  const warnings: string[] = [];
  const layers: Layer[] = [{
    settings: fromEnvironment(options, environment, warnings),
    called: (name) => environmentName({ name }),
  }];
  for (const source of listSetting(given, "json")) {
    layers.push(fromJson(command, options, await readObject(source, signal)));
  }
  layers.push({ settings: given, ...(operand === undefined ? {} : { operand }) });
  const settings = layers.reduce(
    (weaker: Settings, layer) => overlay(options, weaker, layer),
    {},
  );
  const subject = layers.findLast((layer) => layer.operand !== undefined)?.operand;
  requireAll(command, options, settings, subject);
  requireOneReader(command, settings, subject);
  return { settings, operand: subject ?? "", warnings };
}

/** Standard input can be read once. */
function requireOneReader(
  { path, operand }: Command,
  settings: Settings,
  subject: string | undefined,
): void {
  const fromStdin = (value: SettingValue | undefined) => value === STANDARD_STREAM;
  const readers = [
    ...listSetting(settings, "json").filter(fromStdin).map(() => `--json ${STANDARD_STREAM}`),
    // `sign` writes it to stdout.
    ...(path[0] !== "sign" && fromStdin(settings["signature"])
      ? [`--signature ${STANDARD_STREAM}`]
      : []),
    ...(operand?.jsonKey === "signature" && fromStdin(subject) ? [operand.metavar] : []),
    ...(settings["registry-password-stdin"] === true ? ["--registry-password-stdin"] : []),
  ];
  if (readers.length < 2) return;
  throw usageError(
    `${readers.join(" and ")} want stdin, which can be read once`,
    "give one of them there and the others in files or variables",
  );
}

/** Both settings as one; an option of the stronger ones also takes the place of its alternative. */
function overlay(
  options: readonly CliOption[],
  weaker: Settings,
  { settings: stronger, called = (name) => `--${name}` }: Layer,
): Settings {
  const kept = { ...weaker };
  for (const { name, insteadOf } of options) {
    if (insteadOf === undefined) continue;
    if (name in stronger && insteadOf in stronger) {
      const both = [insteadOf, name].map(called).join(" and ");
      throw usageError(`${both} are both given`, "give one of them");
    }
    if (name in stronger) delete kept[insteadOf];
    if (insteadOf in stronger) delete kept[name];
  }
  return { ...kept, ...stronger };
}

function fromEnvironment(
  options: readonly CliOption[],
  environment: Environment,
  warnings: string[],
): Settings {
  const settings: Record<string, SettingValue> = {};
  for (const option of options) {
    const name = environmentName(option);
    const text = environmentText(environment, option);
    if (text === "") continue;
    if (option.fromEnvironment === false) {
      warnings.push(`${name} is ignored: --${option.name} counts only on the command line`);
      continue;
    }
    const reading = readText(option, text);
    if (!reading.ok) throw usageError(`${name} ${reading.problem}`);
    settings[option.name] = reading.value;
  }
  return settings;
}

function fromJson(command: Command, options: readonly CliOption[], object: JsonObject): Layer {
  const settings: Record<string, SettingValue> = {};
  let operand: string | undefined;
  for (const [key, value] of Object.entries(object)) {
    if (key === command.operand?.jsonKey) {
      if (typeof value !== "string" || value === "") {
        throw usageError(`--json: ${key} is not a string, or empty`);
      }
      operand = value;
      continue;
    }
    const name = key.replaceAll("_", "-");
    const option = options.find((option) => option.name === name && name !== "json");
    if (option === undefined) {
      throw usageError(
        `--json: ${command.path.join(" ")} has no option ${quote(key)}`,
        `${PROGRAM} ${command.path.join(" ")} --help lists the options`,
      );
    }
    if (option.fromEnvironment === false) {
      throw usageError(
        `--json: ${key} cannot be set in JSON`,
        `it could weaken a check, so only the command line may set it: --${option.name}`,
      );
    }
    if (name in settings) {
      throw usageError(`--json: ${name} is given twice, with - and with _`);
    }
    const reading = readJson(option, value);
    if (!reading.ok) throw usageError(`--json: ${key} ${reading.problem}`);
    settings[name] = reading.value;
  }
  return { settings, ...(operand === undefined ? {} : { operand }) };
}

async function readObject(source: string, signal: AbortSignal | undefined): Promise<JsonObject> {
  // Also what is no object, unless a file is called so.
  const inline = /^\s*\{/.test(source) || (/^\s*\[/.test(source) && !existsSync(source));
  const isStdin = source === STANDARD_STREAM;
  const name = inline ? "--json" : isStdin ? "--json on stdin" : `--json ${quote(source)}`;
  const bytes = inline
    ? Buffer.from(source, "utf8")
    : await readCapped(isStdin ? STDIN : source, "--json", MAX_KEY_FILE_BYTES, { signal });
  let value: Json;
  try {
    value = parseJson(bytes);
  } catch (error) {
    if (error instanceof JsonError) throw usageError(`${name} is not valid JSON: ${error.message}`);
    throw error;
  }
  if (!isObject(value)) throw usageError(`${name} is not a JSON object`);
  return value;
}

function requireAll(
  command: Command,
  options: readonly CliOption[],
  settings: Settings,
  operand: string | undefined,
): void {
  const missing = missingOptions(options, settings).filter(({ exempt }) =>
    !(operand !== undefined && exempt?.applies(operand))
  );
  const names = missing.map(({ name }) => {
    const others = substitutesOf(options, name).map((other) => `--${other}`).join(", ");
    return others === "" ? `--${name}` : `--${name} (or ${others})`;
  });
  if (command.operand && operand === undefined) names.push(command.operand.metavar);
  if (names.length === 0) return;
  const [first] = missing;
  const reasons = missing.flatMap(({ requiredBecause }) => requiredBecause ?? []);
  const needs = `${command.path.join(" ")} needs ${names.join(" and ")}`;
  const variable = first && first.fromEnvironment !== false
    ? `, or set ${environmentName(first)}`
    : "";
  throw usageError(
    [needs, ...reasons].join(": "),
    first
      ? `add --${first.name} ${first.metavar ?? "VALUE"}${variable}`
      : `${PROGRAM} ${command.path.join(" ")} --help shows examples`,
  );
}
