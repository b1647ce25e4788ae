/** One run of the program: arguments in, exit status out. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import {
  type Logger,
  loggingObserver,
  type Observer,
  type Plugin,
  printable,
  quote,
  type Settings,
} from "../core/mod.ts";
import type { ModelPathGrant } from "../plugins/mod.ts";
import type { Command, ExitStatus, Invocation } from "./command.ts";
import { commandsOf } from "./commands.ts";
import { asksForDebug, EarlyLog } from "./early_log.ts";
import { type Io, isColored } from "./io.ts";
import { type Log, openLog } from "./log.ts";
import { parseArguments } from "./parser.ts";
import { pluginArguments } from "./plugin_arguments.ts";
import {
  builtinSet,
  openPlugins,
  type PluginContext,
  requirePluginsOutside,
  type Unusable,
} from "./plugin_set.ts";
import { ProgressLine } from "./progress.ts";
import { terminalInteraction } from "./prompt.ts";
import { withoutCredentials } from "./redact.ts";
import { tellFault } from "./report/faults.ts";
import { type OpenTraceExport, RunTrace } from "./run_trace.ts";
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
  /** What can take the trace of a run elsewhere. The plain program has nothing that does. */
  readonly traceExport?: OpenTraceExport;
};

/** The wait for a person's answer when `--timeout` is not given. */
const ANSWER_TIMEOUT_MS = 180_000;

/** Runs one command. Faults are told, never thrown. */
export async function run(argv: readonly string[], io: Io, host: Host): Promise<ExitStatus> {
  const progress = new ProgressLine(io.stderr);
  const toStderr = (text: string) => progress.aside(() => io.stderr.write(text));
  let log: Log | undefined;
  const early = new EarlyLog();
  const trace = new RunTrace(host.version);
  const openTrace = async (observers: readonly Observer[], logger: Logger) =>
    trace.openTo(observers, await host.traceExport?.(io.env, logger));
  try {
    const context = contextOf(host, io, early);
    // In two phases: what the plugins add has to be known before the arguments can be understood.
    const plugins = await openPlugins(pluginArguments(argv, builtinSet(context).offer), context);
    const { registry } = plugins;
    const request = parseArguments(commandsOf(registry, host.version), argv, {
      columns: io.stdout.columns(),
      colors: isColored(io.stdout, io),
    });
    if (request.kind === "text") {
      io.stdout.write(request.text);
      const isPage = !["completion", "version", "--version"].includes(argv[0] ?? "");
      if (isPage) tellUnusable(plugins.unusable, toStderr);
      return 0;
    }
    const { command, given } = request;
    const resolved = resolveSettings(command, given, request.operand, io.env);
    const { settings, operand, warnings } = resolved;
    log = openLog(settings, toStderr);
    const { level } = log;
    early.openTo(log.logger);
    await openTrace(observersOf(settings, io, log, progress), log.logger);
    describeRun(command, settings, operand, trace, log.logger);
    if (operand !== "" && command.path[0] !== "plugin") {
      await requirePluginsOutside(operand, plugins.plugins);
      allowModelPath(plugins.grant, settings, operand);
    }
    for (const warning of warnings) log.logger.log("warn", warning);
    const status = await command.run({
      settings,
      given,
      operand,
      io,
      registry,
      plugins,
      run: { ...runOptions(settings, io, host, log, progress), observer: trace, span: trace.span },
      workerUrl: host.workerUrl,
      version: host.version,
      tells: (success) => level !== "silent" && !(success && level === "error"),
    });
    progress.erase();
    return await trace.end(status);
  } catch (error) {
    progress.erase();
    if (log === undefined && asksForDebug(argv, io.env)) {
      // What a plugin wrote before it failed is what one looks for.
      log = openLog({ "log-level": "debug" }, toStderr);
      early.openTo(log.logger);
    }
    if (!trace.isOpen) {
      const { logger } = log ?? openLog({}, toStderr);
      await openTrace(log ? [loggingObserver(logger)] : [], logger);
    }
    return await trace.end(tellFault(error, toStderr, log), error);
  } finally {
    progress.erase();
  }
}

function contextOf({ plugins, version, signal }: Host, io: Io, logger: Logger): PluginContext {
  const folders = userFolders(io.env, process.platform);
  return { builtin: plugins, version, folders, environment: io.env, signal, logger };
}

/** The page is right but for what these would add. */
function tellUnusable(unusable: readonly Unusable[], write: (text: string) => void): void {
  for (const { path, error: { message, hint } } of unusable) {
    write(`model-signing: the page lacks what ${quote(path)} adds: ${printable(message)}\n`);
    if (hint !== undefined) write(`model-signing: hint: ${printable(hint)}\n`);
  }
}

/** Tells programs of the model if the user says so. A model in a registry has no path. */
function allowModelPath(grant: ModelPathGrant, settings: Settings, operand: string): void {
  const allowed = (settings["plugin-allow"] ?? []) as readonly string[];
  if (allowed.includes("model-path") && existsSync(operand)) grant.path = resolve(operand);
}

/** Says what is run, and on what. Of most options only the names: values may be secrets. */
function describeRun(
  { path: [command, method] }: Command,
  settings: Settings,
  operand: string,
  { span }: RunTrace,
  logger: Logger,
): void {
  const attributes = { command, ...(method === undefined ? {} : { method }) };
  const details = operand === "" ? {} : { operand: withoutCredentials(operand) };
  span.set(attributes, details);
  logger.log("debug", "running", {
    ...attributes,
    ...details,
    options: Object.keys(settings).join(","),
    platform: `${process.platform}-${process.arch}`,
  });
}

function observersOf(
  settings: Settings,
  io: Io,
  { level, logger }: Log,
  progress: ProgressLine,
): readonly Observer[] {
  const animated = io.stderr.isTerminal && io.animated && settings["no-progress"] !== true;
  return [
    ...(animated ? [progress] : []),
    ...(level === "debug" ? [loggingObserver(logger)] : []),
  ];
}

function runOptions(
  settings: Settings,
  io: Io,
  host: Host,
  log: Log,
  progress: ProgressLine,
): Omit<Invocation["run"], "observer" | "span"> {
  const timeout = settings["timeout"] as number | undefined;
  return {
    signal: host.signal,
    logger: log.logger,
    interaction: terminalInteraction(io, {
      timeout: timeout ?? ANSWER_TIMEOUT_MS,
      clear: () => progress.erase(),
      tell: (text) => log.tell(text),
    }),
    // Without it, a request to a service has a limit of its own.
    ...(timeout === undefined ? {} : { timeout }),
  };
}
