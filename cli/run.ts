/** One run of the program: arguments in, exit status out. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import {
  combineObservers,
  loggingObserver,
  type Observer,
  type Plugin,
  quote,
  type Settings,
} from "../core/mod.ts";
import type { ModelPathGrant } from "../plugins/mod.ts";
import type { ExitStatus, Invocation } from "./command.ts";
import { commandsOf } from "./commands.ts";
import { asksForDebug, EarlyLog } from "./early_log.ts";
import type { Io } from "./io.ts";
import { type Log, openLog } from "./log.ts";
import { parseArguments } from "./parser.ts";
import { pluginArguments } from "./plugin_arguments.ts";
import {
  builtinSet,
  openPlugins,
  type PluginContext,
  requirePluginsOutside,
} from "./plugin_set.ts";
import { ProgressLine } from "./progress.ts";
import { terminalInteraction } from "./prompt.ts";
import { tellFault } from "./report/faults.ts";
import { resolveSettings } from "./settings.ts";
import { userFolders } from "./user_folders.ts";

/** What a run is given by its process. */
export type Host = {
  readonly version: string;
  /** In the order of the help page. */
  readonly plugins: readonly Plugin[];
  /** The module that hashing workers run. */
  readonly workerUrl: URL;
  /** Ends the run at once. */
  readonly signal: AbortSignal;
};

/** The wait for a person's answer when `--timeout` is not given. */
const ANSWER_TIMEOUT_MS = 180_000;

/** Runs one command. Faults are told, never thrown. */
export async function run(argv: readonly string[], io: Io, host: Host): Promise<ExitStatus> {
  const progress = new ProgressLine(io.stderr);
  const toStderr = (text: string) => progress.aside(() => io.stderr.write(text));
  let log: Log | undefined;
  const early = new EarlyLog();
  try {
    const context: PluginContext = {
      builtin: host.plugins,
      version: host.version,
      folders: userFolders(io.env, process.platform),
      environment: io.env,
      signal: host.signal,
      logger: early,
    };
    // In two phases: what the plugins add has to be known before the arguments can be understood.
    const plugins = await openPlugins(pluginArguments(argv, builtinSet(context).offer), context);
    const { registry } = plugins;
    const request = parseArguments(commandsOf(registry, host.version), argv, {
      columns: io.stdout.columns(),
      colors: io.stdout.isTerminal && io.colors,
    });
    if (request.kind === "text") {
      io.stdout.write(request.text);
      if (argv[0] !== "completion") tellUnknown(plugins.unknown, toStderr);
      return 0;
    }
    const { command, given } = request;
    const { settings, operand, warnings } = resolveSettings(
      command,
      given,
      request.operand,
      io.env,
    );
    log = openLog(settings, toStderr);
    const { level } = log;
    early.openTo(log.logger);
    if (operand !== "" && command.path[0] !== "plugin") {
      await requirePluginsOutside(operand, plugins.plugins);
      allowModelPath(plugins.grant, settings, operand);
    }
    for (const warning of warnings) log.logger.log("warn", warning);
    return await command.run({
      settings,
      operand,
      io,
      registry,
      plugins,
      run: runOptions(settings, io, host, log, progress),
      workerUrl: host.workerUrl,
      version: host.version,
      tells: (success) => level !== "silent" && !(success && level === "error"),
    });
  } catch (error) {
    progress.erase();
    if (log === undefined && asksForDebug(argv, io.env)) {
      // What a plugin wrote before it failed is what one looks for.
      log = openLog({ "log-level": "debug" }, toStderr);
      early.openTo(log.logger);
    }
    return tellFault(error, toStderr, log);
  } finally {
    progress.erase();
  }
}

/** For help no code of a plugin runs, so it cannot tell of one that it has never seen. */
function tellUnknown(paths: readonly string[], write: (text: string) => void): void {
  for (const path of paths) {
    write(
      `model-signing: the page lacks what ${quote(path)} adds, as help runs no plugin; ` +
        "model-signing plugin list, given the same plugin, loads it once\n",
    );
  }
}

/** Tells programs of the model if the user says so. A model in a registry has no path. */
function allowModelPath(grant: ModelPathGrant, settings: Settings, operand: string): void {
  const allowed = (settings["plugin-allow"] ?? []) as readonly string[];
  if (allowed.includes("model-path") && existsSync(operand)) grant.path = resolve(operand);
}

function runOptions(
  settings: Settings,
  io: Io,
  host: Host,
  { level, logger }: Log,
  progress: ProgressLine,
): Invocation["run"] {
  const observers: Observer[] = [];
  if (io.stderr.isTerminal && io.animated && settings["no-progress"] !== true) {
    observers.push(progress);
  }
  if (level === "debug") observers.push(loggingObserver(logger));
  const timeout = settings["timeout"] as number | undefined;
  return {
    signal: host.signal,
    logger,
    interaction: terminalInteraction(io, {
      timeout: timeout ?? ANSWER_TIMEOUT_MS,
      clear: () => progress.erase(),
    }),
    // Without it, a request to a service has a limit of its own.
    ...(timeout === undefined ? {} : { timeout }),
    ...(observers.length > 0 ? { observer: combineObservers(...observers) } : {}),
  };
}
