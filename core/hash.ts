/** From a model to a manifest. */

import { type Issue, ModelSigningError } from "./errors.ts";
import type { Hashed, Hasher, HasherFactory, HashSettings, HashType, Resource } from "./hasher.ts";
import { type Manifest, sortResources } from "./manifest.ts";
import { beginSpan, traced } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import { compareCodePoints } from "./path.ts";
import { GIT_PATHS, PathFilter } from "./path_filter.ts";
import type { Coverage } from "./report.ts";
import { parseShardName } from "./shard.ts";
import type { Entry, EnumerationRules, ManifestSource } from "./source.ts";
import { counted, quote } from "./text.ts";

/** What is hashed, and how. */
export type HashInput = {
  readonly source: ManifestSource;
  readonly hasher: HasherFactory;
  /** Default: `sha256`. */
  readonly algorithm?: HashType;
  /** Bytes per shard. Without it files are hashed whole. */
  readonly shardSize?: number;
  /** Follow symbolic links. Default: they are refused. */
  readonly allowSymlinks?: boolean;
  /** Leave out `.git`, `.gitattributes`, `.github` and `.gitignore` at the top. Default: what the source says. */
  readonly ignoreGitPaths?: boolean;
};

/** A manifest and what it covers. */
export type HashedModel = { readonly manifest: Manifest; readonly coverage: Coverage };

/** As many refused entries as an error lists; the model is not searched for more. */
const MAX_LISTED_ISSUES = 1000;

/**
 * Hashes a model. All of it or nothing: an entry that cannot be signed ends the work.
 *
 * @throws {ModelSigningError} `MODEL_REFUSED` with an issue for each entry that cannot be signed,
 * `MODEL_EMPTY`, and whatever source and hasher throw
 */
export async function hash(
  input: HashInput,
  options: RunOptions = {},
): Promise<HashedModel> {
  const { source, algorithm = "sha256", allowSymlinks = false } = input;
  const ignorePaths = [...new Set([...gitPaths(input), ...source.ignorePaths])]
    .sort(compareCodePoints);
  const rules: EnumerationRules = { filter: new PathFilter({ ignorePaths }), allowSymlinks };
  const settings: HashSettings = {
    algorithm,
    allowSymlinks,
    ...(input.shardSize === undefined ? {} : { shardSize: input.shardSize }),
  };
  const resources: Resource[] = [];
  const found = await collect(
    { source, hasher: input.hasher, rules, settings },
    options,
    (resource) => void resources.push(resource),
    true,
  );
  if (found.issues.length > 0) throw refused(source, found.issues);
  if (resources.length === 0) {
    throw new ModelSigningError(
      "MODEL_EMPTY",
      found.coverage.uncovered.length > 0
        ? `model ${quote(source.name)} holds only empty files, which shards do not cover`
        : `model ${quote(source.name)} holds no files to sign`,
    );
  }
  const base = { hashType: algorithm, allowSymlinks, ignorePaths };
  return {
    manifest: {
      name: source.name,
      ...(source.annotations ? { annotations: source.annotations } : {}),
      resources: sortResources(resources),
      serialization: input.shardSize === undefined
        ? { method: "files", ...base }
        : { method: "shards", ...base, shardSize: input.shardSize },
    },
    coverage: found.coverage,
  };
}

/** The git paths to leave out: as the user says, else as the source says, else all. */
export function gitPaths(
  { source, ignoreGitPaths }: Pick<HashInput, "source" | "ignoreGitPaths">,
): readonly string[] {
  return ignoreGitPaths ?? source.ignoreGitPaths ?? true ? GIT_PATHS : [];
}

/** One pass over a model. */
export type Pass = {
  readonly source: ManifestSource;
  readonly hasher: HasherFactory;
  readonly rules: EnumerationRules;
  readonly settings: HashSettings;
};

/**
 * Enumerates and hashes a model, giving each resource to `take` as it comes.
 *
 * @param stopAtIssue end hashing at the first issue, and look through the rest of the model only for
 * further entries that are refused
 */
