/** The witnesses that `--witness` names. */

import {
  listSetting,
  type RunOptions,
  type Settings,
  type Witness,
  type WitnessProvider,
} from "../core/mod.ts";
import type { Invocation } from "./command.ts";
import { type CliOption, missingOptions, usageError } from "./option.ts";
import { witnessOptionName } from "./plugin_names.ts";

/** The options of a witness as flags that tell its from another's. None is required unless it is chosen. */
export function witnessOptions({ id, options }: WitnessProvider): readonly CliOption[] {
  return options.map(({ required, insteadOf, requiredBecause: _, ...option }) => ({
    ...option,
    name: witnessOptionName(id, option.name),
    ...(insteadOf === undefined ? {} : { insteadOf: witnessOptionName(id, insteadOf) }),
    ...(required
      ? { description: `${option.description.replace(/\.$/, "")} (needed with --witness ${id})` }
      : {}),
  }));
}

/** Opens every witness that was chosen. Throws `USAGE` when one lacks a required option, and what opening throws. */
export async function openWitnesses(
  { registry, settings }: Pick<Invocation, "registry" | "settings">,
  run: RunOptions,
): Promise<readonly Witness[]> {
  const chosen = new Set(listSetting(settings, "witness"));
  const providers = registry.all("witness").filter(({ id }) => chosen.has(id));
  const all = providers.map((provider) => ({ provider, own: settingsOf(provider, settings) }));
  return await Promise.all(all.map(({ provider, own }) => provider.open(own, run)));
}

function settingsOf({ id, options }: WitnessProvider, settings: Settings): Settings {
  const own = Object.fromEntries(
    options.flatMap(({ name }) => {
      const value = settings[witnessOptionName(id, name)];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const [missing] = missingOptions(options, own);
  if (missing !== undefined) {
    const flag = `--${witnessOptionName(id, missing.name)}`;
    throw usageError(`--witness ${id} needs ${flag}`, `add ${flag} ${missing.metavar ?? "VALUE"}`);
  }
  return own;
}
