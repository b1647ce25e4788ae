/** Whether a file that is to be run lies where nobody else can change it. */

import { constants, type Stats } from "node:fs";
import { lstat, open, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import process from "node:process";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";

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
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    await using file = await open(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const facts = await file.stat();
    if (!facts.isFile()) throw unloadable(shown, "it is not a regular file");
    if (facts.size > limit) {
      throw unloadable(shown, `it has ${facts.size} bytes, expected at most ${limit}`);
    }
    requireUnwritable(facts, real, shown);
    const bytes = new Uint8Array(facts.size);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { path: real, bytes: bytes.subarray(0, length) };
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
  // The links on the way could be changed as well as the folders that they lead to.
  for (const at of new Set([...upward(real), ...upward(resolve(path)).slice(1)])) {
    requireUnwritable(await lstat(at), at, shown);
  }
  return real;
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

/** Windows has no such bits; its access lists are left to the administrator. */
function requireUnwritable(facts: Stats, at: string, shown: string): void {
  if (process.platform === "win32" || facts.isSymbolicLink()) return;
  const writable = (facts.mode & 0o002) !== 0;
  // In a folder with the sticky bit, others can add files and not replace this one.
  const sticky = facts.isDirectory() && (facts.mode & 0o1000) !== 0;
  if (!writable || sticky) return;
  throw new ModelSigningError(
    "PLUGIN_UNSAFE",
    `${shown} could be changed by anybody: ${quote(at)} is world-writable`,
    { hint: `chmod o-w ${at}` },
  );
}

/** A path and everything above it. */
function upward(path: string): string[] {
  const above = dirname(path);
  return above === path ? [path] : [path, ...upward(above)];
}

function unloadable(shown: string, reason: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError(
    "PLUGIN_UNLOADABLE",
    `cannot load ${shown}: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}
