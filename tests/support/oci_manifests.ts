/** Manifests for tests, put together without the code that is tested. */

import { Buffer } from "node:buffer";
import type { Loose } from "./bundles.ts";
import { sha256 } from "./bundles.ts";

/** Media type of an OCI image manifest. */
export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** Media type of an OCI index. */
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
/** Annotation for a file's name. */
export const TITLE = "org.opencontainers.image.title";
/** ModelPack's annotation for a file's path. */
export const FILE_PATH = "org.cncf.model.filepath";

/** Content of a layer, and what its descriptor says. */
export type TestLayer = {
  readonly content: string | Uint8Array;
  readonly title?: string;
  readonly filepath?: string;
  readonly mediaType?: string;
};

/** A descriptor of content. */
export function descriptorOf(
  content: string | Uint8Array,
  mediaType = "application/octet-stream",
  annotations?: Readonly<Record<string, string>>,
): Loose {
  return {
    mediaType,
    digest: `sha256:${sha256(content)}`,
    size: Buffer.byteLength(content),
    ...(annotations ? { annotations } : {}),
  };
}

/** A layer's descriptor. */
export function layerOf({ content, title, filepath, mediaType }: TestLayer): Loose {
  const annotations = {
    ...(title === undefined ? {} : { [TITLE]: title }),
    ...(filepath === undefined ? {} : { [FILE_PATH]: filepath }),
  };
  return descriptorOf(
    content,
    mediaType,
    Object.keys(annotations).length > 0 ? annotations : undefined,
  );
}

/** An OCI image manifest as an object. */
export function manifestOf(layers: readonly TestLayer[], config: string = '{"c":1}'): Loose {
  return {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptorOf(config, "application/vnd.oci.image.config.v1+json"),
    layers: layers.map(layerOf),
  };
}

/** An index of two platforms as an object. */
export function indexOf(platforms: readonly Loose[]): Loose {
  return {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: platforms.map((platform) => ({
      ...descriptorOf(JSON.stringify(platform), MANIFEST_TYPE),
      platform,
    })),
  };
}
