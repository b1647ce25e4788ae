/** What a plugin says about itself, as data: everything that help and completion need, and no code. */

import type { Option, Provider } from "../../core/plugin.ts";
import { quote } from "../../core/text.ts";
import { KEBAB_CASE, lineAt, optionsAt } from "./options.ts";
import {
  booleanAt,
  choiceAt,
  listAt,
  type Members,
  numberAt,
  objectAt,
  optionalAt,
  patternAt,
  ShapeError,
  textAt,
} from "./shape.ts";

/** Providers of one plugin. */
const MAX_PROVIDERS = 50;
/** Command lines that a help page shows for one provider. */
const MAX_EXAMPLES = 20;

/** Kinds of providers that a plugin can bring. */
const PROVIDER_KINDS: readonly Provider["kind"][] = [
  "source",
  "signer",
  "witness",
  "verifier",
  "command",
];

/** What one command takes. */
export type DeclaredAction = {
  readonly summary: string;
  readonly options: readonly Option[];
  readonly examples?: readonly string[];
  readonly operand?: { readonly metavar: string; readonly description: string };
};

/** A provider without its functions. */
export type DeclaredProvider =
  & {
    readonly kind: Provider["kind"];
    readonly id: string;
    /** Of sources. */
    readonly keepsSignatures?: boolean;
    /** Of a family of commands, which takes nothing itself. */
    readonly subcommands?: readonly (DeclaredAction & { readonly name: string })[];
  }
  & DeclaredAction;

/** A plugin without its functions. */
export type PluginDeclaration = {
  readonly name: string;
  readonly version: string;
  readonly contract: number;
  readonly providers: readonly DeclaredProvider[];
};

/** Reads what a plugin, or JSON made of a declaration, says. Throws {@link ShapeError}. */
export function declarationAt(value: unknown, where: string): PluginDeclaration {
  const given = objectAt(value, where);
  const providers = listAt(given["providers"], `${where}.providers`, MAX_PROVIDERS);
  if (providers.length === 0) throw new ShapeError(`${where} provides nothing`);
  return {
    name: patternAt(given["name"], `${where}.name`, KEBAB_CASE),
    version: patternAt(given["version"], `${where}.version`, /^[!-~]{1,64}$/),
    contract: numberAt(given["contract"], `${where}.contract`),
    providers: providers.map((item, index) => providerAt(item, `${where}.providers[${index}]`)),
  };
}

function providerAt(value: unknown, where: string): DeclaredProvider {
  const given = objectAt(value, where);
  const base = {
    kind: choiceAt(given["kind"], `${where}.kind`, PROVIDER_KINDS),
    id: patternAt(given["id"], `${where}.id`, KEBAB_CASE),
  };
  if (base.kind === "source" && base.id.length === 1) {
    throw new ShapeError(`${where}.id is ${quote(base.id)}: on Windows, that is a drive`);
  }
  if (base.kind === "command" && given["subcommands"] !== undefined) {
    return {
      ...base,
      summary: lineAt(given["summary"], `${where}.summary`),
      options: [],
      subcommands: subcommandsAt(given["subcommands"], `${where}.subcommands`),
    };
  }
  return {
    ...base,
    ...actionAt(given, where, base.kind === "command"),
    ...(base.kind === "source" ? optionalAt(given, "keepsSignatures", where, booleanAt) : {}),
  };
}

function subcommandsAt(value: unknown, where: string): DeclaredProvider["subcommands"] & object {
  const subcommands = listAt(value, where, MAX_PROVIDERS).map((item, index) => {
    const given = objectAt(item, `${where}[${index}]`);
    return {
      name: patternAt(given["name"], `${where}[${index}].name`, KEBAB_CASE),
      ...actionAt(given, `${where}[${index}]`, true),
    };
  });
  const names = subcommands.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new ShapeError(`${where} has ${quote(repeated)} twice`);
  if (names.length === 0) throw new ShapeError(`${where} is empty`);
  return subcommands;
}

function actionAt(given: Members, where: string, isCommand: boolean): DeclaredAction {
  return {
    summary: lineAt(given["summary"], `${where}.summary`),
    options: optionsAt(given["options"], `${where}.options`),
    ...optionalAt(given, "examples", where, examplesAt),
    ...(isCommand ? optionalAt(given, "operand", where, operandAt) : {}),
  };
}

function examplesAt(value: unknown, where: string): readonly string[] {
  return listAt(value, where, MAX_EXAMPLES).map((item, index) =>
    // Broken by a backslash and a newline where they are long; the page breaks them itself.
    lineAt(textAt(item, `${where}[${index}]`).replace(/\s*\\\n\s*/g, " "), `${where}[${index}]`)
  );
}

function operandAt(value: unknown, where: string): DeclaredAction["operand"] & object {
  const given = objectAt(value, where);
  return {
    metavar: patternAt(given["metavar"], `${where}.metavar`, /^[A-Z][A-Z0-9_-]{0,31}$/),
    description: lineAt(given["description"], `${where}.description`),
  };
}
