/** What the tests of registries and layouts share. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import { ModelSigningError } from "../../../core/errors.ts";
import { attach, bundleArtifact } from "../../../plugins/oci/attach.ts";
import { type AttachedBundle, attachedBundles } from "../../../plugins/oci/attached_bundles.ts";
import type { Descriptor } from "../../../plugins/oci/descriptor.ts";
import type { OciDigest } from "../../../plugins/oci/digest.ts";
import { EMPTY_CONFIG } from "../../../plugins/oci/media_types.ts";
import { RegistryStore } from "../../../plugins/oci/registry.ts";
import type { OciStore } from "../../../plugins/oci/store.ts";
import type { RegistrySettings } from "../../../plugins/oci/transport.ts";

/** The repository of the tests. */
export const REPOSITORY = "models/bert";

/** The media type of manifests. */
export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** The media type of indexes. */
export const INDEX = "application/vnd.oci.image.index.v1+json";

/** The type of the statements in the bundles. */
export const PREDICATE_TYPE = "https://model_signing/signature/v1.0";

/** A client of the tests' repository. */
export function storeAt(host: string, settings: RegistrySettings = {}): RegistryStore {
  return new RegistryStore({ registry: host, repository: REPOSITORY }, settings);
}

/** A text in UTF-8. */
export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** A value as JSON. */
export function jsonBytes(value: unknown): Uint8Array {
  return utf8(JSON.stringify(value));
}

/** Pushes a model of one layer, and gives its manifest and its layer. */
export async function pushModel(
  store: OciStore,
  weights: string = "the weights",
  tag: string | undefined = "v1",
): Promise<
  { readonly manifest: Descriptor; readonly layer: Descriptor; readonly bytes: Uint8Array }
> {
  const layer = await store.pushBlob(utf8(weights), "application/octet-stream", {});
  const config = await store.pushBlob(utf8("{}"), EMPTY_CONFIG, {});
  const bytes = jsonBytes({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] });
  return { manifest: await store.pushManifest(bytes, {}, tag), layer, bytes };
}

/** Attaches a bundle, or what stands for one. */
export async function attachText(
  store: OciStore,
  subject: Descriptor,
  bundle: string,
): Promise<Descriptor> {
  const created = new Date("2026-01-02T03:04:05.678Z");
  return await attach(store, subject, bundleArtifact(utf8(bundle), PREDICATE_TYPE, created), {});
}

/** Everything that is attached. */
export async function attachedTo(
  store: OciStore,
  subject: OciDigest,
): Promise<readonly AttachedBundle[]> {
  return await Array.fromAsync(attachedBundles(store, subject, {}));
}

/** Digests of what is attached and can be used, sorted. */
export async function usable(store: OciStore, subject: OciDigest): Promise<readonly string[]> {
  const all = await attachedTo(store, subject);
  return all.filter((each) => "bundle" in each).map(({ descriptor }) => descriptor.digest).sort();
}

/** A stream as text. */
export async function textIn(stream: ReadableStream<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream as unknown as AsyncIterable<Uint8Array>))
    .toString();
}

/** The fault that a run ends with. */
export async function faultOf(run: Promise<unknown>): Promise<ModelSigningError> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, `no fault, but ${inspect(error)}`);
  return error;
}

/** The code of the fault that a run ends with. */
export async function codeOf(run: Promise<unknown>): Promise<string> {
  return (await faultOf(run)).code;
}

/** Everything that can be seen of a value. */
export function shown(value: unknown): string {
  const { stack, cause } = value as Error;
  return [
    inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    JSON.stringify(value, Object.getOwnPropertyNames(value)),
    stack,
    cause === undefined ? "" : shown(cause),
  ].join("\n");
}
