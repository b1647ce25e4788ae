/** Making {@link Check}s. */

import type { Issue } from "./errors.ts";
import type { Check } from "./verifier.ts";

/** Ids of the checks that the pipeline makes itself: no verifier speaks for it. */
export const PIPELINE_CHECKS: readonly string[] = [
  "bundle",
  "verifier",
  "statement",
  "symlinks",
  "annotations",
  "ignore-paths",
  "files",
];

/** A check that found nothing wrong. */
export function passedCheck(id: string, detail: string): Check {
  return { id, status: "passed", detail };
}

/** A check that found something wrong; the finding says what. */
export function failedCheck(id: string, issue: Issue): Check {
  return { id, status: "failed", detail: issue.message, issue };
}

/** A check that did not apply, or that an earlier one made moot. */
export function skippedCheck(id: string, detail = "an earlier check failed"): Check {
  return { id, status: "skipped", detail };
}
