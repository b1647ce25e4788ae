/** From a statement and a model to their differences (OMS 4, steps 4 and 5). */

import process from "node:process";
import { failedCheck, skippedCheck } from "./check.ts";
import { type Issue, UNDECIDED } from "./errors.ts";
import { collect, gitPaths, type Pass } from "./hash.ts";
import type { HasherFactory, Resource } from "./hasher.ts";
import {
  Comparison,
  type FileDiff,
  resourcePath,
  type Serialization,
  signedPaths,
} from "./manifest.ts";
import { traced } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import { compareCodePoints, isAtOrBelowAny } from "./path.ts";
import { PathFilter } from "./path_filter.ts";
import type { Coverage } from "./report.ts";
import type { ManifestSource, ResourceRole } from "./source.ts";
import type { Statement } from "./statement.ts";
import { counted, excerpt, printable, quote } from "./text.ts";
import type { Check } from "./verifier.ts";

/** How a model is compared with a statement. */
export type CompareInput = {
  readonly source: ManifestSource;
  readonly hasher: HasherFactory;
  /** Also leave out the git paths at the top, unless they are signed. Default: what the source says. */
  readonly ignoreGitPaths?: boolean;
  /** Unset: as the signature says. False: refuse a signature that followed symbolic links. */
  readonly allowSymlinks?: boolean;
  /** Forgive files that are not signed; only the signed ones are read. Default: false. */
  readonly ignoreUnsignedFiles?: boolean;
  /** Which resources of a statement need not be files of the model, by name. Default: none. */
  readonly roles?: (statement: Statement) => ReadonlyMap<string, ResourceRole>;
  /**
   * Refuse a signature that does not bind all that the source says of the model (`annotations`), such as a manifest's
   * digest; with a hint for whoever is refused. For a source that was chosen by what a file holds: nobody vouches for
   * that, and a file that lists the digests of what was signed would otherwise pass for it. Default: what the signature
   * binds must agree, and need not be all.
   */
  readonly mustBind?: { readonly hint?: string };
  /**
   * Do not read the model for a signature that binds something else than what the source says of it. For those who try
   * many signatures, which anybody may have copied there: which files differ does not matter then. Default: false.
   */
  readonly onlyIfBound?: boolean;
};

/** The outcome of comparing a model with a statement. */
export type ModelComparison = {
  readonly checks: readonly Check[];
  readonly files: readonly FileDiff[];
  readonly issues: readonly Issue[];
  readonly coverage: Coverage;
};

/** The coverage of a model that was not read. */
export const NO_COVERAGE: Coverage = { files: 0, bytes: 0, ignored: [], uncovered: [] };

/**
 * Enumerates and hashes a model the way the statement records it, and compares.
 *
 * @throws {ModelSigningError} what the source and the hasher throw
 */
export async function compare(
  statement: Statement,
  input: CompareInput,
  options: RunOptions = {},
): Promise<ModelComparison> {
  const { serialization, annotations = {} } = statement.manifest;
  const { source } = input;
  const { annotations: actual = {} } = source;
  if (serialization.allowSymlinks && input.allowSymlinks === false) return refusedSymlinks();
  const unbound = input.mustBind && boundIssue(annotations, actual, input.mustBind.hint);
  if (unbound) return unread("annotations", unbound);
  const bound = checkAnnotations(annotations, actual);
  const [other] = bound.flatMap((check) => check.status === "failed" ? [check.issue] : []);
  if (other && input.onlyIfBound) return unread("annotations", other);
  const { method } = serialization;
  const resources = namedAsFound(statement, source);
  const listed = signedPaths({ resources, serialization });
  const comparison = new Comparison(resources);
  const pass = passOver(serialization, listed, input);
  const found = await collect(pass, options, (resource) => comparison.add(resource), false);
  const refused = new Set(found.issues.flatMap(({ path }) => path ?? []));
  const explained = (name: string) => isAtOrBelowAny(resourcePath(name, method), refused);
  const diffs = await tracedDiffs(comparison, explained, resources.length, options);
  const roles = input.roles?.(statement) ?? new Map();
  const uncovered = new Set(found.coverage.uncovered);
  const { files, absent, undecided } = byRole({ resources, diffs, roles, method, uncovered });
  const issues = [...found.issues, ...undecided];
  const coverage = { ...found.coverage, ...(absent.length > 0 ? { absent } : {}) };
  const checks = [
    ...bound,
    ...checkIgnored(source.ignorePaths, listed),
    checkFiles(files, issues, coverage, input.ignoreUnsignedFiles ?? false),
  ];
  return { checks, files, issues, coverage };
}

