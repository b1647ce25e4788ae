/** The log that `--log-level`, `--log-format` and `--output-file` ask for. */

import { appendFileSync } from "node:fs";
import {
  choiceSetting,
  jsonLogger,
  type Logger,
  type LogLevel,
  ModelSigningError,
  printable,
  quote,
  type Settings,
  systemReason,
  textLogger,
  textSetting,
} from "../core/mod.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./builtin_options.ts";
import { withoutSecrets } from "./redact.ts";

/** What is logged, how, and where to. */
export type Log = {
  readonly level: LogLevel | "silent";
  readonly format: "text" | "json";
  readonly logger: Logger;
  /** Whether the lines go to a file instead of stderr. */
  readonly toFile: boolean;
  /** Tells the person at stderr something that they must know, whatever the level, as lines are written there. */
  tell(text: string): void;
};

/**
 * Opens the log.
 *
 * @param toStderr writes to stderr
 * @throws {ModelSigningError} `FILE_UNWRITABLE` when the log file cannot be written
 */
export function openLog(settings: Settings, toStderr: (text: string) => void): Log {
  const level = choiceSetting(settings, "log-level", LOG_LEVELS) ?? "info";
  const format = choiceSetting(settings, "log-format", LOG_FORMATS) ?? "text";
  const file = textSetting(settings, "output-file");
  const newLogger = format === "json" ? jsonLogger : textLogger;
  const target = file === undefined ? toStderr : fileWriter(file, (reason, text) => {
    if (reason !== undefined) newLogger({ level: "warn", write: toStderr }).log("warn", reason);
    toStderr(text);
  });
  // What a plugin writes to its stderr is logged as well.
  const write = (text: string) => target(withoutSecrets(text));
  const logger = newLogger({ level, write });
  const told = jsonLogger({ level: "info", write: toStderr });
  const tell = format === "json"
    ? (text: string) => told.log("info", text)
    : (text: string) => toStderr(printableLines(text));
  return { level, format, logger, toFile: file !== undefined, tell };
}

/**
 * Appends to a file.
 *
 * @param instead takes what cannot be written, since a logger must not throw, and with the first of it the reason
 */
function fileWriter(
  file: string,
  instead: (reason: string | undefined, text: string) => void,
): (text: string) => void {
  let told = false;
  try {
    appendFileSync(file, "");
  } catch (cause) {
    throw new ModelSigningError("FILE_UNWRITABLE", problem(file, cause), { cause });
  }
  return (text) => {
    try {
      appendFileSync(file, text);
    } catch (cause) {
      instead(told ? undefined : problem(file, cause), text);
      told = true;
    }
  };
}

/** Each line of a text, printable and ended. */
export function printableLines(text: string): string {
  return text.split("\n").map((line) => `${printable(line)}\n`).join("");
}

function problem(file: string, cause: unknown): string {
  return `cannot write log file ${quote(file)}: ${systemReason(cause)}`;
}
