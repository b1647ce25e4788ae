/** From a bundle and a model to a report (OMS 4). */

import process from "node:process";
import type { Bundle } from "./bundle.ts";
import { Comparison, type FileDiff } from "./manifest.ts";
import { type Issue, type Parsed, UNDECIDED } from "./errors.ts";
import type { HasherFactory, HashSettings } from "./hasher.ts";
import { collect } from "./hash.ts";
import { type Span, traced } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import { parseStatement } from "./parse_statement.ts";
import { ancestors, compareCodePoints } from "./path.ts";
import { GIT_PATHS, PathFilter } from "./path_filter.ts";
import type { Coverage, Report, SignedModel } from "./report.ts";
import { parseShardName } from "./shard.ts";
import type { EnumerationRules, ManifestSource } from "./source.ts";
import type { Statement } from "./statement.ts";
import { quote } from "./text.ts";
import type { Check, Identity, Timestamp, Verifier } from "./verifier.ts";

/** The outcome of verifying a signature, without looking at the model. */
export type VerifiedSignature =
  & { readonly checks: readonly Check[]; readonly timestamps: readonly Timestamp[] }
  & (
    | { readonly ok: true; readonly identity: Identity; readonly statement: Statement }
    | { readonly ok: false; readonly identity?: Identity }
  );

/** How a model is compared with a statement. */
export type CompareInput = {
  readonly source: ManifestSource;
  readonly hasher: HasherFactory;
  /** Also leave out the git paths at the top, unless they are signed. Default: true. */
  readonly ignoreGitPaths?: boolean;
  /** Unset: as the signature says. False: refuse a signature that followed symbolic links. */
  readonly allowSymlinks?: boolean;
  /** Forgive files that are not signed; only the signed ones are read. Default: false. */
  readonly ignoreUnsignedFiles?: boolean;
};

/** The outcome of comparing a model with a statement. */
export type ModelComparison = {
  readonly checks: readonly Check[];
  readonly files: readonly FileDiff[];
  readonly issues: readonly Issue[];
  readonly coverage: Coverage;
};

/** What is verified, and by whom. */
export type VerifyInput = CompareInput & {
  /** From `parseBundle` or `readBundleFile`; one that could not be parsed makes a "rejected" report. */
  readonly bundle: Parsed<Bundle>;
  readonly verifier: Verifier;
};

const NO_COVERAGE: Coverage = { files: 0, bytes: 0, ignored: [], uncovered: [] };

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
  parent?: Span,
): Promise<VerifiedSignature> {
  const found = await traced(
    options.observer,
    "verify.signature",
    parent,
    () => verifier.verify(bundle, options),
  );
  const { timestamps, identity } = found;
  const checks = [...found.checks];
  if (checks.some(({ status }) => status === "failed")) {
    return { ok: false, checks, timestamps };
  }
  const passed = checks.some(({ id, status }) => id === "signature" && status === "passed");
  if (!passed || identity === undefined || found.encoding === undefined) {
    const message = "the verifier did not say who signed, or that the signature holds";
    checks.push(failed("identity", { code: "SIGNATURE_UNDECIDED", message }));
    return { ok: false, checks, timestamps };
  }
  const windowsNames = process.platform === "win32";
  const statement = await traced(options.observer, "verify.statement", parent, (span) => {
    const result = parseStatement(bundle.envelope.payload, { windowsNames });
    if (result.ok) span.set({ resources: result.value.manifest.resources.length });
    return Promise.resolve(result);
  });
  const issue = statement.ok ? encodingIssue(statement.value, found.encoding) : statement.issue;
  if (!statement.ok || issue !== undefined) {
    checks.push(failed("statement", issue!));
    return { ok: false, checks, timestamps, identity };
  }
  checks.push({ id: "statement", status: "passed", detail: describeStatement(statement.value) });
  return { ok: true, checks, timestamps, identity, statement: statement.value };
}

/**
 * Enumerates and hashes a model the way the statement records it, and compares.
 *
 * @throws {ModelSigningError} what the source and the hasher throw
 */