function refusedSymlinks(): ModelComparison {
  const message = "the signature was made over followed symbolic links, which are refused";
  return unread("symlinks", { code: "SYMLINKS_REFUSED", message });
}

/** What needs no look at the model. */
function unread(id: string, issue: Issue): ModelComparison {
  const checks = [failedCheck(id, issue), skippedCheck("files", "the model was not read")];
  return { checks, files: [], issues: [], coverage: NO_COVERAGE };
}

/** Reads the model as the signature records it, less what the user ignores. */
function passOver(
  serialization: Serialization,
  listed: ReadonlySet<string>,
  input: CompareInput,
): Pass {
  const { source, hasher, ignoreUnsignedFiles = false } = input;
  const { hashType: algorithm, allowSymlinks } = serialization;
  const ignorePaths = [
    ...serialization.ignorePaths,
    ...gitPaths(input),
    ...source.ignorePaths,
  ];
  return {
    source,
    hasher,
    rules: {
      filter: new PathFilter({ ignorePaths, listed, onlyListed: ignoreUnsignedFiles }),
      allowSymlinks,
      windowsNames: process.platform === "win32",
    },
    settings: {
      algorithm,
      allowSymlinks,
      ...(serialization.method === "shards" ? { shardSize: serialization.shardSize } : {}),
    },
  };
}

/** The differences, as a step of its own. */
async function tracedDiffs(
  comparison: Comparison,
  explained: (name: string) => boolean,
  resources: number,
  options: RunOptions,
): Promise<readonly FileDiff[]> {
  return await traced(options, "compare", ({ span }) => {
    const diffs = comparison.finish(explained);
    const count = (kind: FileDiff["kind"]) => diffs.filter((diff) => diff.kind === kind).length;
    span.set({
      resources,
      missing: count("missing"),
      modified: count("modified"),
      unsigned: count("unsigned"),
    });
    return Promise.resolve(diffs);
  });
}

/**
 * Takes those differences out that are none: what describes the model is missing where it is a folder, and an
 * archive may have been unpacked. What files came out of one cannot be told, so files without a signature of their
 * own are then undecided, too. Only whole files are forgiven: one of which there is a shard, or which is there and
 * empty, is a part of the model.
 */
function byRole({ resources, diffs, roles, method, uncovered }: {
  readonly resources: readonly Resource[];
  readonly diffs: readonly FileDiff[];
  readonly roles: ReadonlyMap<string, ResourceRole>;
  readonly method: Serialization["method"];
  /** Files that are there without a shard. */
  readonly uncovered: ReadonlySet<string>;
}): {
  readonly files: readonly FileDiff[];
  readonly absent: readonly string[];
  readonly undecided: readonly Issue[];
} {
  if (roles.size === 0) return { files: diffs, absent: [], undecided: [] };
  const pathOf = ({ name }: { readonly name: string }) => resourcePath(name, method);
  const lost = new Set(diffs.flatMap(({ kind, name }) => kind === "missing" ? [name] : []));
  const found = new Set([...resources, ...diffs].filter(({ name }) => !lost.has(name)).map(pathOf));
  const forgiven = (role: ResourceRole) => {
    const names = [...lost].filter((name) => roles.get(name) === role);
    const paths = new Set(names.map((name) => pathOf({ name })));
    return [...paths].filter((path) => !found.has(path) && !uncovered.has(path));
  };
  const [absent, archives] = [forgiven("metadata"), forgiven("archive")];
  const gone = new Set([...absent, ...archives]);
  const files = diffs.filter((diff) =>
    !(diff.kind === "missing" && roles.has(diff.name) && gone.has(pathOf(diff))) &&
    !(diff.kind === "unsigned" && archives.length > 0)
  );
  const undecided = archives.map((path): Issue => ({
    code: "ARCHIVE_UNDECIDED",
    message: `${quote(path)} was signed as an archive and is not here as one`,
    path,
  }));
  const unsigned = diffs.filter(({ kind }) => kind === "unsigned").length;
  if (archives.length > 0 && unsigned > 0) {
    const message = `${
      counted(unsigned, "file")
    } may have been in an archive that was signed, or not`;
    undecided.push({ code: "ARCHIVE_UNDECIDED", message });
  }
  return { files, absent, undecided };
}

