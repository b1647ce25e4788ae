/** From a bundle and a model to a report (OMS 4). */

import process from "node:process";
import { logChecks, traceReport } from "./_trace.ts";
import type { Bundle } from "./bundle.ts";
import { failedCheck, PIPELINE_CHECKS, skippedCheck } from "./check.ts";
import { compare, type CompareInput, differences, NO_COVERAGE } from "./compare.ts";
import { type Issue, type Parsed, UNDECIDED } from "./errors.ts";
import type { FileDiff } from "./manifest.ts";
import { traced } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import { parseStatement } from "./parse_statement.ts";
import type { Coverage, Report, SignedModel } from "./report.ts";
import type { Statement } from "./statement.ts";
import { counted, quote } from "./text.ts";
import type { Check, Identity, Timestamp, Verifier } from "./verifier.ts";

/** The outcome of verifying a signature, without looking at the model. */
export type VerifiedSignature =
  & { readonly checks: readonly Check[]; readonly timestamps: readonly Timestamp[] }
  & (
    | { readonly ok: true; readonly identity: Identity; readonly statement: Statement }
    | { readonly ok: false; readonly identity?: Identity }
  );

/** What is verified, and by whom. */
export type VerifyInput = CompareInput & {
  /** From `parseBundle` or `readBundleFile`; one that could not be parsed makes a "rejected" report. */
  readonly bundle: Parsed<Bundle>;
  readonly verifier: Verifier;
};

/**
 * Verifies a bundle's signature and then reads its statement. The statement is given only when every check
 * passed: nothing of an unauthenticated payload is used.
 *
 * @throws {ModelSigningError} only what the verifier throws for an outage
 */
export async function verifySignature(
  bundle: Bundle,
  verifier: Verifier,
  options: RunOptions = {},
): Promise<VerifiedSignature> {
  const found = await traced(options, "verify.signature", async (inner) => {
    const found = await verifier.verify(bundle, inner);
    const failed = found.checks.filter(({ status }) => status === "failed").length;
    inner.span.set({
      checks: found.checks.length,
      "checks.failed": failed,
      timestamps: found.timestamps.length,
    });
    return found;
  }, { attributes: { material: bundle.material.kind } });
  const { timestamps, identity } = found;
  const checks = found.checks.filter(({ id }) => !PIPELINE_CHECKS.includes(id));
  const foreign = found.checks.find(({ id }) => PIPELINE_CHECKS.includes(id));
  if (foreign !== undefined) {
    const message = `the verifier gave a check ${quote(foreign.id)}, which is not its own`;
    checks.push(failedCheck("verifier", { code: "SIGNATURE_UNDECIDED", message }));
    return { ok: false, checks, timestamps };
  }
  // A status that a plugin made up counts as failed.
  if (!checks.every(({ status }) => status === "passed" || status === "skipped")) {
    return { ok: false, checks, timestamps };
  }
  const passed = checks.some(({ id, status }) => id === "signature" && status === "passed");
  if (!passed || identity === undefined || found.encoding === undefined) {
    const message = "the verifier did not say who signed, or that the signature holds";
    checks.push(failedCheck("verifier", { code: "SIGNATURE_UNDECIDED", message }));
    return { ok: false, checks, timestamps };
  }
  const windowsNames = process.platform === "win32";
  const statement = await traced(options, "verify.statement", ({ span }) => {
    const result = parseStatement(bundle.envelope.payload, { windowsNames });
    if (result.ok) {
      const { manifest: { name, resources, serialization }, rootDigest } = result.value;
      span.set({
        resources: resources.length,
        "hash.algorithm": serialization.hashType,
        "hash.method": serialization.method,
      }, { model: name, ...(rootDigest === undefined ? {} : { "root.digest": rootDigest }) });
    }
    return Promise.resolve(result);
  });
  const issue = statement.ok ? encodingIssue(statement.value, found.encoding) : statement.issue;
  if (!statement.ok || issue !== undefined) {
    checks.push(failedCheck("statement", issue!));
    return { ok: false, checks, timestamps, identity };
  }
  checks.push({ id: "statement", status: "passed", detail: describeStatement(statement.value) });
  return { ok: true, checks, timestamps, identity, statement: statement.value };
}

