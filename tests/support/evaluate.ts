/** Runs a script in a process of its own, under the runtime of the tests. */

import process from "node:process";

/** The command line that evaluates `script`, an ES module. */
export function evaluation(script: string): readonly [string, ...string[]] {
  return "bun" in process.versions
    ? [process.execPath, "-e", script]
    : [process.execPath, "eval", script];
}

/** URL of a module for `import()` in such a script, relative to the project's root. */
export function moduleUrl(path: string): string {
  return new URL(`../../${path}`, import.meta.url).href;
}
