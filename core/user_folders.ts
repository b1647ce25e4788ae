/** Where a user's own files of this program are on this platform. */

import { posix, win32 } from "node:path";
import process from "node:process";

/** Absolute paths; each undefined when the environment names no such place. */
export type UserFolders = {
  /** What the user configured: `config.json`. */
  readonly config: string | undefined;
  /** What can be made again. */
  readonly cache: string | undefined;
};

/**
 * The user's folders for this program. Relative paths are ignored (XDG base directory specification).
 *
 * @param environment such as `process.env`
 */
export function userFolders(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): UserFolders {
  const { join, isAbsolute } = platform === "win32" ? win32 : posix;
  const folder = (name: string, ...below: readonly string[]): string | undefined => {
    const path = environment[name];
    return path !== undefined && isAbsolute(path)
      ? join(path, ...below, "model-signing")
      : undefined;
  };
  switch (platform) {
    case "win32":
      return { config: folder("APPDATA"), cache: folder("LOCALAPPDATA") };
    case "darwin":
      return {
        config: folder("HOME", "Library", "Application Support"),
        cache: folder("HOME", "Library", "Caches"),
      };
    default:
      return {
        config: folder("XDG_CONFIG_HOME") ?? folder("HOME", ".config"),
        cache: folder("XDG_CACHE_HOME") ?? folder("HOME", ".cache"),
      };
  }
}
