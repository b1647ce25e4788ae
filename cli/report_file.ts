/** The file that `--report` names. */

import { rm, stat } from "node:fs/promises";
import {
  checkWritable,
  isObject,
  ModelSigningError,
  parseMember,
  quote,
  type Replaceable,
  systemReason,
} from "../core/mod.ts";
import { usageError } from "./option.ts";
import { PROGRAM } from "./parser.ts";
import { STANDARD_STREAM } from "./signature.ts";
import { valuesGiven, wordsOf } from "./words.ts";

/** What a report may replace. */
const EARLIER_REPORT: Replaceable = {
  kind: "a report",
  is: (content) => {
    const tool = parseMember(content, "tool");
    return isObject(tool) && tool["name"] === PROGRAM &&
      typeof parseMember(content, "verdict") === "string";
  },
  streamHint: "--format json prints the report",
};

/**
 * Removes what an earlier run found, which must not be taken for the outcome of one that fails.
 *
 * @throws {ModelSigningError} `USAGE`, `FILE_UNWRITABLE` when the file is something else than a report
 */
export async function removeReport(path: string): Promise<void> {
  if (path === STANDARD_STREAM) {
    throw usageError(`--report is "-", expected a file`, EARLIER_REPORT.streamHint);
  }
  await checkWritable(path, EARLIER_REPORT);
  await rm(path, { force: true }).catch((cause) => {
    const problem = `cannot replace ${quote(path)}: ${systemReason(cause)}`;
    throw new ModelSigningError("FILE_UNWRITABLE", problem, { cause });
  });
}

/** Removes it after a run of `verify` that failed, perhaps before its arguments were understood. Never throws. */
export async function removeReportAfterFault(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  // The fault that ended the run is the one to tell.
  for (const path of namedReports(argv, environment)) {
    const facts = await stat(path).catch(() => undefined);
    // An empty file tells no outcome, such as one that was made to have the name.
    if (facts !== undefined && facts.size > 0) await removeReport(path).catch(() => {});
  }
}

/** Whatever the arguments may mean. What names a file in JSON is known only once everything is understood. */
function namedReports(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const [command] = wordsOf(argv, { commands: [], families: [], version: "" });
  if (command?.text !== "verify") return [];
  const given = valuesGiven(argv, "report");
  if (given.length > 0) return given;
  // JSON may name another one, which wins over the variable.
  return valuesGiven(argv, "json").length > 0
    ? []
    : [environment["MODEL_SIGNING_REPORT"] ?? ""].filter(Boolean);
}
