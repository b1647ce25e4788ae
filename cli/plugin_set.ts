/** Every plugin of a run: the built-in ones, those that the command line names, those that are configured or installed. */

import { type Logger, ModelSigningError, type Plugin, Registry } from "../core/mod.ts";
import {
  findExecutable,
  loadExecutable,
  loadModule,
  type ModelPathGrant,
  safePlace,
} from "../plugins/mod.ts";
import type { Offer } from "./command.ts";
import { commandsOf } from "./commands.ts";
import { declaredModule, rememberDeclaration } from "./declarations.ts";
import { type PluginArguments, possibleModels } from "./plugin_arguments.ts";
import { addPlugin } from "./plugin_names.ts";
import { readUserConfig, userConfigPath } from "./user_config.ts";
import type { UserFolders } from "./user_folders.ts";
import { wantedExecutables, wantsMore } from "./wanted.ts";

/** Where a plugin comes from. */
export type Origin =
  | { readonly kind: "built-in" }
  | {
    readonly kind: "module";
    /** As it was named. */
    readonly path: string;
    /** Lowercase hex. */
    readonly sha256: string;
    readonly configured: boolean;
  }
  | { readonly kind: "executable"; readonly path: string };

/** A plugin and where it comes from. */
export type KnownPlugin = { readonly plugin: Plugin; readonly origin: Origin };

/** The plugins of a run. */
export type PluginSet = {
  readonly registry: Registry;
  readonly plugins: readonly KnownPlugin[];
  /** Plugins that help and completion cannot tell of, because they have never been loaded. */
  readonly unknown: readonly string[];
  /** The user's configuration file, whether there is one or not. */
  readonly configPath?: string;
  /** What programs are told of the model, once it is known and the user allows it. */
  readonly grant: ModelPathGrant;
};

/** What plugins are found and loaded with. */
export type PluginContext = {
  readonly builtin: readonly Plugin[];
  readonly version: string;
  readonly folders: UserFolders;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly logger: Logger;
};

/** The built-in plugins, and what they offer. */
export function builtinSet({ builtin, version }: PluginContext): {
  readonly registry: Registry;
  readonly plugins: readonly KnownPlugin[];
  readonly offer: Offer;
} {
  const registry = new Registry(builtin);
  return {
    registry,
    plugins: builtin.map((plugin) => ({ plugin, origin: { kind: "built-in" } })),
    offer: commandsOf(registry, version),
  };
}

/**
 * The plugins that a command line needs. For help and completion no code of a plugin runs: what is known of it from the
 * last time it was loaded takes its place.
 *
 * @throws {ModelSigningError} what loading throws, `PLUGIN_TAKEN`, `PLUGIN_CONFIGURATION`
 */
export async function openPlugins(
  given: PluginArguments,
  context: PluginContext,
): Promise<PluginSet> {
  const { registry, plugins: builtin } = builtinSet(context);
  const { folders } = context;
  const opening: Opening = {
    registry,
    plugins: [...builtin],
    unknown: [],
    grant: {},
    given,
    context,
    // What is not run may lie anywhere.
    outside: given.textOnly ? [] : possibleModels(given),
  };
  for (const path of given.modules) await addModule(opening, path);
  for (const path of given.executables) await addExecutable(opening, path);
  const configPath = folders.config === undefined ? undefined : userConfigPath(folders.config);
  if (configPath !== undefined && wantsMore(given, registry)) {
    const { plugins } = await readUserConfig(configPath);
    for (const { path, sha256 } of plugins) await addModule(opening, path, sha256);
  }
  for (const name of wantedExecutables(given, registry)) {
    const path = await findExecutable(name, context.environment);
    if (path !== undefined) await addExecutable(opening, path);
  }
  const { plugins, unknown, grant } = opening;
  return { registry, plugins, unknown, grant, ...(configPath === undefined ? {} : { configPath }) };
}

/** A set of plugins that is being put together. */
type Opening = {
  readonly registry: Registry;
  readonly plugins: KnownPlugin[];
  readonly unknown: string[];
  readonly grant: ModelPathGrant;
  readonly given: PluginArguments;
  readonly context: PluginContext;
  readonly outside: readonly string[];
};

async function addModule(opening: Opening, path: string, sha256?: string): Promise<void> {
  const { registry, plugins, unknown, given, context, outside } = opening;
  const { folders: { cache }, environment, signal, logger } = context;
  const origin = { kind: "module", path, configured: sha256 !== undefined } as const;
  if (given.textOnly) {
    const known = await declaredModule(cache, path, { outside, ...(sha256 ? { sha256 } : {}) });
    if (known === undefined) {
      unknown.push(path);
      return;
    }
    addPlugin(registry, known.plugin);
    plugins.push({ plugin: known.plugin, origin: { ...origin, sha256: known.sha256 } });
    return;
  }
  logger.log("debug", "loading plugin", { path });
  const loaded = await loadModule(path, {
    outside,
    environment,
    signal,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(cache === undefined ? {} : { cacheFolder: cache }),
  });
  addPlugin(registry, loaded.plugin);
  plugins.push({ plugin: loaded.plugin, origin: { ...origin, sha256: loaded.sha256 } });
  await rememberDeclaration(cache, loaded, logger);
}

async function addExecutable(opening: Opening, path: string): Promise<void> {
  const { registry, plugins, unknown, given, context, grant, outside } = opening;
  const { environment, signal, logger, folders: { cache }, version } = context;
  const origin = { kind: "executable", path } as const;
  if (given.textOnly) {
    const known = await declaredModule(cache, path, { outside });
    if (known === undefined) {
      unknown.push(path);
      return;
    }
    addPlugin(registry, known.plugin);
    plugins.push({ plugin: known.plugin, origin });
    return;
  }
  logger.log("debug", "starting plugin", { path });
  const loaded = await loadExecutable(path, {
    outside,
    environment,
    grant,
    programVersion: version,
    run: { signal, logger },
  });
  addPlugin(registry, loaded.plugin);
  plugins.push({ plugin: loaded.plugin, origin });
  await rememberDeclaration(cache, loaded, logger);
}

/**
 * Refuses plugins that lie in the model, now that it is known for certain.
 *
 * @throws {ModelSigningError} `PLUGIN_UNSAFE`
 */
export async function requirePluginsOutside(
  model: string,
  plugins: readonly KnownPlugin[],
): Promise<void> {
  for (const { origin } of plugins) {
    if (origin.kind === "built-in") continue;
    try {
      await safePlace(origin.path, { outside: [model] });
    } catch (error) {
      // A program that was replaced meanwhile is the business of whoever starts it.
      if (error instanceof ModelSigningError && error.code !== "PLUGIN_UNSAFE") continue;
      throw error;
    }
  }
}
