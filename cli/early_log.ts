/** Log lines of the time before it is known where they go. */

import type { LogFields, Logger, LogLevel } from "../core/mod.ts";

/** Keeps lines until there is a logger to take them. */
export class EarlyLog implements Logger {
  #lines: (readonly [LogLevel, string, LogFields | undefined])[] = [];
  #target: Logger | undefined;

  /** Keeps one line, or passes it on. */
  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (this.#target) this.#target.log(level, message, fields);
    else this.#lines.push([level, message, fields]);
  }

  /** Hands everything to a logger, and from now on each line as it comes. */
  openTo(logger: Logger): void {
    this.#target = logger;
    for (const [level, message, fields] of this.#lines) logger.log(level, message, fields);
    this.#lines = [];
  }
}

/** Whether a command line that could not be parsed asks for every line there is. */
export function asksForDebug(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const line = argv.join(" ").replaceAll("_", "-");
  return /(?:^| )--log-level[ =]debug(?: |$)/i.test(line) ||
    /^debug$/i.test(environment["MODEL_SIGNING_LOG_LEVEL"] ?? "");
}