export async function collect(
  pass: Pass,
  options: RunOptions,
  take: (resource: Resource) => void,
  stopAtIssue: boolean,
): Promise<{ readonly issues: readonly Issue[]; readonly coverage: Coverage }> {
  let issues: Issue[] = [];
  const ignored: string[] = [];
  const uncovered: string[] = [];
  const totals = { files: 0, bytes: 0 };
  let stated = 0;
  const { algorithm, shardSize } = pass.settings;
  await traced(options, "hash", async (inner) => {
    await using hasher: Hasher = pass.hasher(pass.settings);
    for await (const hashed of hasher.hash(enumerate(pass, inner), inner)) {
      logHashed(hashed, inner);
      if (hashed.kind === "resource") {
        take(hashed.resource);
        totals.bytes += hashed.size;
        if (isFirstOfFile(hashed.resource, pass.settings)) totals.files++;
        if (hashed.stated) stated++;
      } else if (hashed.kind === "ignored") ignored.push(hashed.path);
      else if (hashed.kind === "uncovered") uncovered.push(hashed.path);
      else {
        issues.push(hashed.issue);
        // Leaving the loop ends the hasher, also in the middle of a large file.
        if (stopAtIssue) break;
      }
    }
    if (stopAtIssue && issues.length > 0) issues = await withRefused(issues, pass, inner);
    inner.span.set({ ...totals, stated, ignored: ignored.length, issues: issues.length });
  }, {
    attributes: {
      "hash.algorithm": algorithm,
      "hash.method": shardSize === undefined ? "files" : "shards",
      ...(shardSize === undefined ? {} : { "shard.bytes": shardSize }),
    },
    details: { model: pass.source.name },
  });
  ignored.sort(compareCodePoints);
  uncovered.sort(compareCodePoints);
  issues.sort((a, b) => compareCodePoints(a.path ?? "", b.path ?? ""));
  return {
    issues,
    coverage: { ...totals, ...(stated > 0 ? { stated } : {}), ignored, uncovered },
  };
}

async function* enumerate(pass: Pass, options: RunOptions): AsyncIterable<Entry> {
  const { span, end } = beginSpan(options, "enumerate");
  let entries = 0;
  let files = 0;
  let failure: unknown;
  try {
    // With the options of the hashing: what an entry opens is read long after it was listed.
    for await (const entry of pass.source.entries(pass.rules, options)) {
      entries++;
      if (entry.kind === "file" || entry.kind === "digest") files++;
      yield entry;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // Also when the hasher stops asking for entries.
    span.set({ entries, files });
    end(failure);
  }
}

/** One line for each file or shard, at debug level. */
function logHashed(hashed: Hashed, { logger }: RunOptions): void {
  switch (hashed.kind) {
    case "resource": {
      const { resource: { name, digest }, size, stated } = hashed;
      const what = stated ? "took the digest that the model states" : "hashed";
      return logger?.log("debug", what, { path: name, bytes: size, digest });
    }
    case "ignored":
      return logger?.log("debug", "ignored", { path: hashed.path });
    case "uncovered":
      return logger?.log("debug", "no shard covers an empty file", { path: hashed.path });
    case "issue": {
      const { path, code, message } = hashed.issue;
      return logger?.log("debug", "cannot be hashed", {
        path,
        "error.type": code,
        reason: message,
      });
    }
  }
}

/** Whether a resource is a whole file or the shard that a file begins with: one for each file. */
function isFirstOfFile({ name }: Resource, { shardSize }: HashSettings): boolean {
  return shardSize === undefined || parseShardName(name)?.start === 0;
}

/** Adds the entries that are refused anywhere in the model: listing is cheap, and all are named at once. */
async function withRefused(
  issues: readonly Issue[],
  pass: Pass,
  options: RunOptions,
): Promise<Issue[]> {
  const all = new Map(issues.map((issue) => [`${issue.code} ${issue.path}`, issue]));
  // The first listing has told its warnings.
  const { logger: _, ...quiet } = options;
  for await (const entry of pass.source.entries(pass.rules, quiet)) {
    if (entry.kind !== "refused") continue;
    all.set(`${entry.issue.code} ${entry.issue.path}`, entry.issue);
    if (all.size >= MAX_LISTED_ISSUES) break;
  }
  return [...all.values()];
}

function refused(source: ManifestSource, issues: readonly Issue[]): ModelSigningError {
  const [first] = issues;
  const count = issues.length === 1 ? "an entry" : counted(issues.length, "entry", "entries");
  return new ModelSigningError(
    "MODEL_REFUSED",
    `model ${quote(source.name)} holds ${count} that cannot be signed`,
    { issues, ...(first?.hint === undefined ? {} : { hint: first.hint }) },
  );
}
