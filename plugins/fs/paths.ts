/**
 * Between the operating system's paths and names inside a model. Pure; the path rules are handed in, so
 * that each platform's can be tested on any.
 */

import type { PlatformPath } from "node:path";

/** Components of a path below its root, without empty ones and `.`: `./a//b/` gives `a`, `b`. */
export function components(path: string, rules: PlatformPath): readonly string[] {
  const below = path.slice(rules.parse(path).root.length);
  return below.split(rules.sep === "\\" ? /[\\/]/ : "/").filter((part) =>
    part !== "" && part !== "."
  );
}

/** True for a path that does not start from the current folder alone: absolute, or `C:x` on Windows. */
export function isRooted(path: string, rules: PlatformPath): boolean {
  return rules.parse(path).root !== "";
}

/**
 * The path with the current folder before it, when it is relative. `..` is kept on POSIX, where it means
 * the parent of a link's target; Windows itself resolves it by text.
 */
export function absolutePath(path: string, cwd: string, rules: PlatformPath): string {
  if (rules.sep === "\\") return rules.resolve(cwd, path);
  return rules.isAbsolute(path) ? path : join(cwd, path, rules);
}

/** A directory and a name below it, with one separator; nothing is normalised. */
export function join(directory: string, name: string, rules: PlatformPath): string {
  return directory.endsWith(rules.sep) ? directory + name : directory + rules.sep + name;
}

/**
 * The name that `path` has inside the model at `root`: relative, with `/`. Empty for the root itself,
 * undefined outside. Both are absolute and free of links; Windows compares without case.
 */
export function nameInside(root: string, path: string, rules: PlatformPath): string | undefined {
  const relative = rules.relative(plainPath(root, rules), plainPath(path, rules));
  const parts = relative === "" ? [] : relative.split(rules.sep);
  if (rules.isAbsolute(relative) || parts[0] === "..") return undefined;
  return parts.join("/");
}

/** Without the `\\?\` of Windows, under which the same path would compare as another one. */
function plainPath(path: string, rules: PlatformPath): string {
  if (rules.sep !== "\\") return path;
  return path.replace(/^\\\\\?\\UNC\\/i, "\\\\").replace(/^\\\\\?\\(?=[a-z]:)/i, "");
}

/**
 * The name in a directory's list that a file system without case would find for `wanted`; `wanted` itself
 * when it is there or nothing fits.
 */
export function listedName(names: readonly string[], wanted: string): string {
  if (names.includes(wanted)) return wanted;
  const folded = fold(wanted);
  return names.find((name) => fold(name) === folded) ?? wanted;
}

/** APFS and NTFS ignore case, APFS also how letters are composed. */
function fold(name: string): string {
  return name.normalize("NFD").toLowerCase();
}
