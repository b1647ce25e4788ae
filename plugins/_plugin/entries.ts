/** What a plugin's source gives: models and their entries. */

import { isAbsolute } from "node:path";
import { DIGEST_LENGTH, HASH_TYPES } from "../../core/hasher.ts";
import { MAX_PATH_BYTES } from "../../core/limits.ts";
import { pathProblem } from "../../core/path.ts";
import type { ByteRange, Entry, FileLocation, StatedDigest } from "../../core/source.ts";
import { excerpt } from "../../core/text.ts";
import { jsonAt } from "./json.ts";
import {
  booleanAt,
  choiceAt,
  listAt,
  type Members,
  methodAt,
  numberAt,
  objectAt,
  optionalAt,
  patternAt,
  ShapeError,
  textAt,
} from "./shape.ts";
import { issueAt } from "./verification.ts";

/** Paths that a source leaves out by itself. */
const MAX_IGNORE_PATHS = 10_000;

/** What a source says about its model. */
export type DescribedModel = {
  readonly name: string;
  readonly singleFile: boolean;
  readonly ignorePaths: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ignoreGitPaths?: boolean;
};

/** Reads the members of a source that are no functions. Throws {@link ShapeError}. */
export function modelAt(value: unknown, where: string): DescribedModel {
  const given = objectAt(value, where);
  return {
    name: textAt(given["name"], `${where}.name`),
    singleFile: booleanAt(given["singleFile"], `${where}.singleFile`),
    ignorePaths: listAt(given["ignorePaths"], `${where}.ignorePaths`, MAX_IGNORE_PATHS)
      .map((path, index) => pathAt(path, `${where}.ignorePaths[${index}]`)),
    ...optionalAt(given, "annotations", where, annotationsAt),
    ...optionalAt(given, "ignoreGitPaths", where, booleanAt),
  };
}

/** Reads one entry. Throws {@link ShapeError}. */
export function entryAt(value: unknown, where: string): Entry {
  const given = objectAt(value, where);
  const kind = choiceAt(given["kind"], `${where}.kind`, ["file", "digest", "ignored", "refused"]);
  switch (kind) {
    case "ignored":
      return { kind, path: pathAt(given["path"], `${where}.path`) };
    case "refused": {
      // Its name may be the very thing that is refused.
      const path = textAt(given["path"], `${where}.path`);
      return { kind, path, issue: { ...issueAt(given["issue"], `${where}.issue`), path } };
    }
    case "digest":
      return {
        kind,
        path: pathAt(given["path"], `${where}.path`),
        size: numberAt(given["size"], `${where}.size`),
        ...digestAt(given, where),
        ...optionalAt(given, "extra", where, jsonAt),
        ...optionalAt(given, "hint", where, textAt),
      };
    case "file":
      return fileAt(given, where);
  }
}

function fileAt(given: Members, where: string): Entry {
  const open = methodAt(given, "open", where);
  const path = pathAt(given["path"], `${where}.path`);
  return {
    kind: "file",
    path,
    size: numberAt(given["size"], `${where}.size`),
    ...optionalAt(given, "location", where, locationAt),
    ...optionalAt(given, "expected", where, (digest, at) => digestAt(objectAt(digest, at), at)),
    ...optionalAt(given, "extra", where, jsonAt),
    open(range?: ByteRange) {
      const stream = open(range);
      if (stream instanceof ReadableStream) return stream;
      throw new TypeError(`open() of ${excerpt(path)} gave no stream`);
    },
  };
}

function pathAt(value: unknown, where: string): string {
  const path = textAt(value, where, MAX_PATH_BYTES);
  const problem = pathProblem(path);
  if (problem === undefined) return path;
  throw new ShapeError(`${where} is ${excerpt(path)}, which ${problem}`);
}

function digestAt(given: Members, where: string): StatedDigest {
  const algorithm = choiceAt(given["algorithm"], `${where}.algorithm`, HASH_TYPES);
  const digits = 2 * DIGEST_LENGTH[algorithm];
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`);
  return { algorithm, digest: patternAt(given["digest"], `${where}.digest`, pattern) };
}

function locationAt(value: unknown, where: string): FileLocation {
  const given = objectAt(value, where);
  const path = textAt(given["path"], `${where}.path`, MAX_PATH_BYTES);
  if (!isAbsolute(path)) throw new ShapeError(`${where}.path is ${excerpt(path)}, not absolute`);
  const number = (name: string) => {
    const found = given[name];
    if (typeof found === "number" && Number.isFinite(found)) return found;
    throw new ShapeError(`${where}.${name} is not a number`);
  };
  return {
    path,
    device: number("device"),
    inode: number("inode"),
    modified: number("modified"),
  };
}

function annotationsAt(value: unknown, where: string): Readonly<Record<string, string>> {
  const entries = Object.entries(objectAt(value, where));
  if (entries.length > 100) throw new ShapeError(`${where} has more than 100 members`);
  return Object.fromEntries(
    entries.map(([name, text]) => [name, textAt(text, `${where}.${excerpt(name)}`)]),
  );
}
