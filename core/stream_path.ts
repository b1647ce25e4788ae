/** Paths that lead to a stream or a device: a file in their place would be one in everybody's way. */

import { type BigIntStats, fstatSync } from "node:fs";
import { readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/**
 * What is at a path that a file must not take the place of; undefined for nothing, a file, and a folder.
 *
 * @param facts of what the path leads to, if it leads anywhere
 */
export async function streamAt(
  path: string,
  facts: BigIntStats | undefined,
): Promise<string | undefined> {
  if (facts?.isDirectory()) return undefined;
  if (facts !== undefined && !facts.isFile()) return "a device, FIFO or socket";
  const stream = facts && STREAMS.find((_, descriptor) => isOpenAs(descriptor, facts));
  if (stream !== undefined) return `the ${stream} of this process`;
  return await leadsToSystem(path) ? "among the system's devices and processes" : undefined;
}

/** By their descriptors. What is written there would go to a file that has no name any more. */
const STREAMS = ["standard input", "standard output", "standard error"];

function isOpenAs(descriptor: number, { dev, ino }: BigIntStats): boolean {
  try {
    const open = fstatSync(descriptor, { bigint: true });
    return open.dev === dev && open.ino === ino;
  } catch {
    // It is closed.
    return false;
  }
}

/** Folders of the system; `/dev/shm` is for files of anybody. */
const SYSTEM = /^\/(?:proc|dev(?!\/shm(?:\/|$)))(?:\/|$)/;

/** As many as Linux follows. */
const MAX_LINKS = 40;

/** Whether a path, or a link that it leads to, is one of the system's, wherever that leads: `/dev/stdout` to a file. */
async function leadsToSystem(path: string): Promise<boolean> {
  let at = path;
  try {
    for (let links = 0; links < MAX_LINKS; links++) {
      const folder = await realpath(dirname(at));
      if (SYSTEM.test(folder)) return true;
      at = resolve(folder, await readlink(join(folder, basename(at))));
    }
  } catch {
    // The links end here, or at a folder that is not there, which writing will find out.
  }
  return false;
}