/**
 * Verifies a model: signature, statement, files. Never throws for what is in the bundle or the model.
 *
 * @throws {ModelSigningError} for outages only: `MODEL_NOT_FOUND`, `MODEL_UNREADABLE` and what else the source throws,
 * what the hasher and the verifier throw, `ABORTED`
 */
export async function verifyModel(
  input: VerifyInput,
  options: RunOptions = {},
): Promise<Report> {
  return await traced(options, "verify", async (inner) => {
    const report = await reportOn(input, inner);
    logChecks(report.checks, inner);
    traceReport(report, inner.span);
    return report;
  });
}

async function reportOn(
  { bundle, verifier, ...input }: VerifyInput,
  options: RunOptions,
): Promise<Report> {
  if (!bundle.ok) {
    return conclude({
      checks: [
        failedCheck("bundle", bundle.issue),
        skippedCheck("signature"),
        skippedCheck("files"),
      ],
    });
  }
  const parsed: Check = { id: "bundle", status: "passed", detail: "well-formed" };
  const signature = await verifySignature(bundle.value, verifier, options);
  const checks = [parsed, ...signature.checks];
  const { timestamps, identity } = signature;
  if (!signature.ok) {
    const moot = checks.some(({ id }) => id === "statement") ? [] : [skippedCheck("statement")];
    return conclude({ checks: [...checks, ...moot, skippedCheck("files")], timestamps, identity });
  }
  const { statement } = signature;
  const compared = await compare(statement, input, options);
  return conclude({
    checks: [...checks, ...compared.checks],
    files: compared.files,
    issues: compared.issues,
    coverage: compared.coverage,
    timestamps,
    identity,
    statement,
  });
}

/** Draws the verdict: "verified" takes a signer, a model and no failed check. */
function conclude(found: {
  readonly checks: readonly Check[];
  readonly files?: readonly FileDiff[];
  readonly issues?: readonly Issue[];
  readonly coverage?: Coverage;
  readonly timestamps?: readonly Timestamp[];
  readonly identity?: Identity | undefined;
  readonly statement?: Statement;
}): Report {
  const { checks, files = [], coverage = NO_COVERAGE, timestamps = [], identity, statement } =
    found;
  const model = statement && signedModel(statement);
  const base = { checks, files, coverage, timestamps };
  const [first, ...rest] = dedupe([
    ...checks.flatMap((check) => check.status === "failed" ? [check.issue] : []),
    ...differences(files),
    ...(found.issues ?? []),
  ]);
  if (first === undefined && identity !== undefined && statement && model) {
    return { ...base, verdict: "verified", identity, model, manifest: statement.manifest };
  }
  const issues: readonly [Issue, ...Issue[]] = first === undefined
    ? [{ code: "SIGNATURE_UNDECIDED", message: "the verification did not come to an end" }]
    : [first, ...rest];
  return {
    ...base,
    verdict: issues.every(({ code }) => UNDECIDED.has(code)) ? "inconclusive" : "rejected",
    issues,
    ...(identity ? { signedBy: identity } : {}),
    ...(model ? { model } : {}),
  };
}

/** A failed `files` check carries the first of the findings that are listed again in full. */
function dedupe(issues: readonly Issue[]): readonly Issue[] {
  return [...new Map(issues.map((issue) => [`${issue.code} ${issue.path} ${issue.message}`, issue]))
    .values()];
}

/** The defective encoding authenticates only the statements of the tool that made it (OMS 4). */
function encodingIssue(statement: Statement, encoding: "standard" | "legacy"): Issue | undefined {
  if (encoding === "standard" || statement.form === "digests") return undefined;
  return {
    code: "SIGNATURE_ENCODING",
    message:
      "the signature was made over the encoding of the tool 0.2.0, the statement is a later one",
  };
}

function describeStatement(statement: Statement): string {
  const { resources, serialization } = statement.manifest;
  const unit = serialization.method === "files" ? "file" : "shard";
  const root = statement.rootDigest === undefined
    ? "no root digest (the format of the tool 0.2.0)"
    : "the root digest matches";
  return `${counted(resources.length, unit)}, ${serialization.hashType}; ${root}`;
}

function signedModel(statement: Statement): SignedModel {
  const { manifest, rootDigest } = statement;
  return {
    ...(manifest.name === "" ? {} : { name: manifest.name }),
    resources: manifest.resources.length,
    ...(rootDigest === undefined ? {} : { rootDigest }),
    serialization: manifest.serialization,
  };
}
