/** The signed payload, read strictly. Call it only with a payload whose signature holds (OMS 4). */

import { type Parsed, parsed, Refusal } from "./errors.ts";
import { DIGEST_LENGTH, HASH_TYPES, type HashType, type Resource } from "./hasher.ts";
import { isObject, type Json, JsonError, type JsonObject, parseJson } from "./json.ts";
import { MAX_RESOURCES } from "./limits.ts";
import { rootDigest, type Serialization, sortResources } from "./manifest.ts";
import { orderProblem } from "./order.ts";
import { pathProblem } from "./path.ts";
import { type ByteRange } from "./source.ts";
import { parseShardName, tilingProblem } from "./shard.ts";
import {
  DIGESTS_PREDICATE_TYPE,
  PREDICATE_TYPE,
  type Statement,
  STATEMENT_TYPE,
} from "./statement.ts";
import { excerpt } from "./text.ts";

/** How names are judged. */
export type StatementRules = {
  /** Also refuse names that Windows would read as other files. Set when verifying on Windows. */
  readonly windowsNames?: boolean;
};

/**
 * Parses a payload. Never throws for what is in it.
 *
 * Findings: `STATEMENT_MALFORMED`, `STATEMENT_TYPE`, `PREDICATE_TYPE`, `RESOURCE_NONE`, `RESOURCE_NAME`,
 * `RESOURCE_DUPLICATE`, `RESOURCE_ORDER`, `SHARD_RANGE`, `ROOT_DIGEST_MISMATCH`.
 */
export function parseStatement(payload: Uint8Array, rules: StatementRules = {}): Parsed<Statement> {
  return parsed(() => {
    const statement = object(strictJson(payload), "the statement");
    onlyMembers(statement, ["_type", "subject", "predicateType", "predicate"], "the statement");
    if (statement["_type"] !== STATEMENT_TYPE) {
      throw new Refusal(
        "STATEMENT_TYPE",
        `the statement's type is ${shown(statement["_type"])}, expected "${STATEMENT_TYPE}"`,
      );
    }
    switch (statement["predicateType"]) {
      case PREDICATE_TYPE:
        return currentForm(statement, rules);
      case DIGESTS_PREDICATE_TYPE:
        return digestsForm(statement, rules);
      default:
        throw new Refusal(
          "PREDICATE_TYPE",
          `the predicate type is ${
            shown(statement["predicateType"])
          }, expected "${PREDICATE_TYPE}"`,
        );
    }
  });
}

function currentForm(statement: JsonObject, rules: StatementRules): Statement {
  const subjects = list(statement["subject"], "subject");
  if (subjects.length !== 1) {
    throw malformed(`the statement has ${subjects.length} subjects, expected one`);
  }
  const subject = object(subjects[0], "subject[0]");
  const name = string(subject["name"], "subject[0].name");
  const signedRoot = sha256Hex(object(subject["digest"], "subject[0].digest"), "subject[0].digest");

  const predicate = object(statement["predicate"], "predicate");
  onlyMembers(predicate, ["resources", "serialization"], "predicate");
  const serialization = parseSerialization(object(predicate["serialization"], "serialization"));
  const resources = list(predicate["resources"], "resources")
    .map((entry, index) => parseResource(entry, `resources[${index}]`, serialization));
  checkResources(resources, serialization, rules);
  const problem = orderProblem(resources.map((resource) => resource.name), serialization.method);
  if (problem !== undefined) throw new Refusal(problem.code, problem.message);

  const actualRoot = rootDigest(resources);
  if (actualRoot !== signedRoot) {
    throw new Refusal(
      "ROOT_DIGEST_MISMATCH",
      `the signed root digest is ${signedRoot}, the signed resources give ${actualRoot}`,
    );
  }
  return { form: "current", manifest: { name, resources, serialization }, rootDigest: signedRoot };
}

/** The tool 0.2.0: files, SHA-256, default exclusions, in any order, without a root digest. */
function digestsForm(statement: JsonObject, rules: StatementRules): Statement {
  const serialization: Serialization = {
    method: "files",
    hashType: "sha256",
    allowSymlinks: false,
    ignorePaths: [],
  };
  const resources = list(statement["subject"], "subject").map((entry, index): Resource => {
    const subject = object(entry, `subject[${index}]`);
    return {
      name: string(subject["name"], `subject[${index}].name`),
      digest: sha256Hex(object(subject["digest"], `subject[${index}].digest`), `subject[${index}]`),
      algorithm: "sha256",
    };
  });
  checkResources(resources, serialization, rules);
  sortResources(resources);
  const duplicate = resources.find(({ name }, index) => name === resources[index + 1]?.name);
  if (duplicate) {
    throw new Refusal(
      "RESOURCE_DUPLICATE",
      `the subject ${excerpt(duplicate.name)} is listed twice`,
    );
  }
  return { form: "digests", manifest: { name: "", resources, serialization } };
}

