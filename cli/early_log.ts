/** Log lines of the time before it is known where they go. */

import type { LogFields, Logger, LogLevel, Settings } from "../core/mod.ts";
import { environmentText } from "./option.ts";
import { valuesGiven } from "./words.ts";

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

/** What a command line that is not understood says of the log: whether every line is wanted, and whether as JSON. */
export function earlyLogSettings(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const said = (name: string) => valuesGiven(argv, name).at(-1) ?? variable(name);
  const variable = (name: string) => {
    try {
      return environmentText(environment, { name });
    } catch {
      // It is being told of.
      return "";
    }
  };
  return {
    ...(said("log-level").toLowerCase() === "debug" ? { "log-level": "debug" } : {}),
    ...(said("log-format") === "json" ? { "log-format": "json" } : {}),
  };
}
