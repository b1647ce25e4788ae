/** Keeping two runs of this program from changing one layout at the same time. */

import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, systemCode, systemReason, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { quote } from "../../core/text.ts";

const LOCK = ".model-signing.lock";

/** Limit of the wait when the run sets none. A lock is held for as long as it takes to write two small files. */
const DEFAULT_TIMEOUT_MS = 10_000;

const POLL_MS = 20;

/**
 * Runs `step` while this layout is locked. Programs other than this one do not know the lock.
 *
 * @throws {ModelSigningError} `FILE_UNWRITABLE` when it is not to be had, as when a run was killed while it held it
 */
export async function locked<T>(
  folder: string,
  options: RunOptions,
  step: () => Promise<T>,
): Promise<T> {
  const lock = join(folder, LOCK);
  const deadline = Date.now() + (options.timeout ?? DEFAULT_TIMEOUT_MS);
  while (!await take(lock)) {
    throwIfAborted(options.signal);
    if (Date.now() >= deadline) {
      throw new ModelSigningError(
        "FILE_UNWRITABLE",
        `cannot change layout ${quote(folder)}: it is locked by another run`,
        { hint: `when there is none, remove ${quote(lock)}` },
      );
    }
    await sleep(POLL_MS);
  }
  try {
    return await step();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await using _file = await open(lock, "wx", 0o666);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw new ModelSigningError(
      "FILE_UNWRITABLE",
      `cannot write ${quote(lock)}: ${systemReason(error)}`,
      { cause: error },
    );
  }
}
