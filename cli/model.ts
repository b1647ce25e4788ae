/** Opens the model that a command names. */

import {
  type HasherFactory,
  type HashInput,
  type HashType,
  type ManifestSource,
  ModelSigningError,
  type Option,
  type Settings,
} from "../core/mod.ts";
import { hasherFactory } from "../plugins/mod.ts";
import type { Invocation } from "./command.ts";

/**
 * The model of a command line.
 *
 * A reference that begins with the scheme of a source (`oci:…`) always goes to that source, so that no file
 * in the current folder can take its place; `./oci:…` names such a file.
 */
export async function openModel(invocation: Invocation): Promise<ManifestSource> {
  const { operand, registry, settings, run } = invocation;
  const [, scheme] = /^([a-z][a-z0-9-]*):/.exec(operand) ?? [];
  const provider =
    (scheme === undefined || scheme === "file" ? undefined : registry.find("source", scheme)) ??
      registry.find("source", "file");
  if (!provider) {
    throw new ModelSigningError("PLUGIN_CONTRACT", "no plugin provides models from files");
  }
  return (await provider.open(operand, pick(settings, provider.options), run)).source;
}

/** The settings that a provider declares. */
export function pick(settings: Settings, options: readonly Option[]): Settings {
  return Object.fromEntries(
    options.flatMap(({ name }) => name in settings ? [[name, settings[name]!]] : []),
  );
}

/** The hashing engine, set up as the command line says. */
export function hasherOf({ settings, workerUrl }: Invocation): HasherFactory {
  const jobs = settings["jobs"] as number | undefined;
  return hasherFactory({ workerUrl, ...(jobs === undefined ? {} : { jobs }) });
}

/** What the model options say about hashing. */
export function hashInput(invocation: Invocation, source: ManifestSource): HashInput {
  const { settings } = invocation;
  const algorithm = settings["hash-algorithm"] as HashType | undefined;
  const shardSize = settings["shard-size"] as number | undefined;
  return {
    source,
    hasher: hasherOf(invocation),
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(shardSize === undefined ? {} : { shardSize }),
    ...flag(settings, "allow-symlinks", "allowSymlinks"),
    ...flag(settings, "ignore-git-paths", "ignoreGitPaths"),
  };
}

/** A boolean setting as an optional member, under the name that core gives it. */
export function flag<K extends string>(
  settings: Settings,
  name: string,
  member: K,
): { readonly [P in K]?: boolean } {
  const value = settings[name];
  return typeof value === "boolean" ? { [member]: value } as { [P in K]: boolean } : {};
}
