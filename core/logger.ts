/** Log lines: an interface that callers can replace, and two writers. */

import type { Attributes, Observer } from "./observer.ts";
import { Secret } from "./secret.ts";
import { printable, printableJson } from "./text.ts";

/** From chatty to quiet. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Values of a log line. Secrets may be handed in: they are written as `[redacted]`. */
export type LogFields = Readonly<Record<string, string | number | boolean | Secret | undefined>>;

/** Receives log lines. It must not throw. */
export interface Logger {
  /** Takes one line, whatever its level: a logger decides itself what it leaves out. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** How a logger is made. */
export type LoggerOptions = {
  /** Writes one line, which ends with a newline. */
  readonly write: (line: string) => void;
  /** Lines below this level are dropped; `silent` drops all. */
  readonly level: LogLevel | "silent";
};

const ORDER: Readonly<Record<LogLevel | "silent", number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

/**
 * Lines for people: `model-signing: warning: message key=value`. Control, escape and bidirectional
 * characters are escaped.
 */
export function textLogger(options: LoggerOptions): Logger {
  const label = { debug: "debug: ", info: "", warn: "warning: ", error: "error: " };
  return {
    log(level, message, fields = {}) {
      if (ORDER[level] < ORDER[options.level]) return;
      const values = Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => ` ${key}=${quoted(String(value))}`);
      options.write(`model-signing: ${label[level]}${printable(message)}${values.join("")}\n`);
    },
  };
}

/** One JSON object a line: `time` (ISO 8601), `level`, `message` and the fields. */
export function jsonLogger(options: LoggerOptions): Logger {
  return {
    log(level, message, fields = {}) {
      if (ORDER[level] < ORDER[options.level]) return;
      const own = { time: new Date().toISOString(), level, message };
      // `own` again: no field takes its place.
      const line = JSON.stringify({ ...own, ...fields, ...own });
      options.write(`${printableJson(line)}\n`);
    },
  };
}

/**
 * Tells each span's end to a logger at debug level: how long the step took (`ms`), what is known of it, details
 * included, and the code of the error that ended it (`error.type`).
 */
export function loggingObserver(logger: Logger): Observer {
  const starts = new Map<number, { readonly time: number; readonly facts: Attributes }>();
  return {
    emit(event) {
      if (event.kind === "progress") return;
      const { span, name, time, attributes, details } = event;
      const facts = { ...attributes, ...details };
      if (event.kind === "span-start") {
        starts.set(span, { time, facts });
        return;
      }
      const start = starts.get(span);
      starts.delete(span);
      logger.log("debug", `${name} ${event.error === undefined ? "done" : "failed"}`, {
        ms: Math.round((time - (start?.time ?? time)) * 1000) / 1000,
        ...start?.facts,
        ...facts,
        "error.type": event.error,
      });
    },
  };
}

function quoted(value: string): string {
  const shown = printable(value);
  return /[\s"=]/.test(shown) || shown === "" ? JSON.stringify(shown) : shown;
}
