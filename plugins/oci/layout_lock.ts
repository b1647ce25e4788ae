/** Keeping two runs of this program from changing one layout at the same time. */

import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, systemCode, systemReason, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { quote } from "../../core/text.ts";

const LOCK = ".model-signing.lock";

/** Longest wait. A lock is held for as long as it takes to write two small files. */
const MAX_WAIT_MS = 10_000;

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
  const deadline = Date.now() + Math.min(options.timeout ?? MAX_WAIT_MS, MAX_WAIT_MS);
  for (let attempt = 0; !await take(lock); attempt++) {
    throwIfAborted(options.signal);
    if (attempt === 0) {
      options.logger?.log("info", "waiting for another run to change the layout", { lock });
    }
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
