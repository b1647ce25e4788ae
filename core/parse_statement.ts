/** The signed payload, read strictly. It is worth something only when the signature over it holds (OMS 4). */

import { type Parsed, parsed, Refusal } from "./errors.ts";
import { DIGEST_LENGTH, HASH_TYPES, type HashType, type Resource } from "./hasher.ts";
import { type Json, JsonError, type JsonObject, parseJson } from "./json.ts";
import { type Manifest, rootDigest, type Serialization, sortResources } from "./manifest.ts";
import { members, shown } from "./members.ts";
import { checkNames, checkOrder, isShardSize, type NameRules } from "./check_manifest.ts";
import {
  DIGESTS_PREDICATE_TYPE,
  PREDICATE_TYPE,
  type Statement,
  STATEMENT_TYPE,
} from "./statement.ts";
import { excerpt } from "./text.ts";

const { object, list, text, only, malformed } = members("STATEMENT_MALFORMED");

/**
 * Parses a payload. Never throws for what is in it.
 *
 * Findings: `STATEMENT_MALFORMED`, `STATEMENT_TYPE`, `PREDICATE_TYPE`, `RESOURCE_NONE`, `RESOURCE_NAME`,
 * `RESOURCE_DUPLICATE`, `RESOURCE_ORDER`, `SHARD_RANGE`, `ROOT_DIGEST_MISMATCH`.
 */
export function parseStatement(payload: Uint8Array, rules: NameRules = {}): Parsed<Statement> {
  return parsed(() => {
    const statement = object(strictJson(payload), "the statement");
    only(statement, ["_type", "subject", "predicateType", "predicate"], "the statement");
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

function currentForm(statement: JsonObject, rules: NameRules): Statement {
  const subjects = list(statement["subject"], "subject");
  if (subjects.length !== 1) {
    throw malformed(`the statement has ${subjects.length} subjects, expected one`);
  }
  const subject = object(subjects[0], "subject[0]");
  const name = string(subject["name"], "subject[0].name");
  const signedRoot = sha256Hex(object(subject["digest"], "subject[0].digest"), "subject[0].digest");

  const predicate = object(statement["predicate"], "predicate");
  only(predicate, ["resources", "serialization"], "predicate");
  const serialization = parseSerialization(object(predicate["serialization"], "serialization"));
  const resources = each(
    predicate["resources"],
    "resources",
    (entry) => parseResource(entry, serialization),
  );
  checkNames(resources, serialization, rules);
  checkOrder(resources, serialization);

  const actualRoot = rootDigest(resources);
  if (actualRoot !== signedRoot) {
    throw new Refusal(
      "ROOT_DIGEST_MISMATCH",
      `the signed root digest is ${signedRoot}, the signed resources give ${actualRoot}`,
    );
  }
  const annotations = parseAnnotations(subject["annotations"]);
  return {
    form: "current",
    manifest: { name, ...(annotations ? { annotations } : {}), resources, serialization },
    rootDigest: signedRoot,
  };
}

/**
 * The texts among a subject's annotations. Others may stand there (in-toto lets annotations be anything) and mean
 * nothing here.
 */
function parseAnnotations(value: Json | undefined): Manifest["annotations"] {
  if (value === undefined || value === null) return undefined;
  const annotations = Object.entries(object(value, "subject[0].annotations"));
  return Object.fromEntries(
    annotations.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** The tool 0.2.0: files, SHA-256, default exclusions, in any order, without a root digest. */
function digestsForm(statement: JsonObject, rules: NameRules): Statement {
  const serialization: Serialization = {
    method: "files",
    hashType: "sha256",
    allowSymlinks: false,
    ignorePaths: [],
  };
  const resources = each(statement["subject"], "subject", (entry): Resource => {
    const subject = object(entry, "");
    return {
      name: string(subject["name"], ".name"),
      digest: sha256Hex(object(subject["digest"], ".digest"), ".digest"),
      algorithm: "sha256",
    };
  });
  checkNames(resources, serialization, rules);
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
  only(value, known, "serialization");
  const { method, hash_type: hashType, allow_symlinks: allowSymlinks } = value;
  const { shard_size: shardSize, ignore_paths: ignorePaths } = value;
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
    ignorePaths: each(
      ignorePaths === undefined ? [] : ignorePaths,
      "ignore_paths",
      (path) => string(path, ""),
    ),
  };
  if (method === "files") {
    if (shardSize !== undefined) throw malformed("serialization.shard_size is set for files");
    return { method, ...base };
  }
  if (method !== "shards") {
    throw malformed(`serialization.method is ${shown(method)}, expected "files" or "shards"`);
  }
  if (typeof shardSize !== "number" || !isShardSize(shardSize)) {
    throw malformed(`serialization.shard_size is ${shown(shardSize)}, expected a positive integer`);
  }
  return { method, ...base, shardSize };
}

function parseResource(value: Json, serialization: Serialization): Resource {
  const { name, digest, algorithm, ...extra } = object(value, "");
  const { hashType } = serialization;
  // The Python and Go tools write the second form for shards (OMS 4).
  const accepted = algorithm === hashType ||
    (serialization.method === "shards" &&
      algorithm === `${hashType}-sharded-${serialization.shardSize}`);
  if (!accepted) throw malformed(`.algorithm is ${shown(algorithm)}, expected "${hashType}"`);
  return {
    name: string(name, ".name"),
    digest: hexDigest(digest, hashType, ".digest"),
    algorithm: hashType,
    ...(hasMembers(extra) ? { extra } : {}),
  };
}

function hasMembers(value: JsonObject): boolean {
  for (const _ in value) return true;
  return false;
}

/** Parses a list. What is said of an element is prefixed with its place, which is named only then. */
function each<T>(value: Json | undefined, where: string, parse: (element: Json) => T): T[] {
  return list(value, where).map((element, index) => {
    try {
      return parse(element);
    } catch (error) {
      if (error instanceof Refusal) throw malformed(`${where}[${index}]${error.message}`);
      throw error;
    }
  });
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

/** A text that is not empty. */
function string(value: Json | undefined, where: string): string {
  const found = text(value, where);
  if (found === "") throw malformed(`${where} is "", expected a string`);
  return found;
}
