/** Artifacts that refer to a manifest: signatures, in the form of cosign 3. */

import { Buffer } from "node:buffer";
import type { RunOptions } from "../../core/options.ts";
import { isoTime } from "../_x509/mod.ts";
import type { Descriptor } from "./descriptor.ts";
import { encode } from "./index_json.ts";
import { EMPTY_CONFIG, OCI_MANIFEST, SIGSTORE_BUNDLE } from "./media_types.ts";
import type { Annotations } from "./members.ts";
import type { OciWriter } from "./store.ts";

/** What is attached. */
export type Artifact = {
  readonly artifactType: string;
  readonly layers: readonly { readonly mediaType: string; readonly bytes: Uint8Array }[];
  readonly annotations?: Annotations;
};

/**
 * Stores an artifact as a referrer of a manifest: its blobs first, then its manifest, then, where the store does not
 * do that itself, its place in the list of referrers. No tag leads to it, so a failure leaves nothing that is found.
 *
 * @param subject the manifest that it is about
 * @returns the artifact's manifest
 * @throws {ModelSigningError} as {@link OciWriter} does
 */
export async function attach(
  store: OciWriter,
  subject: Descriptor,
  { artifactType, layers, annotations }: Artifact,
  options: RunOptions,
): Promise<Descriptor> {
  const config = await store.pushBlob(new Uint8Array(Buffer.from("{}")), EMPTY_CONFIG, options);
  const pushed: Descriptor[] = [];
  for (const { bytes, mediaType } of layers) {
    pushed.push(await store.pushBlob(bytes, mediaType, options));
  }
  const { mediaType, digest, size } = subject;
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType,
    config,
    layers: pushed,
    subject: { mediaType, digest, size },
    ...(annotations ? { annotations } : {}),
  };
  return await store.pushManifest(encode(manifest), options);
}

/**
 * A Sigstore bundle as cosign 3 attaches one.
 *
 * @param predicateType of the statement in the bundle's envelope
 * @param created when it was made, to the second
 */
export function bundleArtifact(bundle: Uint8Array, predicateType: string, created: Date): Artifact {
  return {
    artifactType: SIGSTORE_BUNDLE,
    layers: [{ mediaType: SIGSTORE_BUNDLE, bytes: bundle }],
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": predicateType,
      "org.opencontainers.image.created": isoTime(created),
    },
  };
}
