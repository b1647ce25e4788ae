/** Every plugin of a run: the built-in ones, those that the command line names, those that are configured or installed. */

import {
  type Hints,
  type Logger,
  ModelSigningError,
  type Plugin,
  Registry,
  throwIfAborted,
  type UserFolders,
  withHints,
} from "../core/mod.ts";
import {
  findExecutable,
  isModule,
  listExecutables,
  loadExecutable,
  loadModule,
  MAX_PLUGIN_BYTES,
  MAX_PROGRAM_BYTES,
  safePlace,
} from "../plugins/mod.ts";
import type { Offer } from "./command.ts";
import { commandsOf } from "./commands.ts";
import { declaredPlugin, rememberDeclaration } from "./declarations.ts";
import { placesOf, type PluginArguments } from "./plugin_arguments.ts";
import { addPlugin } from "./plugin_names.ts";
import { type ConfiguredPlugin, readUserConfig, userConfigPath } from "./user_config.ts";
import { listsMethods, listsPlugins, wantedMethod, wantsMore } from "./wanted.ts";

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

/** A plugin, or the configuration file, that cannot be used. */
export type Unusable = { readonly path: string; readonly error: ModelSigningError };

/** The plugins of a run. */
export type PluginSet = {
  readonly registry: Registry;
  readonly plugins: readonly KnownPlugin[];
  /** What `plugin list` and help do without. Other runs fail instead. */
  readonly unusable: readonly Unusable[];
  /** The user's configuration file, whether there is one or not. */
  readonly configPath?: string;
  /** Tells programs that want it of the model, once it is known and the user allows it: its absolute path. */
  tellModelPath(path: string): void;
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
  const { folders, environment } = context;
  let modelPath: string | undefined;
  const opening: Opening = {
    registry,
    plugins: [...builtin],
    unusable: [],
    modelPath: () => modelPath,
    given,
    context,
    // What is not run may lie anywhere.
    outside: given.textOnly ? [] : given.words.flatMap(placesOf),
  };
  for (const path of given.modules) await addModule(opening, path);
  for (const path of given.executables) await addExecutable(opening, path);
  const configPath = folders.config === undefined ? undefined : userConfigPath(folders.config);
  if (configPath !== undefined && wantsMore(given, registry)) {
    const { plugins } = await attempt(opening, configPath, () => readUserConfig(configPath)) ??
      { plugins: [] };
    await addConfigured(opening, plugins);
  }
  const method = wantedMethod(given, registry);
  const named = method === undefined ? undefined : await findExecutable(method, environment);
  if (named !== undefined) await addExecutable(opening, named);
  if (listsMethods(given)) {
    for (const path of await listExecutables(environment)) {
      if (path !== named) await addExecutable(opening, path, "if known");
    }
  }
  const { plugins, unusable } = opening;
  const location = configPath === undefined ? {} : { configPath };
  const tellModelPath = (path: string) => void (modelPath = path);
  return { registry, plugins, unusable, ...location, tellModelPath };
}

/** A set of plugins that is being put together. */
type Opening = {
  readonly registry: Registry;
  readonly plugins: KnownPlugin[];
  readonly unusable: Unusable[];
  modelPath(): string | undefined;
  readonly given: PluginArguments;
  readonly context: PluginContext;
  readonly outside: readonly string[];
};

/** What a step gives; undefined when it fails and the run is one that tells of such failures and goes on. */
async function attempt<T>(
  { given, unusable }: Opening,
  path: string,
  step: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    const isTold = given.textOnly || listsPlugins(given);
    if (!isTold || !(error instanceof ModelSigningError) || error.code === "ABORTED") throw error;
    unusable.push({ path, error });
    return undefined;
  }
}

/** Loads them until nothing is wanted any more. One that cannot be loaded is no obstacle if another has what is wanted. */
async function addConfigured(
  opening: Opening,
  configured: readonly ConfiguredPlugin[],
): Promise<void> {
  const { registry, given, context: { logger, signal } } = opening;
  const errors: unknown[] = [];
  for (const { path, sha256 } of configured) {
    if (!wantsMore(given, registry)) break;
    await addModule(opening, path, sha256).catch((error) => errors.push(error));
    throwIfAborted(signal);
  }
  if (errors.length > 0 && wantsMore(given, registry)) throw errors[0];
  for (const error of errors) {
    logger.log("warn", `passed over: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function addModule(opening: Opening, path: string, sha256?: string): Promise<void> {
  const { given, context, outside } = opening;
  const { folders: { cache }, environment, signal, logger } = context;
  const expected = sha256 === undefined ? {} : { sha256 };
  const hints: Hints = isModule(path) ? {} : {
    PLUGIN_UNLOADABLE: "a program of its own is loaded with --plugin-exec",
  };
  const added = async () => {
    const load = () => {
      logger.log("debug", "loading plugin", { path });
      const place = cache === undefined ? {} : { cacheFolder: cache };
      return loadModule(path, { outside, environment, ...expected, ...place }, { signal });
    };
    const loaded = given.textOnly
      ? await declaredPlugin(cache, path, { limit: MAX_PLUGIN_BYTES, ...expected })
      : await load();
    const configured = sha256 !== undefined;
    await add(opening, loaded, { kind: "module", path, sha256: loaded.sha256, configured });
  };
  await attempt(opening, path, () => withHints(hints, added));
}

/** @param when "if known": one that help and completion know nothing of is passed over in silence */
async function addExecutable(
  opening: Opening,
  path: string,
  when: "always" | "if known" = "always",
): Promise<void> {
  const { given, context, modelPath, outside } = opening;
  const { environment, signal, logger, folders: { cache }, version } = context;
  const options = { outside, environment, modelPath, programVersion: version };
  const origin = { kind: "executable", path } as const;
  if (when === "if known") {
    const known = await declaredPlugin(cache, path, { limit: MAX_PROGRAM_BYTES })
      .catch(() => undefined);
    if (known !== undefined) await attempt(opening, path, () => add(opening, known, origin));
    return;
  }
  await attempt(opening, path, async () => {
    const load = () => {
      logger.log("debug", "starting plugin", { path });
      return loadExecutable(path, options, { signal, logger });
    };
    const loaded = given.textOnly
      ? await declaredPlugin(cache, path, { limit: MAX_PROGRAM_BYTES })
      : await load();
    await add(opening, loaded, origin);
  });
}

/** Takes a plugin in, if its names are free. */
async function add(
  { registry, plugins, given, context: { folders, logger } }: Opening,
  loaded: { readonly plugin: Plugin; readonly sha256: string },
  origin: Origin,
): Promise<void> {
  addPlugin(registry, loaded.plugin);
  plugins.push({ plugin: loaded.plugin, origin });
  if (!given.textOnly) await rememberDeclaration(folders.cache, loaded, logger);
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
      await safePlace(origin.path, { outside: placesOf(model) });
    } catch (error) {
      // A program that was replaced meanwhile is the business of whoever starts it.
      if (error instanceof ModelSigningError && error.code !== "PLUGIN_UNSAFE") continue;
      throw error;
    }
  }
}