/** One issue for each kind of difference; the report lists the files themselves. */
export function differences(files: readonly FileDiff[]): readonly Issue[] {
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
    return [{ code, message: `${counted(found.length, "file")} ${many}` }];
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
  if (worst !== undefined) return failedCheck("files", worst);
  const unsigned = ignoredUnsigned
    ? "files that are not signed were not looked at"
    : "no others found";
  return {
    id: "files",
    status: "passed",
    detail: `${counted(coverage.files, "file")} ${
      coverage.files === 1 ? "matches" : "match"
    } what was signed; ${unsigned}`,
  };
}

/** What the source and the signature both say of the model must agree. */
function checkAnnotations(
  signed: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
): readonly Check[] {
  const id = "annotations";
  const names = Object.keys(actual);
  if (names.length === 0) return [];
  const bound = names.filter((name) => Object.hasOwn(signed, name));
  const wrong = bound.find((name) => signed[name] !== actual[name]);
  if (wrong !== undefined) {
    const message = `${printable(wrong)} is ${excerpt(actual[wrong]!)}, signed as ${
      excerpt(signed[wrong]!)
    }`;
    return [failedCheck(id, { code: "ANNOTATION_MISMATCH", message })];
  }
  if (bound.length === 0) {
    return [skippedCheck(id, `the signature does not bind ${names.map(printable).join(", ")}`)];
  }
  const detail = bound.map((name) => `${printable(name)} is ${excerpt(actual[name]!)}`).join(", ");
  const unbound = names.filter((name) => !bound.includes(name)).map(printable);
  const remark = unbound.length > 0 ? `; ${unbound.join(", ")} is not bound` : "";
  return [{ id, status: "passed", detail: `${detail}, as signed${remark}` }];
}

/** Why a signature does not say that it is about this very model. */
function boundIssue(
  signed: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
  hint: string | undefined,
): Issue | undefined {
  const names = Object.keys(actual);
  const unbound = names.filter((name) => !Object.hasOwn(signed, name));
  if (names.length > 0 && unbound.length === 0) return undefined;
  const what = names.length === 0 ? "anything that the model says of itself" : unbound
    .map(printable).join(" and ");
  return {
    code: "ANNOTATION_UNSIGNED",
    message: `the signature does not bind ${what}, so nobody signed what the model was taken for`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Exclusions of the user's own must not hide what is signed (OMS 4). */
function checkIgnored(
  ignorePaths: readonly string[],
  listed: ReadonlySet<string>,
): readonly Check[] {
  if (ignorePaths.length === 0) return [];
  const ignored = new Set(ignorePaths);
  const covered = [...listed].filter((path) => isAtOrBelowAny(path, ignored))
    .sort(compareCodePoints);
  const [first] = covered;
  if (first === undefined) {
    return [{
      id: "ignore-paths",
      status: "passed",
      detail: "the ignored paths cover no signed file",
    }];
  }
  const others = covered.length > 1 ? ` and ${counted(covered.length - 1, "other")}` : "";
  return [failedCheck("ignore-paths", {
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
): readonly Resource[] {
  const { resources, serialization } = statement.manifest;
  if (!source.singleFile || resourcePath(resources[0]!.name, serialization.method) !== ".") {
    return resources;
  }
  return resources.map((resource) => ({
    ...resource,
    name: `${source.name}${resource.name.slice(1)}`,
  }));
}
