/** Plugins in, providers out. */

import { ModelSigningError } from "./errors.ts";
import { CONTRACT_VERSION, type Plugin, type Provider } from "./plugin.ts";
import { quote } from "./text.ts";

/** Ids of providers and names of subcommands: words of a command line that no flag can be taken for. */
const NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** The providers of a set of plugins. The first plugin to claim an id keeps it. */
export class Registry {
  readonly #providers = new Map<string, { provider: Provider; plugin: Plugin }>();

  /**
   * Starts with these plugins.
   *
   * @throws {ModelSigningError} `PLUGIN_CONTRACT` for a foreign contract version, `PLUGIN_TAKEN` for an id
   * that another plugin has
   */
  constructor(plugins: Iterable<Plugin> = []) {
    for (const plugin of plugins) this.add(plugin);
  }

  /** Adds all providers of a plugin, or none. Throws like the constructor. */
  add(plugin: Plugin): void {
    if (plugin.contract !== CONTRACT_VERSION) {
      throw new ModelSigningError(
        "PLUGIN_CONTRACT",
        `plugin ${
          quote(plugin.name)
        } speaks contract version ${plugin.contract}, this program ${CONTRACT_VERSION}`,
      );
    }
    const claims = new Map<string, { provider: Provider; plugin: Plugin }>();
    for (const provider of plugin.providers) {
      const key = `${provider.kind}:${provider.id}`;
      if (!NAME.test(provider.id)) {
        throw new ModelSigningError(
          "PLUGIN_CONTRACT",
          `plugin ${quote(plugin.name)} has a provider with the malformed id ${quote(provider.id)}`,
        );
      }
      const problem = subcommandProblem(provider);
      if (problem !== undefined) {
        throw new ModelSigningError(
          "PLUGIN_CONTRACT",
          `plugin ${quote(plugin.name)} has the command ${quote(provider.id)} with ${problem}`,
        );
      }
      const holder = this.#providers.get(key) ?? claims.get(key);
      if (holder) {
        throw new ModelSigningError(
          "PLUGIN_TAKEN",
          `plugin ${quote(plugin.name)} claims the ${provider.kind} ${quote(provider.id)}, ` +
            `which plugin ${quote(holder.plugin.name)} has`,
        );
      }
      claims.set(key, { provider, plugin });
    }
    for (const [key, claim] of claims) this.#providers.set(key, claim);
  }

  /** The provider of a kind and id, if there is one. */
  find<K extends Provider["kind"]>(
    kind: K,
    id: string,
  ): Extract<Provider, { kind: K }> | undefined {
    const found = this.#providers.get(`${kind}:${id}`)?.provider;
    return found as Extract<Provider, { kind: K }> | undefined;
  }

  /** Every provider of a kind, in the order of registration. */
  all<K extends Provider["kind"]>(kind: K): readonly Extract<Provider, { kind: K }>[] {
    return [...this.#providers.values()]
      .map(({ provider }) => provider)
      .filter((provider): provider is Extract<Provider, { kind: K }> => provider.kind === kind);
  }
}

/** What is wrong with the subcommands of a provider, if it has any. */
function subcommandProblem(provider: Provider): string | undefined {
  if (!("subcommands" in provider)) return undefined;
  const names = provider.subcommands.map(({ name }) => name);
  if (names.length === 0) return "no subcommands";
  const malformed = names.find((name) => !NAME.test(name));
  if (malformed !== undefined) return `the malformed subcommand ${quote(malformed)}`;
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined ? undefined : `two subcommands ${quote(repeated)}`;
}
