/** Where files lie that a run writes. */

import type { BigIntStats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Whether a path lies in a folder, whatever links lead there. It need not exist yet. */
export async function isInside(folder: string, path: string): Promise<boolean> {
  const way = relative(await placeOf(folder), await placeOf(path));
  return way !== "" && way.split(sep)[0] !== ".." && !isAbsolute(way);
}

/** Whether two paths lead to the same place, or to one file by two names. */
export async function isSame(one: string, other: string): Promise<boolean> {
  if (await placeOf(one) === await placeOf(other)) return true;
  const [facts, others] = await Promise.all([factsOf(one), factsOf(other)]);
  return facts !== undefined && facts.ino === others?.ino && facts.dev === others.dev;
}

async function factsOf(path: string): Promise<BigIntStats | undefined> {
  return await stat(path, { bigint: true }).catch(() => undefined);
}

async function placeOf(path: string): Promise<string> {
  const whole = resolve(path);
  const folder = () => realpath(dirname(whole)).then((found) => join(found, basename(whole)));
  return await realpath(whole).catch(folder).catch(() => whole);
}
