/** Whether a file that is to be run lies where nobody else can change it. */

import type { Stats } from "node:fs";
import { lstat, open, readlink, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, parse, relative, resolve, sep } from "node:path";
import process from "node:process";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { READ_ONLY, readStart } from "../../core/open_file.ts";
import { quote } from "../../core/text.ts";

/** Symbolic links that a path may lead through; Linux follows as many (path_resolution(7)). */
const MAX_LINKS = 40;

/** A file that was looked at. */
export type SafeFile = {
  /** Absolute, free of symbolic links. */
  readonly path: string;
  /** What was in it when it was looked at. */
  readonly bytes: Uint8Array;
};

/** What is demanded of a place. */
export type PlaceOptions = {
  /** Paths of models and of what else is not trusted: the file must not be, or lie in, one of them. */
  readonly outside: readonly string[];
  /** Bytes; a file with more is refused. */
  readonly limit: number;
  /** What the file is, for messages. Default: `plugin`. */
  readonly what?: string;
};

/**
 * Reads a file that is to be run.
 *
 * @throws {ModelSigningError} `USAGE_PLUGIN_PATH` for a relative path, `PLUGIN_NOT_FOUND`, `PLUGIN_UNLOADABLE` for
 * something that is no regular file or too large, `PLUGIN_UNSAFE` for a file that others could change
 */
export async function safeFile(path: string, options: PlaceOptions): Promise<SafeFile> {
  const { outside, limit, what = "plugin" } = options;
  const real = await safePlace(path, { outside, what });
  const shown = `${what} ${quote(path)}`;
  try {
    await using file = await open(real, READ_ONLY);
    const facts = await file.stat();
    if (!facts.isFile()) throw unloadable(shown, "it is not a regular file");
    if (facts.size > limit) {
      throw unloadable(shown, `it has ${facts.size} bytes, expected at most ${limit}`);
    }
    return { path: real, bytes: await readStart(file, facts.size) };
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    throw unloadable(shown, systemReason(error), error);
  }
}

/** The file without symbolic links, once it is known to lie where others cannot change it. Throws like {@link safeFile}. */
export async function safePlace(
  path: string,
  { outside, what = "plugin" }: Omit<PlaceOptions, "limit">,
): Promise<string> {
  const shown = `${what} ${quote(path)}`;
  if (!isAbsolute(path)) {
    throw new ModelSigningError(
      "USAGE_PLUGIN_PATH",
      `${shown} is a relative path, expected an absolute one`,
      {
        hint: `plugins are never looked for in the current folder; if you mean it: ${
          resolve(path)
        }`,
      },
    );
  }
  let real: string;
  try {
    real = await realpath(path);
    if (!(await stat(real)).isFile()) throw unloadable(shown, "it is not a regular file");
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) {
      throw new ModelSigningError("PLUGIN_NOT_FOUND", `there is no ${shown}`);
    }
    throw unloadable(shown, systemReason(error), error);
  }
  for (const place of outside) await requireOutside(real, shown, place);
  await requireSafeWay(path, shown);
  return real;
}

/**
 * Demands that nobody else can make a path lead elsewhere: follows it link by link, as the system does, and looks at
 * every folder, link and file on the way.
 *
 * @param path absolute, of something that exists
 * @param shown what it is, for messages
 * @throws {ModelSigningError} `PLUGIN_UNSAFE`
 */
export async function requireSafeWay(path: string, shown: string): Promise<void> {
  // Windows has no such bits; its access lists are left to the administrator.
  if (process.platform === "win32") return;
  const { root } = parse(path);
  const left = path.split(sep);
  const top = await lstat(root);
  requireTrusted(root, top, top, shown);
  const way = [{ at: root, facts: top }];
  for (let links = 0; left.length > 0;) {
    const name = left.shift()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (way.length > 1) way.pop();
      continue;
    }
    const folder = way.at(-1)!;
    const at = join(folder.at, name);
    const facts = await lstat(at);
    requireTrusted(at, facts, folder.facts, shown);
    if (!facts.isSymbolicLink()) {
      way.push({ at, facts });
      continue;
    }
    if (++links > MAX_LINKS) throw unloadable(shown, "too many symbolic links lead to it");
    const target = await readlink(at);
    left.unshift(...target.split(sep));
    if (isAbsolute(target)) way.splice(1);
  }
}

async function requireOutside(real: string, shown: string, place: string): Promise<void> {
  const folder = await realpath(place).catch(() => undefined);
  if (folder === undefined) return;
  const way = relative(folder, real);
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) return;
  throw new ModelSigningError(
    "PLUGIN_UNSAFE",
    `${shown} lies in the model ${quote(place)}, which must not bring code along`,
    { hint: "copy the plugin to another folder once you have read it" },
  );
}

/** Refuses what others could change or replace. Links have no permissions of their own. */
function requireTrusted(at: string, facts: Stats, folder: Stats, shown: string): void {
  const isSticky = facts.isDirectory() && (facts.mode & 0o1000) !== 0;
  if (!facts.isSymbolicLink() && isWorldWritable(facts) && !isSticky) {
    throw new ModelSigningError(
      "PLUGIN_UNSAFE",
      `${shown} could be changed by anybody: ${quote(at)} is world-writable`,
      {
        hint: `chmod o-w ${at}${
          facts.isDirectory() ? `, or chmod +t ${at} where others have to write` : ""
        }`,
      },
    );
  }
  // With the sticky bit, a folder protects what is in it from all but its owner, who may be anybody.
  if (!isWorldWritable(folder) || facts.uid === 0 || facts.uid === process.getuid?.()) return;
  throw new ModelSigningError(
    "PLUGIN_UNSAFE",
    `${shown} could be anybody's: ${quote(at)} lies in a world-writable folder and is owned by ` +
      `user ${facts.uid}`,
    { hint: "copy what you trust to a folder of your own" },
  );
}

function isWorldWritable({ mode }: Stats): boolean {
  return (mode & 0o002) !== 0;
}

function unloadable(shown: string, reason: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError(
    "PLUGIN_UNLOADABLE",
    `cannot load ${shown}: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}
