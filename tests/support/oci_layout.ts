/** Image layouts for tests, written without the code that is tested. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode, type Loose, sha256 } from "./bundles.ts";
import { MANIFEST_TYPE, manifestOf, type TestLayer } from "./oci_manifests.ts";

/** What is in a layout. */
export type LayoutContent = {
  readonly layers: readonly TestLayer[];
  readonly config?: string;
  /** Default: the manifest has none. */
  readonly tag?: string;
  /** Takes the place of the manifest that the layers make. */
  readonly manifest?: Loose;
};

/** Writes a layout with one manifest, and gives the manifest's bytes. */
export function writeLayout(
  folder: string,
  { layers, config = '{"c":1}', tag, manifest = manifestOf(layers, config) }: LayoutContent,
): Uint8Array {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  const bytes = encode(manifest);
  for (const content of [...layers.map(({ content }) => content), config, bytes]) {
    writeFileSync(join(folder, "blobs/sha256", sha256(content)), content);
  }
  writeFileSync(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const annotations = tag === undefined ? {} : {
    annotations: { "org.opencontainers.image.ref.name": tag },
  };
  writeFileSync(
    join(folder, "index.json"),
    encode({
      schemaVersion: 2,
      manifests: [{
        mediaType: manifest.mediaType ?? MANIFEST_TYPE,
        digest: `sha256:${sha256(bytes)}`,
        size: bytes.length,
        ...annotations,
      }],
    }),
  );
  return bytes;
}
