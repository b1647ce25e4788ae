/** From a reference to a model. */

import { basename, resolve } from "node:path";
import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { ManifestSource, Puller } from "../../core/source.ts";
import { quote } from "../../core/text.ts";
import { platformName } from "./descriptor.ts";
import { digestOf, type OciDigest } from "./digest.ts";
import { type EntryOf, fetchedEntries, localEntries, statedEntry } from "./entries.ts";
import { canonicalPaths } from "./ignore_paths.ts";
import { LayoutStore } from "./layout.ts";
import type { ImageManifest } from "./manifest.ts";
import { parsePlatform, pickManifest } from "./platform.ts";
import { OciPuller } from "./puller.ts";
import { type OciReference, parseReference, referenceText } from "./reference.ts";
import { RegistryStore } from "./registry.ts";
import { OciSignatures } from "./signature_store.ts";
import { OciSource } from "./source.ts";
import type { OciStore, Resolved } from "./store.ts";
import type { RegistrySettings } from "./transport.ts";

/** How a model is opened. `signal` and `logger` of the run apply to the opening. */
export type OciModelOptions = RunOptions & RegistrySettings & {
  /** Which manifest of an index is the model: `linux/arm64`, `linux/arm64/v8`. */
  readonly platform?: string;
  /**
   * Hash the layers themselves instead of taking their digests from the manifest. Default: only in a layout, where they
   * are on this machine.
   */
  readonly deep?: boolean;
  /** Layers to leave out, by the names of their resources, or folders of them. */
  readonly ignorePaths?: readonly string[];
};

/** A model in a registry or a layout, with everything that can be done to it. */
export type OciModel = {
  readonly source: ManifestSource;
  readonly signatures: OciSignatures;
  readonly puller: Puller;
  /** `oci://HOST/NAME@DIGEST` or `oci-layout:PATH@DIGEST`: what was opened, whatever a tag leads to later. */
  readonly pinned: string;
};

/**
 * Opens a model. A tag is followed once: from then on the model is the manifest that it led to.
 *
 * ```ts no-run
 * const { pinned, signatures } = await openOciModel("oci://registry.example/models/bert:v1");
 * for await (const { reference, bundle } of signatures.discover({})) {
 *   console.log(pinned, reference, bundle.ok);
 * }
 * ```
 *
 * @param text `oci://…` or `oci-layout:…`
 * @throws {ModelSigningError} `USAGE_OCI_REFERENCE`, `USAGE`, `USAGE_IGNORE_PATH`, `OCI_INDEX` when no manifest of an index
 * was picked, `MODEL_REFUSED` for an index of indexes, `MODEL_EMPTY`, and what the registry or the layout throws
 */
export async function openOciModel(text: string, options: OciModelOptions = {}): Promise<OciModel> {
  return await openModel(text, options);
}

/** A model with what its manifest lists. */
export type ListedModel = OciModel & { readonly source: OciSource };

/** {@link openOciModel} for those who look at the manifest, too. */
export async function openModel(text: string, options: OciModelOptions): Promise<ListedModel> {
  const reference = parseReference(text);
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const ignorePaths = canonicalPaths(options.ignorePaths ?? []);
  const { store, entryOf } = storeOf(reference, options);
  let found = await store.resolve(reference, options);
  if (found.manifest.kind === "index") {
    const { digest } = pickManifest(found.manifest, platform, quote(text));
    found = await store.resolve({ digest }, options);
  } else if (platform !== undefined) {
    options.logger?.log("warn", "the platform is not compared: this is a manifest, and no index", {
      platform: platformName(platform),
    });
  }
  const pinned = pinnedText(reference, found.descriptor.digest);
  options.logger?.log("info", "the model is this manifest", { reference: pinned });
  const source = new OciSource({
    name: nameOf(reference),
    manifest: imageManifest(found, quote(text)),
    // The descriptor's is of another algorithm when it was asked for by that.
    digest: digestOf(found.bytes),
    ignorePaths,
    entryOf,
  });
  return {
    source,
    signatures: new OciSignatures(store, found.descriptor),
    puller: new OciPuller(store, source),
    pinned,
  };
}

function storeOf(
  reference: OciReference,
  options: OciModelOptions,
): { readonly store: OciStore; readonly entryOf: EntryOf } {
  if (reference.kind === "layout") {
    const store = new LayoutStore(reference.path);
    return { store, entryOf: options.deep ?? true ? localEntries(store) : statedEntry };
  }
  const store = new RegistryStore(reference, options);
  return { store, entryOf: options.deep ?? false ? fetchedEntries(store) : statedEntry };
}

function imageManifest({ manifest }: Resolved, name: string): ImageManifest {
  if (manifest.kind === "manifest") return manifest;
  throw new ModelSigningError("MODEL_REFUSED", `${name} is an index of indexes`);
}

function pinnedText(reference: OciReference, digest: OciDigest): string {
  const { tag: _, ...untagged } = reference;
  return referenceText({ ...untagged, digest });
}

function nameOf(reference: OciReference): string {
  if (reference.kind === "registry") return `${reference.registry}/${reference.repository}`;
  return basename(resolve(reference.path)) || "root";
}
