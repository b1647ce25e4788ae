/** Reports of `verify --format json`, held against their schema. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Schema, Validator } from "@cfworker/json-schema";
import type { Loose } from "./bundles.ts";
import type { Outcome } from "./outcome.ts";

const SCHEMA: Schema = JSON.parse(
  readFileSync(new URL("../../docs/report.schema.json", import.meta.url), "utf8"),
);

/** The report that a run printed, which must be as `docs/report.schema.json` says. */
export function reportOf({ stdout, stderr }: Pick<Outcome, "stdout" | "stderr">): Loose {
  assert.notEqual(stdout, "", stderr);
  const report: Loose = JSON.parse(stdout);
  const { valid, errors } = new Validator(SCHEMA, "2020-12", false).validate(report);
  assert.ok(valid, JSON.stringify(errors));
  return report;
}

/** Codes of the issues of a report, or of one signature in it; empty when it is verified. */
export function codesOf({ issues = [] }: Loose): readonly string[] {
  return issues.map(({ code }: { readonly code: string }) => code);
}
