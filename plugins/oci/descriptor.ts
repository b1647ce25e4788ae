/** Descriptors (OCI image 1.1, "Content Descriptors"). */

import type { JsonObject } from "../../core/json.ts";
import { digestProblem, type OciDigest } from "./digest.ts";
import {
  type Annotations,
  annotationsOf,
  malformed,
  mediaTypeOf,
  objectOf,
  sizeOf,
  textOf,
} from "./members.ts";

/** What a manifest of an index is for. */
export type Platform = {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
};

/** Content by type, digest and size. `urls` and `data` are not read: content comes from where the manifest does. */
export type Descriptor = {
  readonly mediaType: string;
  readonly digest: OciDigest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Annotations;
  /** What the manifest that is described is. */
  readonly artifactType?: string;
  readonly platform?: Platform;
};

/**
 * Reads a descriptor.
 *
 * @param where names it in messages: `layers[3]`
 * @throws {ModelSigningError} `OCI_MANIFEST`
 */
export function parseDescriptor(json: JsonObject, where: string): Descriptor {
  const digest = textOf(json["digest"], `${where}.digest`);
  const problem = digestProblem(digest);
  if (problem !== undefined) throw malformed(`${where}.digest ${problem}`);
  const annotations = annotationsOf(json["annotations"], `${where}.annotations`);
  const { artifactType, platform } = json;
  return {
    mediaType: mediaTypeOf(json["mediaType"], `${where}.mediaType`),
    digest: digest as OciDigest,
    size: sizeOf(json["size"], `${where}.size`),
    ...(annotations === undefined ? {} : { annotations }),
    // cosign 3.1 and others write an empty text where there is none.
    ...(artifactType === undefined || artifactType === ""
      ? {}
      : { artifactType: mediaTypeOf(artifactType, `${where}.artifactType`) }),
    ...(platform === undefined || platform === null
      ? {}
      : { platform: parsePlatform(objectOf(platform, `${where}.platform`), `${where}.platform`) }),
  };
}

/** `linux/arm64/v8`, as `--platform` takes it; not escaped. */
export function platformName({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

function parsePlatform(json: JsonObject, where: string): Platform {
  const { variant } = json;
  return {
    os: textOf(json["os"], `${where}.os`),
    architecture: textOf(json["architecture"], `${where}.architecture`),
    ...(variant === undefined || variant === ""
      ? {}
      : { variant: textOf(variant, `${where}.variant`) }),
  };
}
