/** What a run tells besides its result: log, progress, trace, what went wrong. */

import { loggingObserver, type Observer, type Settings } from "../core/mod.ts";
import type { ExitStatus } from "./command.ts";
import { EarlyLog, earlyLogSettings } from "./early_log.ts";
import type { Io } from "./io.ts";
import { type Log, openLog } from "./log.ts";
import { ProgressLine } from "./progress.ts";
import { tellFault } from "./report/faults.ts";
import { type OpenTraceExport, RunTrace } from "./run_trace.ts";

/** Keeps log lines and spans until it is known who wants them: plugins are loaded before the arguments are understood. */
export class Diagnostics {
  readonly trace: RunTrace;
  readonly progress: ProgressLine;
  /** Takes log lines from the start on. */
  readonly early: EarlyLog = new EarlyLog();
  readonly #io: Io;
  readonly #traceExport: OpenTraceExport | undefined;
  #log: Log | undefined;

  /** Begins the trace. */
  constructor(io: Io, version: string, traceExport?: OpenTraceExport) {
    this.#io = io;
    this.#traceExport = traceExport;
    this.trace = new RunTrace(version);
    this.progress = new ProgressLine(io.stderr);
  }

  /** Writes to stderr, beside the progress line. */
  readonly toStderr = (text: string): void =>
    this.progress.aside(() => this.#io.stderr.write(text));

  /**
   * Opens what the settings ask for.
   *
   * @throws {ModelSigningError} `FILE_UNWRITABLE` when the log file cannot be written
   */
  async open(settings: Settings): Promise<Log> {
    const log = this.#log = openLog(settings, this.toStderr);
    this.early.openTo(log.logger);
    const { stderr, animated } = this.#io;
    const isDrawn = stderr.isTerminal && animated && settings["no-progress"] !== true;
    await this.#openTrace(log, isDrawn ? [this.progress] : []);
    return log;
  }

  /** Ends a run that was carried out. */
  async end(status: ExitStatus): Promise<ExitStatus> {
    this.progress.erase();
    return await this.trace.end(status);
  }

  /** Ends a run that was not, and tells why. */
  async fail(error: unknown, argv: readonly string[]): Promise<ExitStatus> {
    this.progress.erase();
    const log = this.#log ?? await this.#openLate(argv);
    return await this.trace.end(tellFault(error, this.toStderr, log), error);
  }

  /** For a run that failed before its settings were known. */
  async #openLate(argv: readonly string[]): Promise<Log> {
    const log = openLog(earlyLogSettings(argv, this.#io.env), this.toStderr);
    // What a plugin wrote before it failed is what one looks for.
    if (log.level === "debug") this.early.openTo(log.logger);
    await this.#openTrace(log, []);
    return log;
  }

  async #openTrace({ level, logger }: Log, observers: readonly Observer[]): Promise<void> {
    this.trace.openTo(
      [...observers, ...(level === "debug" ? [loggingObserver(logger)] : [])],
      await this.#traceExport?.(this.#io.env, logger),
    );
  }
}
