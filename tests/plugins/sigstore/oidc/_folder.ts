/** A fresh folder. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Removed at the end of its scope. */
export type Folder = AsyncDisposable & {
  /** A path in the folder. */
  at(name: string): string;
};

/** Makes the folder. */
export async function folder(): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), "model-signing-oidc-"));
  return {
    at: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
