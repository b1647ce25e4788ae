/** One run of the program: arguments in, exit status out. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import {
  listSetting,
  type Logger,
  numberSetting,
  type Plugin,
  printable,
  quote,
  type Settings,
  type Span,
  userFolders,
} from "../core/mod.ts";
import type { Command, ExitStatus, Invocation } from "./command.ts";
import { commandsOf } from "./commands.ts";
import { Diagnostics } from "./diagnostics.ts";
import { type Io, isColored } from "./io.ts";
import type { Log } from "./log.ts";
import { requireLogApart } from "./log_place.ts";
import { parseArguments, type Request } from "./parser.ts";
import { pluginArguments } from "./plugin_arguments.ts";
import {
  builtinSet,
  openPlugins,
  type PluginContext,
  type PluginSet,
  requirePluginsOutside,
  type Unusable,
} from "./plugin_set.ts";
import { terminalInteraction } from "./prompt.ts";
import { withoutCredentials } from "./redact.ts";
import { hintOf } from "./report/faults.ts";
import { removeReportAfterFault } from "./report_file.ts";
import type { OpenTraceExport } from "./run_trace.ts";
import { resolveSettings } from "./settings.ts";
import { requireUtf8 } from "./words.ts";

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

/** A run and what it works with. */
type Session = { readonly io: Io; readonly host: Host; readonly diagnostics: Diagnostics };

/** What the arguments ask for, and the plugins that they name. */
type Understood = { readonly plugins: PluginSet; readonly request: Request };

/** Runs one command. Faults are told, never thrown. */
export async function run(argv: readonly string[], io: Io, host: Host): Promise<ExitStatus> {
  const diagnostics = new Diagnostics(io, host.version, host.traceExport);
  const session: Session = { io, host, diagnostics };
  try {
    requireUtf8(argv);
    const { plugins, request } = await understand(argv, session);
    if (request.kind === "run") {
      return await diagnostics.end(await execute(request, plugins, session));
    }
    io.stdout.write(request.text);
    if (isPage(argv)) tellUnusable(plugins.unusable, diagnostics.toStderr);
    return await diagnostics.end(0);
  } catch (error) {
    await removeReportAfterFault(argv, io.env);
    return await diagnostics.fail(error, argv);
  }
}

/** In two phases: what the plugins add has to be known before the arguments can be understood. */
async function understand(
  argv: readonly string[],
  { io, host, diagnostics }: Session,
): Promise<Understood> {
  const context = contextOf(host, io, diagnostics.early);
  const plugins = await openPlugins(pluginArguments(argv, builtinSet(context).offer), context);
  const request = parseArguments(commandsOf(plugins.registry, host.version), argv, {
    columns: io.stdout.columns(),
    colors: isColored(io.stdout, io),
  });
  return { plugins, request };
}

async function execute(
  { command, given, operand: named }: Extract<Request, { kind: "run" }>,
  plugins: PluginSet,
  session: Session,
): Promise<ExitStatus> {
  const { io, host, diagnostics } = session;
  const { settings, operand, warnings } = await resolveSettings(
    command,
    given,
    named,
    io.env,
    host.signal,
  );
  await requireLogApart(command, settings, operand);
  const log = await diagnostics.open(settings);
  describeRun(command, settings, operand, diagnostics.trace.span, log.logger);
  if (operand !== "" && command.path[0] !== "plugin") {
    await requirePluginsOutside(operand, plugins.plugins);
    if (allowsModelPath(settings, operand)) plugins.tellModelPath(resolve(operand));
  }
  for (const warning of warnings) log.logger.log("warn", warning);
  return await command.run({
    settings,
    given,
    operand,
    io,
    registry: plugins.registry,
    plugins,
    run: runOptions(settings, log, session),
    workerUrl: host.workerUrl,
    version: host.version,
    tells: (success) => log.level !== "silent" && !(success && log.level === "error"),
  });
}

function contextOf({ plugins, version, signal }: Host, io: Io, logger: Logger): PluginContext {
  const folders = userFolders(io.env);
  return { builtin: plugins, version, folders, environment: io.env, signal, logger };
}

/** Whether what was printed is a page of help: no plugin adds to the version, and a completion is read by a shell. */
function isPage([first = ""]: readonly string[]): boolean {
  return !["completion", "version", "--version"].includes(first);
}

/** The page is right but for what these would add. */
function tellUnusable(unusable: readonly Unusable[], write: (text: string) => void): void {
  for (const { path, error } of unusable) {
    const hint = hintOf(error);
    write(`model-signing: the page lacks what ${quote(path)} adds: ${printable(error.message)}\n`);
    if (hint !== undefined) write(`model-signing: hint: ${printable(hint)}\n`);
  }
}

/** Whether programs may be told of the model: if the user says so. A model in a registry has no path. */
function allowsModelPath(settings: Settings, operand: string): boolean {
  return listSetting(settings, "plugin-allow").includes("model-path") && existsSync(operand);
}

/** Says what is run, and on what. Of most options only the names: values may be secrets. */
function describeRun(
  { path: [command, method] }: Command,
  settings: Settings,
  operand: string,
  span: Span,
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

function runOptions(
  settings: Settings,
  log: Log,
  { io, host, diagnostics: { trace, progress } }: Session,
): Invocation["run"] {
  const timeout = numberSetting(settings, "timeout");
  return {
    signal: host.signal,
    observer: trace,
    span: trace.span,
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
