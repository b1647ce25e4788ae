/** Hints that name an option: known to who knows the options, and to no function of the library. */

import { type ErrorCode, type Issue, type IssueCode, ModelSigningError } from "./errors.ts";
import type { Report } from "./report.ts";
import type { Entry, ManifestSource } from "./source.ts";
import type { Check } from "./verifier.ts";

/** What a user can do about findings and faults, by code. One that has a hint keeps it. */
export type Hints = Readonly<Partial<Record<IssueCode | ErrorCode, string>>>;

/** A check, its finding with a hint. */
export function hintedCheck(check: Check, hints: Hints): Check {
  return check.status === "failed" ? { ...check, issue: hintedIssue(check.issue, hints) } : check;
}

/** A report, its findings with hints. */
export function hintedReport(report: Report, hints: Hints): Report {
  const checks = report.checks.map((check) => hintedCheck(check, hints));
  if (report.verdict === "verified") return { ...report, checks };
  const [first, ...others] = report.issues;
  const issues = [
    hintedIssue(first, hints),
    ...others.map((issue) => hintedIssue(issue, hints)),
  ] as const;
  return { ...report, checks, issues };
}

/**
 * A source, its refused entries with hints. Content that is known by its digest only gets that of `ENTRY_UNREADABLE`,
 * which it is to whoever wants another digest.
 */
export function hintedSource(source: ManifestSource, hints: Hints): ManifestSource {
  return {
    ...source,
    async *entries(rules, options) {
      for await (const entry of source.entries(rules, options)) yield hintedEntry(entry, hints);
    },
  };
}

/** Does something, and gives its faults a hint. */
export async function withHints<T>(hints: Hints, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ModelSigningError) || error.hint !== undefined) throw error;
    const { code, message, issues } = error;
    const hint = hints[code];
    if (hint === undefined) throw error;
    throw new ModelSigningError(code, message, { hint, issues, cause: error });
  }
}

function hintedEntry(entry: Entry, hints: Hints): Entry {
  if (entry.kind === "refused") return { ...entry, issue: hintedIssue(entry.issue, hints) };
  const { ENTRY_UNREADABLE: hint } = hints;
  return entry.kind === "digest" && hint !== undefined ? { hint, ...entry } : entry;
}

function hintedIssue(issue: Issue, hints: Hints): Issue {
  const hint = issue.hint ?? hints[issue.code];
  return hint === undefined ? issue : { ...issue, hint };
}
