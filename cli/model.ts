/** Opens the model that a command names. */

import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import {
  type CompareInput,
  type HasherFactory,
  type HashInput,
  type HashType,
  type ManifestSource,
  ModelSigningError,
  type OpenedSource,
  type Option,
  quote,
  type Registry,
  type Settings,
  type SourceProvider,
  traced,
} from "../core/mod.ts";
import { hasherFactory } from "../plugins/mod.ts";
import type { Invocation } from "./command.ts";
import { usageError } from "./option.ts";

/**
 * The model of a command line.
 *
 * A reference that begins with the scheme of a source (`oci:…`) always goes to that source, so that no file
 * in the current folder can take its place; `./oci:…` names such a file. Other references are read by the source
 * that `--source` names, else by the one that recognises their content, else as files. A folder is always one of
 * files, whatever `--source` says that its signature was made from.
 */
export async function openModel(invocation: Invocation): Promise<OpenedSource> {
  const { operand, registry, settings, run } = invocation;
  const provider = providerOf(registry, operand) ??
    await readerOf(registry, operand, settings["source"] as string | undefined);
  refuseOptionsOfOthers(invocation, provider);
  return await traced(
    run,
    "open.model",
    (inner) => provider.open(operand, pick(settings, provider.options), inner),
    { attributes: { source: provider.id } },
  );
}

/** The source whose scheme a reference begins with. */
export function providerOf(registry: Registry, operand: string): SourceProvider | undefined {
  const [, scheme] = /^([a-z][a-z0-9-]*):/.exec(operand) ?? [];
  return scheme === undefined || scheme === "file" ? undefined : registry.find("source", scheme);
}

/**
 * What was asked for on the command line must not be passed over in silence: who says `--deep` thinks that layers are
 * read. Variables and JSON may be meant for other runs.
 */
function refuseOptionsOfOthers(
  { operand, registry, given }: Invocation,
  { id, options }: SourceProvider,
): void {
  const sources = registry.all("source");
  // The program has options of the same names as the source of files, for models of all kinds.
  const fitting = [...options, ...registry.find("source", "file")?.options ?? []];
  const known = new Set(fitting.map(({ name }) => name));
  const foreign = sources.flatMap(({ options }) => options)
    .find(({ name }) => name in given && !known.has(name));
  if (foreign === undefined) return;
  const kinds = sources.filter(({ options }) => options.some(({ name }) => name === foreign.name))
    .map((source) => source.id).join(", ");
  throw usageError(
    `--${foreign.name} is for models of the kind ${kinds}, and ${
      quote(operand)
    } is of the kind ${id}`,
  );
}

async function readerOf(
  registry: Registry,
  path: string,
  asked: string | undefined,
): Promise<SourceProvider> {
  const file = registry.find("source", "file");
  if (!file) {
    throw new ModelSigningError("PLUGIN_CONTRACT", "no plugin provides models from files");
  }
  const facts = await factsOf(path);
  if (facts === undefined && /^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    const schemes = registry.all("source").filter(({ id, recognizes }) =>
      id !== "file" && !recognizes
    )
      .map(({ id }) => `${id}:`).join(", ");
    throw new ModelSigningError("MODEL_NOT_FOUND", `model ${quote(path)} does not exist`, {
      hint: `references to models begin with one of ${schemes}`,
    });
  }
  if (asked === "file" || facts?.isDirectory()) return file;
  if (asked !== undefined) return registry.find("source", asked) ?? file;
  for (const provider of registry.all("source")) {
    if (await provider.recognizes?.(path)) return provider;
  }
  return file;
}

/** What cannot be looked at is the source's to report. */
async function factsOf(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(() => undefined);
}

/** Which resources of a statement need not be files, by what any source says of it. */
export function rolesOf({ registry, settings }: Invocation): NonNullable<CompareInput["roles"]> {
  return (statement) =>
    new Map(
      registry.all("source").flatMap((provider) => [
        ...provider.roles?.(statement, settings["source"] === provider.id) ?? [],
      ]),
    );
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