function parseSerialization(value: JsonObject): Serialization {
  const known = ["method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths"];
  onlyMembers(value, known, "serialization");
  const { method, hash_type: hashType, allow_symlinks: allowSymlinks } = value;
  const shardSize = value["shard_size"];
  if (!HASH_TYPES.includes(hashType as HashType)) {
    throw malformed(
      `serialization.hash_type is ${shown(hashType)}, expected ${HASH_TYPES.join(", ")}`,
    );
  }
  if (typeof allowSymlinks !== "boolean") {
    throw malformed(`serialization.allow_symlinks is ${shown(allowSymlinks)}, expected a boolean`);
  }
  const base = {
    hashType: hashType as HashType,
    allowSymlinks,
    ignorePaths: list(value["ignore_paths"] ?? [], "ignore_paths")
      .map((path, index) => string(path, `ignore_paths[${index}]`)),
  };
  if (method === "files") {
    if (shardSize !== undefined) throw malformed("serialization.shard_size is set for files");
    return { method, ...base };
  }
  if (method !== "shards") {
    throw malformed(`serialization.method is ${shown(method)}, expected "files" or "shards"`);
  }
  if (typeof shardSize !== "number" || !Number.isSafeInteger(shardSize) || shardSize < 1) {
    throw malformed(`serialization.shard_size is ${shown(shardSize)}, expected a positive integer`);
  }
  return { method, ...base, shardSize };
}

function parseResource(value: Json, where: string, serialization: Serialization): Resource {
  const entry = object(value, where);
  const { hashType } = serialization;
  const algorithm = entry["algorithm"];
  // The Python and Go tools write the second form for shards (OMS 4).
  const accepted = algorithm === hashType ||
    (serialization.method === "shards" &&
      algorithm === `${hashType}-sharded-${serialization.shardSize}`);
  if (!accepted) {
    throw malformed(`${where}.algorithm is ${shown(algorithm)}, expected "${hashType}"`);
  }
  return {
    name: string(entry["name"], `${where}.name`),
    digest: hexDigest(entry["digest"], hashType, `${where}.digest`),
    algorithm: hashType,
  };
}

/** Names, counts and shard ranges; not the order. */
function checkResources(
  resources: readonly Resource[],
  serialization: Serialization,
  rules: StatementRules,
): void {
  if (resources.length === 0) throw new Refusal("RESOURCE_NONE", "the statement lists no files");
  if (resources.length > MAX_RESOURCES) {
    throw malformed(`the statement lists ${resources.length} files, more than ${MAX_RESOURCES}`);
  }
  const paths = serialization.method === "files"
    ? new Set(resources.map(({ name }) => name))
    : checkShards(resources, serialization.shardSize);
  for (const path of paths) {
    // Before 1.1 a model of one file was listed as "." (OMS 4).
    const problem = path === "." && paths.size === 1
      ? undefined
      : pathProblem(path, rules.windowsNames);
    if (problem !== undefined) {
      throw new Refusal("RESOURCE_NAME", `the signed name ${excerpt(path)} ${problem}`);
    }
  }
}

/** Checks that the shards of each file cover it exactly, and gives the files' paths. */
function checkShards(resources: readonly Resource[], shardSize: number): ReadonlySet<string> {
  const files = new Map<string, ByteRange[]>();
  for (const { name } of resources) {
    const shard = parseShardName(name);
    if (shard === undefined) {
      throw new Refusal(
        "SHARD_RANGE",
        `the signed name ${excerpt(name)} does not end in a byte range`,
      );
    }
    const ranges = files.get(shard.path);
    if (ranges) ranges.push(shard);
    else files.set(shard.path, [shard]);
  }
  for (const [path, ranges] of files) {
    const problem = tilingProblem(ranges.sort((a, b) => a.start - b.start), shardSize);
    if (problem !== undefined) {
      throw new Refusal("SHARD_RANGE", `the shards of ${excerpt(path)} ${problem}`);
    }
  }
  return new Set(files.keys());
}

function strictJson(payload: Uint8Array): Json {
  try {
    return parseJson(payload);
  } catch (error) {
    if (error instanceof JsonError) {
      throw malformed(`the payload is not valid JSON: ${error.message}`);
    }
    throw error;
  }
}

function sha256Hex(digests: JsonObject, where: string): string {
  return hexDigest(digests["sha256"], "sha256", `${where}.sha256`);
}

function hexDigest(value: Json | undefined, algorithm: HashType, where: string): string {
  const digest = string(value, where);
  if (digest.length !== 2 * DIGEST_LENGTH[algorithm] || !/^[0-9a-f]+$/.test(digest)) {
    throw malformed(
      `${where} is ${shown(digest)}, expected ${DIGEST_LENGTH[algorithm]} bytes in lowercase hex`,
    );
  }
  return digest;
}

function object(value: Json | undefined, where: string): JsonObject {
  if (!isObject(value)) throw malformed(`${where} is ${shown(value)}, expected an object`);
  return value;
}

function list(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value)) throw malformed(`${where} is ${shown(value)}, expected a list`);
  return value;
}

function string(value: Json | undefined, where: string): string {
  if (typeof value !== "string" || value === "") {
    throw malformed(`${where} is ${shown(value)}, expected a string`);
  }
  return value;
}

function onlyMembers(value: JsonObject, allowed: readonly string[], where: string): void {
  for (const member in value) {
    if (!allowed.includes(member)) {
      throw malformed(`${where} has an unknown member ${excerpt(member)}`);
    }
  }
}

function shown(value: Json | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return excerpt(value);
  return typeof value === "object"
    ? (Array.isArray(value) ? "a list" : "an object or null")
    : `${value}`;
}

function malformed(message: string): Refusal {
  return new Refusal("STATEMENT_MALFORMED", message);
}