export async function compare(
  statement: Statement,
  input: CompareInput,
  options: RunOptions = {},
  parent?: Span,
): Promise<ModelComparison> {
  const { source } = input;
  const { serialization } = statement.manifest;
  const checks: Check[] = [];
  if (serialization.allowSymlinks && input.allowSymlinks === false) {
    const message =
      "the signature was made over followed symbolic links, which --no-allow-symlinks refuses";
    checks.push(
      failed("symlinks", { code: "SYMLINKS_REFUSED", message }),
      skipped("files", "the model was not read"),
    );
    return { checks, files: [], issues: [], coverage: NO_COVERAGE };
  }
  const resources = namedAsFound(statement, source);
  const listed = new Set(resources.map(({ name }) => filePath(name, serialization.method)));
  checks.push(...checkIgnored(source.ignorePaths, listed));

  const rules: EnumerationRules = {
    filter: new PathFilter({
      ignorePaths: [
        ...serialization.ignorePaths,
        ...(input.ignoreGitPaths ?? true ? GIT_PATHS : []),
        ...source.ignorePaths,
      ],
      listed,
      onlyListed: input.ignoreUnsignedFiles ?? false,
    }),
    allowSymlinks: serialization.allowSymlinks,
    windowsNames: process.platform === "win32",
  };
  const settings: HashSettings = {
    algorithm: serialization.hashType,
    allowSymlinks: serialization.allowSymlinks,
    ...(serialization.method === "shards" ? { shardSize: serialization.shardSize } : {}),
  };
  const comparison = new Comparison(resources);
  const pass = { source, hasher: input.hasher, rules, settings, parent };
  const { issues, coverage } = await collect(
    pass,
    options,
    (resource) => comparison.add(resource),
    false,
  );
  const files = await traced(options.observer, "compare", parent, (span) => {
    const refused = new Set(issues.map(({ path }) => path));
    const diffs = comparison.finish((name) => {
      const path = filePath(name, serialization.method);
      return refused.has(path) || [...ancestors(path)].some((ancestor) => refused.has(ancestor));
    });
    span.set({ resources: resources.length, differences: diffs.length });
    return Promise.resolve(diffs);
  });
  checks.push(checkFiles(files, issues, coverage, input.ignoreUnsignedFiles ?? false));
  return { checks, files, issues, coverage };
}

/**
 * Verifies a model: signature, statement, files. Never throws for what is in the bundle or the model.
 *
 * @throws {ModelSigningError} for outages: a model that cannot be found, an aborted run
 */
export async function verifyModel(
  input: VerifyInput,
  options: RunOptions = {},
): Promise<Report> {
  return await traced(options.observer, "verify", undefined, async (span) => {
    const report = await verifyInSpan(input, options, span);
    span.set({ verdict: report.verdict });
    return report;
  });
}

