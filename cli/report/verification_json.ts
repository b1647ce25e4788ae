/** The outcome of `verify` as JSON; docs/report.schema.json describes it. */

import { printableJson } from "../../core/mod.ts";
import type { NamedReport } from "./verification_text.ts";

/** Raised when a reader of the version before could misunderstand a report. */
const SCHEMA_VERSION = 1;

/** One JSON object and a newline, with everything that the report holds. */
export function verificationJson(named: NamedReport, version: string): string {
  const { report } = named;
  const { verdict, checks, files, coverage, timestamps, model } = report;
  const json = JSON.stringify(
    {
      schemaVersion: SCHEMA_VERSION,
      tool: { name: "model-signing", version },
      verdict,
      model: { reference: named.model, name: named.name },
      signature: named.signature,
      ...(report.verdict === "verified"
        ? { identity: report.identity }
        : { issues: report.issues, ...(report.signedBy ? { signedBy: report.signedBy } : {}) }),
      ...(model ? { signed: model } : {}),
      timestamps,
      checks,
      files,
      coverage,
      ...(named.pulled === undefined ? {} : { pulled: named.pulled }),
      ...(named.others ? { otherSignatures: named.others } : {}),
    },
    null,
    2,
  );
  return `${printableJson(json)}\n`;
}
