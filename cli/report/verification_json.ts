/** The outcome of `verify` as JSON; docs/report.schema.json describes it. */

import { type Identity, jsonDocument } from "../../core/mod.ts";
import type { NamedReport } from "./verification_text.ts";

/** Raised when a reader of the version before could misunderstand a report. */
const SCHEMA_VERSION = 1;

/** One JSON object and a newline, with everything that the report holds. */
export function verificationJson(named: NamedReport, version: string): string {
  const { report } = named;
  const { verdict, checks, files, coverage, timestamps, model } = report;
  return jsonDocument({
    schemaVersion: SCHEMA_VERSION,
    tool: { name: "model-signing", version },
    verdict,
    model: { reference: named.model, name: named.name },
    signature: named.signature,
    ...(report.verdict === "verified" ? { identity: identityJson(report.identity) } : {
      issues: report.issues,
      ...(report.signedBy ? { signedBy: identityJson(report.signedBy) } : {}),
    }),
    ...(model ? { signed: model } : {}),
    timestamps,
    checks,
    files,
    coverage,
    ...(named.pulled === undefined ? {} : { pulled: named.pulled }),
    ...(named.others ? { otherSignatures: named.others } : {}),
  });
}

/** In JSON the members tell the kind. */
function identityJson({ kind: _, ...members }: Identity): object {
  return members;
}
