/** The environment of a program that is a plugin: what programs need to run, and what it asked for. */

import { programEnvironment } from "../_program/mod.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What programs need to start, to find the user's own files, and to speak the user's language. */
const PASSED: ReadonlySet<string> = new Set([
  "HOME",
  "LANG",
  "LANGUAGE",
  "LOGNAME",
  "PATH",
  "TZ",
  "USER",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_RUNTIME_DIR",
  // Windows.
  "APPDATA",
  "LOCALAPPDATA",
  "PROGRAMDATA",
  "PROGRAMFILES",
  "SYSTEMDRIVE",
  "SYSTEMROOT",
  "USERNAME",
  "USERPROFILE",
  "WINDIR",
]);

/** A variable that a plugin may ask for: not this program's own settings, which may hold secrets of other methods. */
export const VARIABLE_NAME: RegExp = /^(?!MODEL_SIGNING_)(?!BUN_)[A-Z][A-Z0-9_]{0,63}$/;

/**
 * The environment of a plugin.
 *
 * @param declared the variables that the plugin asks for
 * @param folder absolute; where its temporary files go, to be removed with everything else
 */
export function pluginEnvironment(
  environment: Environment,
  declared: readonly string[],
  folder: string,
): Record<string, string> {
  const wanted = new Set(declared.filter((name) => VARIABLE_NAME.test(name)));
  const kept = Object.entries(programEnvironment(environment)).filter(([name]) => {
    const upper = name.toUpperCase();
    return PASSED.has(upper) || upper.startsWith("LC_") || wanted.has(name);
  });
  return { ...Object.fromEntries(kept), TMPDIR: folder, TMP: folder, TEMP: folder };
}
