/** A small model on disk for the examples: configuration, tokenizer, two files of weights. */

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that disappears when it is disposed of. */
export type SampleModel = AsyncDisposable & { readonly path: string };

/** Makes the model in a new temporary folder. */
export async function sampleModel(): Promise<SampleModel> {
  const parent = await mkdtemp(join(tmpdir(), "model-signing-"));
  const path = join(parent, "tiny-model");
  await mkdir(join(path, "weights"), { recursive: true });
  await writeFile(join(path, "config.json"), JSON.stringify({ model_type: "tiny", layers: 2 }));
  await writeFile(join(path, "tokenizer.json"), JSON.stringify({ vocab: ["a", "b", "c"] }));
  for (const part of ["00001", "00002"]) {
    const name = `model-${part}-of-00002.safetensors`;
    await writeFile(join(path, "weights", name), randomBytes(1_000_000));
  }
  return { path, [Symbol.asyncDispose]: () => rm(parent, { recursive: true, force: true }) };
}
