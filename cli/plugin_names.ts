/** Which names a plugin may still take: the program's own always win. */

import {
  ModelSigningError,
  type Plugin,
  type Provider,
  quote,
  type Registry,
} from "../core/mod.ts";
import {
  GLOBAL_OPTIONS,
  HASH_OPTIONS,
  MODEL_OPTIONS,
  SIGN_OPTIONS,
  sourceOption,
  verifyOptions,
  witnessOption,
} from "./builtin_options.ts";
import { BUILTIN_COMMANDS } from "./mistakes.ts";

/**
 * Adds a plugin of a third party.
 *
 * @throws {ModelSigningError} `PLUGIN_TAKEN`
 */
export function addPlugin(registry: Registry, plugin: Plugin): void {
  for (const provider of plugin.providers) {
    const problem = takenName(registry, provider);
    if (problem === undefined) continue;
    throw new ModelSigningError("PLUGIN_TAKEN", `plugin ${quote(plugin.name)} ${problem}`, {
      hint: "whoever made the plugin can give it another name",
    });
  }
  registry.add(plugin);
}

function takenName(registry: Registry, provider: Provider): string | undefined {
  if (provider.kind === "command" && BUILTIN_COMMANDS.includes(provider.id)) {
    return `claims the command ${quote(provider.id)}, which is the program's own`;
  }
  const taken = namesBeside(registry, provider.kind);
  const name = optionNames(provider).find((name) => taken.has(name));
  return name === undefined
    ? undefined
    : `gives the ${provider.kind} ${quote(provider.id)} the option ${quote(name)}, which is taken`;
}

/** Flags that stand in one command with those of a provider. */
function namesBeside(registry: Registry, kind: Provider["kind"]): ReadonlySet<string> {
  const names = (providers: readonly Provider[]) => providers.flatMap(optionNames);
  const globals = namesOf(GLOBAL_OPTIONS);
  if (kind === "command") return new Set(globals);
  const program = namesOf([
    ...[SIGN_OPTIONS, HASH_OPTIONS, MODEL_OPTIONS, verifyOptions(() => false)].flat(),
    sourceOption([]),
    witnessOption([]),
  ]);
  const sources = names(registry.all("source"));
  const methods = kind === "source" || kind === "witness"
    ? [...names(registry.all("signer")), ...names(registry.all("verifier"))]
    : [];
  const witnesses = kind === "signer" ? names(registry.all("witness")) : [];
  return new Set([...globals, ...program, ...sources, ...methods, ...witnesses]);
}

function optionNames(provider: Provider): readonly string[] {
  if ("subcommands" in provider) {
    return provider.subcommands.flatMap(({ options }) => namesOf(options));
  }
  const names = namesOf(provider.options);
  return provider.kind === "witness"
    ? names.map((name) => witnessOptionName(provider.id, name))
    : names;
}

/** Witnesses stand beside each other in one command, so the names of their options begin with their own. */
export function witnessOptionName(id: string, name: string): string {
  return `${id}-${name}`;
}

function namesOf(options: readonly { readonly name: string }[]): readonly string[] {
  return options.map(({ name }) => name);
}