async function verifyInSpan(
  { bundle, verifier, ...input }: VerifyInput,
  options: RunOptions,
  span: Span,
): Promise<Report> {
  if (!bundle.ok) {
    return conclude({
      checks: [failed("bundle", bundle.issue), skipped("signature"), skipped("files")],
    });
  }
  const parsed: Check = { id: "bundle", status: "passed", detail: "well-formed" };
  const signature = await verifySignature(bundle.value, verifier, options, span);
  const checks = [parsed, ...signature.checks];
  const { timestamps, identity } = signature;
  if (!signature.ok) {
    const moot = checks.some(({ id }) => id === "statement") ? [] : [skipped("statement")];
    return conclude({ checks: [...checks, ...moot, skipped("files")], timestamps, identity });
  }
  const { statement } = signature;
  const compared = await compare(statement, input, options, span);
  return conclude({
    checks: [...checks, ...compared.checks],
    files: compared.files,
    issues: compared.issues,
    coverage: compared.coverage,
    timestamps,
    identity,
    model: signedModel(statement),
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
  readonly model?: SignedModel;
}): Report {
  const { checks, files = [], coverage = NO_COVERAGE, timestamps = [], identity, model } = found;
  const base = { checks, files, coverage, timestamps };
  const [first, ...rest] = dedupe([
    ...checks.flatMap((check) => check.status === "failed" ? [check.issue] : []),
    ...differences(files),
    ...(found.issues ?? []),
  ]);
  if (first === undefined && identity !== undefined && model !== undefined) {
    return { ...base, verdict: "verified", identity, model };
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

/** One issue for each kind of difference; the report lists the files themselves. */
function differences(files: readonly FileDiff[]): readonly Issue[] {
  const kinds = [
    ["missing", "FILE_MISSING", "is missing", "are missing"],
    ["modified", "FILE_MODIFIED", "was modified", "were modified"],
    ["unsigned", "FILE_UNSIGNED", "is not signed", "are not signed"],
  ] as const;
  return kinds.flatMap(([kind, code, one, many]): readonly Issue[] => {
    const found = files.filter((diff) => diff.kind === kind);
    const [first, second] = found;
    if (!first) return [];
    if (!second) return [{ code, message: `${quote(first.name)} ${one}`, path: first.name }];
    return [{ code, message: `${found.length} files ${many}` }];
  });
}

function checkFiles(
  files: readonly FileDiff[],
  issues: readonly Issue[],
  coverage: Coverage,
  ignoredUnsigned: boolean,
): Check {
  const all = [...differences(files), ...issues];
  const worst = all.find(({ code }) => !UNDECIDED.has(code)) ?? all[0];
  if (worst !== undefined) return failed("files", worst);
  const unsigned = ignoredUnsigned
    ? "files that are not signed were not looked at"
    : "no others found";
  return {
    id: "files",
    status: "passed",
    detail: `${coverage.files} match what was signed; ${unsigned}`,
  };
}

/** Exclusions of the user's own must not hide what is signed (OMS 4). */
function checkIgnored(
  ignorePaths: readonly string[],
  listed: ReadonlySet<string>,
): readonly Check[] {
  if (ignorePaths.length === 0) return [];
  const ignored = new Set(ignorePaths);
  const covered = [...listed].filter((path) =>
    ignored.has(path) || [...ancestors(path)].some((ancestor) => ignored.has(ancestor))
  ).sort(compareCodePoints);
  const [first] = covered;
  if (first === undefined) {
    return [{
      id: "ignore-paths",
      status: "passed",
      detail: "the ignored paths cover no signed file",
    }];
  }
  const others = covered.length > 1 ? ` and ${covered.length - 1} others` : "";
  return [failed("ignore-paths", {
    code: "IGNORED_PATH_SIGNED",
    message: `an ignored path covers the signed file ${quote(first)}${others}`,
    path: first,
    hint: "signed files cannot be ignored; leave the path out, or sign the model without the file",
  })];
}

/** Before 1.1 a model of one file was listed as ".", whatever it was called (OMS 4). */
function namedAsFound(
  statement: Statement,
  source: ManifestSource,
): Statement["manifest"]["resources"] {
  const { resources, serialization } = statement.manifest;
  if (!source.singleFile || filePath(resources[0]!.name, serialization.method) !== ".") {
    return resources;
  }
  return resources.map((resource) => ({
    ...resource,
    name: `${source.name}${resource.name.slice(1)}`,
  }));
}

function filePath(name: string, method: "files" | "shards"): string {
  return method === "files" ? name : parseShardName(name)?.path ?? name;
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
  const unit = serialization.method === "files" ? "files" : "shards";
  const root = statement.rootDigest === undefined
    ? "no root digest (the format of the tool 0.2.0)"
    : "the root digest matches";
  return `${resources.length} ${unit}, ${serialization.hashType}; ${root}`;
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

function failed(id: string, issue: Issue): Check {
  return { id, status: "failed", detail: issue.message, issue };
}

function skipped(id: string, detail = "an earlier check failed"): Check {
  return { id, status: "skipped", detail };
}
