/** One run of the program: arguments in, exit status out. */

import {
  combineObservers,
  loggingObserver,
  type Observer,
  type Plugin,
  Registry,
  type Settings,
} from "../core/mod.ts";
import type { ExitStatus, Invocation } from "./command.ts";
import { commandsOf } from "./commands.ts";
import type { Io } from "./io.ts";
import { type Log, openLog } from "./log.ts";
import { parseArguments } from "./parser.ts";
import { ProgressLine } from "./progress.ts";
import { terminalInteraction } from "./prompt.ts";
import { tellFault } from "./report/faults.ts";
import { resolveSettings } from "./settings.ts";

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
  try {
    const registry = new Registry(host.plugins);
    const request = parseArguments(commandsOf(registry, host.version), argv, {
      columns: io.stdout.columns(),
      colors: io.stdout.isTerminal && io.colors,
    });
    if (request.kind === "text") {
      io.stdout.write(request.text);
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
    for (const warning of warnings) log.logger.log("warn", warning);
    return await command.run({
      settings,
      operand,
      io,
      registry,
      run: runOptions(settings, io, host, log, progress),
      workerUrl: host.workerUrl,
      version: host.version,
      tells: (success) => level !== "silent" && !(success && level === "error"),
    });
  } catch (error) {
    progress.erase();
    return tellFault(error, toStderr, log);
  } finally {
    progress.erase();
  }
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
