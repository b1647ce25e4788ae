/** Pulling without a signature. */

import type { RunOptions } from "../../core/options.ts";
import type { PullInput } from "../../core/source.ts";
import type { OciModel } from "../../plugins/oci/open_model.ts";
import type { OciSource } from "../../plugins/oci/source.ts";

/** Pulls a model as if all that it lists was signed, by us. */
export async function pullAll(
  { source, puller }: Pick<OciModel, "source" | "puller">,
  input: Omit<PullInput, "signed">,
  options: RunOptions,
): Promise<void> {
  const files = (source as OciSource).blobs.filter((blob) => !("isLayer" in blob) || blob.isLayer);
  const signed = new Set(files.map(({ name }) => name));
  await puller.pull({ ...input, signed }, options);
}
