/**
 * Names inside a model: relative paths with `/` separators.
 *
 * A name that has passed {@link pathProblem} can be joined to a directory without leaving it, on any
 * platform when `windows` was asked for.
 */

import { Buffer } from "node:buffer";
import { MAX_PATH_BYTES } from "./limits.ts";
import { quote } from "./text.ts";

/** Windows device names, also with spaces or an extension behind (Microsoft: "Naming Files, Paths, and Namespaces"). */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)/i;

/**
 * What is wrong with a name, as the end of a sentence ("holds a NUL character"); undefined when it is a
 * safe, canonical, relative path.
 *
 * @param windows also refuse what Windows would read as another file (OMS 3)
 */
export function pathProblem(path: string, windows = false): string | undefined {
  if (path === "") return "is empty";
  // UTF-8 takes one to three bytes for a UTF-16 unit, so a short path needs no counting.
  if (path.length * 3 > MAX_PATH_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES) {
    return "is too long";
  }
  if (path.includes("\0")) return "holds a NUL character";
  // A runtime shows bytes that are not UTF-8 as U+FFFD, so a name with it cannot be told from a broken one.
  if (path.includes("\ufffd") || !path.isWellFormed()) return "is not valid UTF-8";
  if (path.startsWith("/")) return "is absolute";
  for (const part of path.split("/")) {
    if (part === "") return "has an empty component";
    if (part === "." || part === "..") return `has a "${part}" component`;
    if (windows) {
      const problem = windowsProblem(part);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function windowsProblem(part: string): string | undefined {
  const bad = /[\\:<>"|?*\u0001-\u001f]/.exec(part);
  if (bad) return `holds ${quote(bad[0])}, which Windows does not allow`;
  if (/[. ]$/.test(part)) return "ends in a dot or space, which Windows drops";
  if (WINDOWS_DEVICE.test(part)) return "is a device name on Windows";
  return undefined;
}

/** True when `path` is `ancestor` or lies below it. */
export function isAtOrBelow(path: string, ancestor: string): boolean {
  return path.startsWith(ancestor) &&
    (path.length === ancestor.length || path[ancestor.length] === "/");
}

/** Every proper ancestor of a path, nearest last: `a/b/c` gives `a`, `a/b`. */
export function* ancestors(path: string): Iterable<string> {
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) yield path.slice(0, at);
}

/** True when a path or one of its ancestors is in a set. */
export function isAtOrBelowAny(path: string, places: ReadonlySet<string>): boolean {
  if (places.has(path)) return true;
  for (const ancestor of ancestors(path)) if (places.has(ancestor)) return true;
  return false;
}

/**
 * Compares by Unicode code point, which is the order of UTF-8 bytes (OMS 2). JavaScript's `<` compares
 * UTF-16 units and puts U+10000 and above before U+E000 to U+FFFF.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y) {
      const xHigh = x >= 0xd800 && x <= 0xdfff;
      const yHigh = y >= 0xd800 && y <= 0xdfff;
      return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}
