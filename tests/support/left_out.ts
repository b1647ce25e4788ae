/** What happens to tests whose tools or data are not there. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";

/** Says that tests are left out, and why; where `CI` is set that is an error, because all of them must run. */
export function leaveOut(reason: string): void {
  if (process.env["CI"]) throw new Error(reason);
  console.warn(`TESTS LEFT OUT: ${reason}`);
}

/** Registers a test that cannot run: it is skipped, or fails where `CI` is set. */
export function leftOutTest(name: string, reason: string): void {
  if (process.env["CI"]) {
    test(name, () => leaveOut(reason));
    return;
  }
  leaveOut(`${name}: ${reason}`);
  test(name, { skip: reason }, () => {});
}

/** Where a command is on `PATH`; undefined when it is not there. */
export function commandPath(command: string): string | undefined {
  return (process.env["PATH"] ?? "").split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, command))
    .find(existsSync);
}

/** Whether a command is on `PATH`. */
export function isInstalled(command: string): boolean {
  return commandPath(command) !== undefined;
}

/** Registers a test whose tool cannot be had everywhere: without it the test is skipped, in CI, too, and says so. */
export function optionalTest(name: string, reason: string): void {
  console.warn(`TESTS LEFT OUT: ${name}: ${reason}`);
  test(name, { skip: reason }, () => {});
}
