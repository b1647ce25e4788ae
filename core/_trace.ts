/** What spans and debug lines say of checks and reports. */

import type { KeyObject } from "node:crypto";
import { keyAlgorithm } from "./keys.ts";
import type { Span } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import type { Report } from "./report.ts";
import type { Check, Identity } from "./verifier.ts";

/** One debug line for each check, in their order. */
export function logChecks(checks: readonly Check[], { logger }: RunOptions): void {
  for (const check of checks) {
    const { id, status, detail } = check;
    logger?.log("debug", `check ${status}`, {
      check: id,
      detail,
      "error.type": check.status === "failed" ? check.issue.code : undefined,
    });
  }
}

/** Tells a span the verdict and what led to it. A rejection is an outcome of the step, not its failure. */
export function traceReport(report: Report, span: Span): void {
  const { verdict, timestamps } = report;
  const issues = verdict === "verified" ? [] : report.issues;
  const codes = new Set(issues.map(({ code }) => code));
  const identity = verdict === "verified" ? report.identity : report.signedBy;
  span.set({
    verdict,
    issues: issues.length,
    ...(codes.size > 0 ? { "issue.codes": [...codes].join(",") } : {}),
    timestamps: timestamps.length,
  }, identity ? { identity: identityText(identity) } : {});
}

/** `EC P-256`, or the type of a key that is none of ours. */
export function keyText(key: KeyObject): string {
  const found = keyAlgorithm(key);
  return "algorithm" in found ? found.algorithm.name : found.refused;
}

function identityText(identity: Identity): string {
  switch (identity.kind) {
    case "key":
      return identity.keyHint;
    case "certificate": {
      const { subject, subjectAlternativeNames } = identity.certificate;
      return [subject, ...subjectAlternativeNames].filter((name) => name !== "").join(", ");
    }
    case "named":
      return identity.name;
  }
}
