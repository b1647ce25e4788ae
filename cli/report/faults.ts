/** Faults, told on stderr and in the log, and the exit status they mean. */

import {
  type Hints,
  type Issue,
  jsonLogger,
  type Logger,
  ModelSigningError,
  printable,
} from "../../core/mod.ts";
import type { ExitStatus } from "../command.ts";
import type { Log } from "../log.ts";
import { withoutSecrets } from "../redact.ts";
import { SHOWN } from "./page.ts";

const STDERR = "--log-level debug shows what a program wrote on stderr";

/** Of options that every command has, and of commands that there always are. */
const HINTS: Hints = {
  NETWORK_TIMEOUT: "raise the limit with --timeout",
  PLUGIN_CRASHED: STDERR,
  PLUGIN_FAILED: "if this is a fault of the plugin, --log-level debug shows where",
  PLUGIN_FLOODED: STDERR,
  PLUGIN_MALFORMED:
    "docs/plugins.md says what a plugin gives; model-signing plugin check tells more",
  PLUGIN_PROTOCOL: "--log-level debug shows what the program wrote",
  PLUGIN_RESULT: "this is a fault of the plugin: model-signing plugin check tells more",
  PLUGIN_TIMEOUT: `--timeout sets the limit of a step, but not of loading; ${STDERR}`,
  PLUGIN_UNLOADABLE: "--log-level debug shows where it failed",
};

/** Errors below an error that are shown at debug level. */
const MAX_CAUSES = 10;

/**
 * Tells a thrown error and gives the exit status for it.
 *
 * @param write writes to stderr
 * @param log how to tell it
 */
export function tellFault(
  error: unknown,
  write: (text: string) => void,
  log: Log,
): ExitStatus {
  const fault = asFault(error);
  if (log.toFile) logFault(fault, log.logger);
  if (log.format === "json") logFault(fault, jsonLogger({ level: log.level, write }));
  else if (log.level !== "silent") {
    write(faultText(fault));
    if (log.level === "debug") write(stackText(error));
  }
  return fault.code.startsWith("USAGE") ? 2 : 3;
}

type Fault = Pick<ModelSigningError, "message" | "hint" | "issues"> & { readonly code: string };

/** The fault, without secrets: one that was given in the wrong place would be quoted from there. */
function asFault(error: unknown): Fault {
  const { message, code, hint, issues } = faultOf(error);
  return {
    code,
    message: withoutSecrets(message),
    hint: hint === undefined ? undefined : withoutSecrets(hint),
    issues: issues.map((issue) => ({ ...issue, message: withoutSecrets(issue.message) })),
  };
}

/** What the user can do about an error. */
export function hintOf(
  { code, hint }: Pick<ModelSigningError, "code" | "hint">,
): string | undefined {
  return hint ?? HINTS[code];
}

function faultOf(error: unknown): Fault {
  if (error instanceof ModelSigningError) {
    const { code, message, cause, issues } = error;
    // The reason of an abort tells more than that there was one.
    const told = code === "ABORTED" && typeof cause === "string" ? cause : message;
    return { code, message: told, hint: hintOf(error), issues };
  }
  return {
    code: "INTERNAL",
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    hint: "this is a fault of the program itself; --log-level debug shows where",
    issues: [],
  };
}

function faultText({ message, code, hint, issues }: Fault): string {
  const lines = [`model-signing: error: ${printable(message)} [${code}]`];
  for (const issue of issues.slice(0, SHOWN)) lines.push(`  ${issueText(issue)}`);
  if (issues.length > SHOWN) lines.push(`  ... and ${issues.length - SHOWN} more`);
  if (hint !== undefined) lines.push(`model-signing: hint: ${printable(hint)}`);
  return `${lines.join("\n")}\n`;
}

/** `message [CODE]`, printable. */
export function issueText(issue: Issue): string {
  return `${printable(issue.message)} [${issue.code}]`;
}

function logFault({ message, code, hint, issues }: Fault, logger: Logger): void {
  logger.log("error", message, { code, hint });
  for (const issue of issues) {
    logger.log("error", issue.message, { code: issue.code, path: issue.path, hint: issue.hint });
  }
}

function stackText(error: unknown): string {
  const stacks: string[] = [];
  // A plugin can make an error that is its own cause.
  for (let at = error; at instanceof Error && stacks.length < MAX_CAUSES; at = at.cause) {
    stacks.push(at.stack ?? at.message);
  }
  return stacks.flatMap((stack) => stack.split("\n"))
    .map((line) => `model-signing: debug: ${printable(withoutSecrets(line))}\n`)
    .join("");
}
