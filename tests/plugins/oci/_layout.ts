/** Layouts on disk. */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LayoutStore } from "../../../plugins/oci/layout.ts";
import { INDEX } from "./_model.ts";

/** A layout, removed at the end of its scope. */
export type TestLayout = AsyncDisposable & {
  /** The folder that holds the layout's, and may hold others. */
  readonly folder: string;
  readonly path: string;
  readonly store: LayoutStore;
};

/** Makes an empty layout of a folder. */
export async function makeLayout(path: string): Promise<void> {
  await mkdir(join(path, "blobs", "sha256"), { recursive: true });
  await writeFile(join(path, "oci-layout"), '{"imageLayoutVersion": "1.0.0"}');
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [] };
  await writeFile(join(path, "index.json"), JSON.stringify(index));
}

/** A new, empty layout. */
export async function newLayout(): Promise<TestLayout> {
  const folder = await mkdtemp(join(tmpdir(), "layout-"));
  const path = join(folder, "model");
  await makeLayout(path);
  return {
    folder,
    path,
    store: new LayoutStore(path),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
