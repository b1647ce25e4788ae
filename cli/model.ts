/** Opens the model that a command names. */

import { existsSync, type Stats, statSync } from "node:fs";
import { stat } from "node:fs/promises";
import {
  choiceSetting,
  type CompareInput,
  flagSetting,
  HASH_TYPES,
  type HasherFactory,
  type HashInput,
  type ManifestSource,
  ModelSigningError,
  numberSetting,
  type OpenedSource,
  type Option,
  quote,
  type Registry,
  type ResourceRole,
  type Settings,
  type SourceProvider,
  type Statement,
  textSetting,
  traced,
} from "../core/mod.ts";
import { hasherFactory } from "../plugins/mod.ts";
import type { Invocation } from "./command.ts";
import { usageError } from "./option.ts";

/** A model, and what its signature must say if nobody said what kind of model it is. */
export type OpenedModel = OpenedSource & Pick<CompareInput, "mustBind">;

/**
 * The model of a command line.
 *
 * A reference that begins with the scheme of a source (`oci:…`) always goes to that source, so that no file
 * in the current folder can take its place; `./oci:…` names such a file. Other references are read by the source
 * that `--source` names, else by the one that recognises their content, else as files. A folder is always one of
 * files, whatever `--source` says that its signature was made from.
 */
export async function openModel(invocation: Invocation): Promise<OpenedModel> {
  const { operand, registry, settings, given, run } = invocation;
  const named = providerOf(registry, operand);
  const asked = textSetting(settings, "source");
  // A variable may be meant for other runs.
  if (named && textSetting(given, "source") === "file") {
    throw usageError(`--source file is for models in files, and ${quote(operand)} is none`);
  }
  const provider = named ?? await readerOf(registry, operand, asked);
  refuseOptionsOfOthers(invocation, provider);
  const opened = await traced(
    run,
    "open.model",
    (inner) => provider.open(operand, pick(settings, provider.options), inner),
    { attributes: { source: provider.id } },
  );
  if (named || asked !== undefined || !provider.recognizes) return opened;
  const hint =
    `if the signature is about a model of the kind ${provider.id} nevertheless, as the Go ` +
    `tool's are, say --source ${provider.id}; if it is about the file itself, --source file`;
  return { ...opened, mustBind: { hint } };
}

/** The source whose scheme a reference begins with. */
export function providerOf(registry: Registry, operand: string): SourceProvider | undefined {
  const [, scheme] = /^([a-z][a-z0-9-]*):/.exec(operand) ?? [];
  return scheme === undefined || scheme === "file" ? undefined : registry.find("source", scheme);
}

/** What is meant as a reference, and hardly as a path: `docker://…`, `ghcr.io/org/model:v1`, `host/model@sha256:…`. */
const REFERENCE = /^[a-z][a-z0-9+.-]*:\/\/|\/[^/:@]+[:@][^/]+$/i;

/** Whether an operand is a reference that no source has the scheme of. Opening it as a model says so. */
export function isForeignReference(registry: Registry, operand: string): boolean {
  return !providerOf(registry, operand) && REFERENCE.test(operand) && !existsSync(operand);
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
  if (facts === undefined && REFERENCE.test(path)) {
    const forms = registry.all("source").filter(({ id, recognizes }) =>
      id !== "file" && !recognizes
    ).map(({ summary }) => summary);
    throw new ModelSigningError("MODEL_NOT_FOUND", `model ${quote(path)} does not exist`, {
      hint: `what is no path is one of: ${forms.join("; ")}`,
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
export function rolesOf(
  { registry, settings }: Invocation,
): (statement: Pick<Statement, "manifest">) => ReadonlyMap<string, ResourceRole> {
  return (statement) =>
    new Map(
      registry.all("source").flatMap((provider) => [
        ...provider.roles?.(statement, textSetting(settings, "source") === provider.id) ?? [],
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
  const jobs = numberSetting(settings, "jobs");
  return hasherFactory({ workerUrl, ...(jobs === undefined ? {} : { jobs }) });
}

/**
 * What the model options say about hashing.
 *
 * @throws {ModelSigningError} `USAGE` for a folder that is to be hashed as something else
 */
export function hashInput(invocation: Invocation, source: ManifestSource): HashInput {
  const { settings, given, operand } = invocation;
  const asked = textSetting(given, "source") ?? "file";
  if (asked !== "file" && statSync(operand, { throwIfNoEntry: false })?.isDirectory()) {
    throw usageError(
      `--source ${asked} is for models in files, and ${quote(operand)} is a folder`,
      "to verify, it says what the signature of a folder was made from",
    );
  }
  const algorithm = choiceSetting(settings, "hash-algorithm", HASH_TYPES);
  const shardSize = numberSetting(settings, "shard-size");
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
  const value = flagSetting(settings, name);
  return value === undefined ? {} : { [member]: value } as { [P in K]: boolean };
}
