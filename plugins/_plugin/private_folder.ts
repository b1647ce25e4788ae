/** Folders that only this user can enter, for what is needed for a moment. */

import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { quote } from "../../core/text.ts";
import { requireSafeWay } from "./place.ts";

/** Those that are there. */
const folders = new Set<string>();

/** A new folder, mode 0700. It goes when it is disposed of, at the latest when this process ends by itself. */
export class PrivateFolder implements AsyncDisposable {
  /** Absolute, free of symbolic links. */
  readonly path: string;

  /**
   * Makes one in a folder that exists.
   *
   * @throws {ModelSigningError} `PLUGIN_UNSAFE` where others could put another in its place
   * @throws what the system says
   */
  static async in(place: string): Promise<PrivateFolder> {
    await requireSafeWay(place, `folder ${quote(place)}`);
    const path = await realpath(await mkdtemp(join(place, "model-signing-plugin-")));
    if (folders.size === 0) process.once("exit", removeAll);
    folders.add(path);
    return new PrivateFolder(path);
  }

  private constructor(path: string) {
    this.path = path;
  }

  /** Removes it with everything in it. Throws what the system says. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    folders.delete(this.path);
    if (folders.size === 0) process.off("exit", removeAll);
  }
}

function removeAll(): void {
  for (const path of folders) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Nobody is left to be told.
    }
  }
}
