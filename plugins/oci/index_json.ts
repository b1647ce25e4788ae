/** Adding to indexes that others wrote, without losing what they put in. */

import { Buffer } from "node:buffer";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Descriptor } from "./descriptor.ts";
import { MAX_MANIFEST_BYTES } from "./limits.ts";
import { type ImageManifest, objectIn, type OciManifest, parseIndex } from "./manifest.ts";
import { OCI_INDEX } from "./media_types.ts";
import { malformed } from "./members.ts";

/** An index without manifests. */
export const EMPTY_INDEX: Uint8Array = encode({
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [],
});

/**
 * The index with a descriptor at its end. All members stay as they are, those too that are not known here.
 *
 * @param keep says how the descriptors stay
 * @param name for messages, safe to print
 * @throws {ModelSigningError} `OCI_MANIFEST` for an index that is malformed, or too large afterwards
 */
export function withDescriptor(
  index: Uint8Array,
  descriptor: Descriptor,
  name: string,
  keep: (json: JsonObject) => JsonObject = (json) => json,
): Uint8Array {
  parseIndex(index, { name, mediaType: OCI_INDEX });
  const json = objectIn(index, name);
  const manifests = (json["manifests"] as readonly Json[] | null ?? []).map((each) =>
    isObject(each) ? keep(each) : each
  );
  const bytes = encode({ ...json, manifests: [...manifests, descriptor as unknown as JsonObject] });
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw malformed(`${name} would have ${bytes.length} bytes, more than ${MAX_MANIFEST_BYTES}`);
  }
  return bytes;
}

/** A manifest's descriptor as an index of referrers has it: with the artifact type and the annotations. */
export function referrerDescriptor(descriptor: Descriptor, manifest: OciManifest): Descriptor {
  const artifactType = manifest.artifactType ?? (manifest as ImageManifest).config?.mediaType;
  const { annotations } = manifest;
  return {
    ...descriptor,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** JSON as it is stored. */
export function encode(json: Json): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(json)));
}
