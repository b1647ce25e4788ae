/** The log that `--log-level`, `--log-format` and `--output-file` ask for. */

import { appendFileSync } from "node:fs";
import {
  jsonLogger,
  type Logger,
  type LogLevel,
  ModelSigningError,
  printable,
  quote,
  type Settings,
  systemReason,
  textLogger,
} from "../core/mod.ts";
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
  const level = (settings["log-level"] ?? "info") as Log["level"];
  const format = (settings["log-format"] ?? "text") as Log["format"];
  const file = settings["output-file"] as string | undefined;
  const target = file === undefined ? toStderr : fileWriter(file, toStderr);
  // What a plugin writes to its stderr is logged as well.
  const write = (text: string) => target(withoutSecrets(text));
  const logger = (format === "json" ? jsonLogger : textLogger)({ level, write });
  const told = jsonLogger({ level: "info", write: toStderr });
  const tell = format === "json"
    ? (text: string) => told.log("info", text)
    : (text: string) => toStderr(printableLines(text));
  return { level, format, logger, toFile: file !== undefined, tell };
}

/** Appends to a file. A logger must not throw, so what fails later goes to stderr with its reason. */
function fileWriter(file: string, toStderr: (text: string) => void): (text: string) => void {
  try {
    appendFileSync(file, "");
  } catch (cause) {
    throw new ModelSigningError("FILE_UNWRITABLE", problem(file, cause), { cause });
  }
  return (text) => {
    try {
      appendFileSync(file, text);
    } catch (cause) {
      toStderr(`model-signing: warning: ${problem(file, cause)}\n${text}`);
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
