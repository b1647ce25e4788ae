/** Descriptors (OCI image 1.1, "Content Descriptors"). */

import { ModelSigningError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { digestProblem, type OciDigest } from "./digest.ts";
import {
  type Annotations,
  annotationsOf,
  malformed,
  mediaTypeOf,
  objectOf,
  readableAnnotations,
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
  const annotations = annotationsOf(json["annotations"], `${where}.annotations`);
  return {
    ...contentOf(json, where),
    ...(annotations === undefined ? {} : { annotations }),
    ...artifactTypeOf(json["artifactType"], `${where}.artifactType`),
    ...platformOf(json["platform"], `${where}.platform`),
  };
}

/**
 * Reads a descriptor in a list that others add to, of which only the content counts: what else it says are claims, and
 * those that cannot be read are none.
 *
 * @throws {ModelSigningError} `OCI_MANIFEST`
 */
export function parseListed(json: JsonObject, where: string): Descriptor {
  const annotations = readableAnnotations(json["annotations"]);
  return {
    ...contentOf(json, where),
    ...(annotations === undefined ? {} : { annotations }),
    ...claimed(() => artifactTypeOf(json["artifactType"], "artifactType")),
    ...claimed(() => platformOf(json["platform"], "platform")),
  };
}

function claimed<T extends object>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ModelSigningError) return undefined;
    throw error;
  }
}

function contentOf(
  json: JsonObject,
  where: string,
): Pick<Descriptor, "mediaType" | "digest" | "size"> {
  const digest = textOf(json["digest"], `${where}.digest`);
  const problem = digestProblem(digest);
  if (problem !== undefined) throw malformed(`${where}.digest ${problem}`);
  return {
    mediaType: mediaTypeOf(json["mediaType"], `${where}.mediaType`),
    digest: digest as OciDigest,
    size: sizeOf(json["size"], `${where}.size`),
  };
}

/** cosign 3.1 and others write an empty text where there is none. */
function artifactTypeOf(
  value: Json | undefined,
  where: string,
): Pick<Descriptor, "artifactType"> {
  return value === undefined || value === "" ? {} : { artifactType: mediaTypeOf(value, where) };
}

function platformOf(value: Json | undefined, where: string): Pick<Descriptor, "platform"> {
  if (value === undefined || value === null) return {};
  return { platform: parsePlatform(objectOf(value, where), where) };
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
