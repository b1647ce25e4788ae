/** The directory or file that the user named, and where other paths lie in relation to it. */

import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import { absolutePath, components, join, listedName, nameInside } from "./paths.ts";

/** A model's root. */
export type ModelRoot = {
  /** Absolute, free of symbolic links. */
  readonly path: string;
  readonly name: string;
  readonly singleFile: boolean;
};

/** macOS and Windows file systems find `readme` where `README` lies; a walk sees the latter. */
const IGNORES_CASE = process.platform === "darwin" || process.platform === "win32";

/** Finds the model. Throws `USAGE`, `MODEL_NOT_FOUND`, `MODEL_REFUSED` or `MODEL_UNREADABLE`. */
export function openRoot(typed: string, cwd: string): ModelRoot {
  if (typed === "") throw new ModelSigningError("USAGE", "the model path is empty");
  const absolute = toAbsolute(typed, cwd);
  let stats: Stats;
  let real: string;
  try {
    // Before realpath(), which cannot name a pipe that has no name.
    stats = statSync(absolute);
    if (!stats.isDirectory()) requireRegular(stats, typed);
    real = realpathSync.native(absolute);
  } catch (error) {
    throw rootFault(error, typed);
  }
  const last = components(typed, path).at(-1);
  const name = last === undefined || last === ".." ? path.basename(real) : last;
  return { path: real, name: name === "" ? "root" : name, singleFile: stats.isFile() };
}

/** Refuses a model that is neither a directory nor a regular file. */
function requireRegular(stats: Stats, typed: string): void {
  if (stats.isFile()) return;
  throw new ModelSigningError(
    "MODEL_REFUSED",
    `model ${quote(typed)} is ${fileKind(stats)}, expected a directory or a regular file`,
  );
}

/** The fault that an I/O error on the root itself means. */
export function rootFault(error: unknown, shown: string): ModelSigningError {
  if (error instanceof ModelSigningError) return error;
  if (isAbsent(error)) {
    return new ModelSigningError("MODEL_NOT_FOUND", `model ${quote(shown)} does not exist`, {
      cause: error,
    });
  }
  return new ModelSigningError(
    "MODEL_UNREADABLE",
    `cannot read model ${quote(shown)}: ${systemReason(error)}`,
    { cause: error },
  );
}

/** What a thing is, with its article, for messages. */
export function fileKind(stats: Stats): string {
  if (stats.isFile()) return "a regular file";
  if (stats.isDirectory()) return "a directory";
  if (stats.isSymbolicLink()) return "a symbolic link";
  if (stats.isFIFO()) return "a FIFO";
  if (stats.isSocket()) return "a socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "a device";
  return "a special file";
}

/** The path, starting from `cwd` when it is relative. */
export function toAbsolute(typed: string, cwd: string): string {
  return absolutePath(typed, cwd, path);
}

/** Whether something has this path; a dangling link does. Undefined when the system does not tell. */
export function exists(absolute: string): boolean | undefined {
  try {
    lstatSync(absolute);
    return true;
  } catch (error) {
    return isAbsent(error) ? false : undefined;
  }
}

/** Whether the path leads to a directory. */
export function isDirectory(absolute: string): boolean {
  return unlessSystemError(() => statSync(absolute).isDirectory()) ?? false;
}

/** The path without symbolic links, or undefined when it leads to nothing that this process could reach. */
export function realPath(absolute: string): string | undefined {
  return unlessSystemError(() => realpathSync.native(absolute));
}

/**
 * The path with the links in its parent resolved, but not a link that it is itself. Parts that do not
 * exist are kept as they are.
 */
export function physicalPath(absolute: string): string {
  const { root: anchor } = path.parse(absolute);
  const parts = components(absolute, path);
  if (parts.length === 0 || parts.at(-1) === "..") {
    return realPath(absolute) ?? path.resolve(absolute);
  }
  for (let kept = parts.length - 1; kept >= 0; kept--) {
    const parent = realPath(anchor + parts.slice(0, kept).join(path.sep));
    if (parent !== undefined) return path.join(parent, ...parts.slice(kept));
  }
  return path.resolve(absolute);
}

/**
 * What follows the root in `absolute` as it is written, whichever way the root is reached: below the root,
 * links count as what they are called. Empty for the root itself; undefined when the path does not lead
 * through the root, or leaves it by `..`.
 */
export function writtenName(root: ModelRoot, absolute: string): string | undefined {
  const { root: anchor } = path.parse(absolute);
  const parts = components(absolute, path);
  let prefix = anchor;
  for (let used = 0;; used++) {
    if (realPath(prefix) === root.path) {
      const rest = parts.slice(used);
      return rest.includes("..") ? undefined : asListed(root, rest.join("/"));
    }
    const next = parts[used];
    if (next === undefined) return undefined;
    prefix = join(prefix, next, path);
  }
}

/** The name inside the model of the place that `absolute` leads to. Empty for the root, undefined outside. */
export function physicalName(root: ModelRoot, absolute: string): string | undefined {
  const name = nameInside(root.path, physicalPath(absolute), path);
  return name === undefined ? undefined : asListed(root, name);
}

/** The name as the directories spell it, on systems that ignore case. */
export function asListed(
  root: ModelRoot,
  name: string,
  ignoresCase: boolean = IGNORES_CASE,
): string {
  if (!ignoresCase || name === "" || root.singleFile) return name;
  let directory = root.path;
  return name.split("/").map((part) => {
    const names = unlessSystemError(() => readdirSync(directory)) ?? [];
    const listed = listedName(names, part);
    directory = join(directory, listed, path);
    return listed;
  }).join("/");
}

function unlessSystemError<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === "string") return undefined;
    throw error;
  }
}

/** The errors that mean that no such path can exist: no entry, a file as a parent, too long, a NUL in it. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"].includes(systemCode(error));
}
