/** From a reference to a model. */

import { basename, resolve } from "node:path";
import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Settings } from "../../core/plugin.ts";
import { quote } from "../../core/text.ts";
import { digestOf } from "./digest.ts";
import { fetchedEntries, localEntries } from "./entries.ts";
import { ignoredPaths } from "./ignore_paths.ts";
import { LayoutStore } from "./layout.ts";
import type { ImageManifest } from "./manifest.ts";
import { parsePlatform, pickManifest } from "./platform.ts";
import { OciPuller } from "./puller.ts";
import { type OciReference, parseReference, referenceText } from "./reference.ts";
import { RegistryStore } from "./registry.ts";
import { registrySettings } from "./registry_options.ts";
import { OciSignatures } from "./signature_store.ts";
import { OciSource } from "./source.ts";
import type { OciStore, Resolved } from "./store.ts";

/** A model in a registry or a layout, with everything that can be done to it. */
export type OpenedModel = {
  readonly source: OciSource;
  readonly signatures: OciSignatures;
  readonly puller: OciPuller;
  /** `oci://HOST/NAME@DIGEST` or `oci-layout:PATH@DIGEST`: what was opened, whatever a tag leads to later. */
  readonly pinned: string;
};

/**
 * Opens a model.
 *
 * @param text `oci://…` or `oci-layout:…`
 * @throws {ModelSigningError} `USAGE_OCI_REFERENCE`, `USAGE`, `MODEL_REFUSED` for an index of which no manifest was picked,
 * `MODEL_EMPTY`, and what the registry or the layout throws
 */
export async function openModel(
  text: string,
  settings: Settings,
  options: RunOptions,
): Promise<OpenedModel> {
  const reference = parseReference(text);
  const ignorePaths = ignoredPaths(settings);
  const asked = settings["platform"];
  const platform = typeof asked === "string" ? parsePlatform(asked) : undefined;
  const deep = settings["deep"];
  const { store, read, isLocal } = await openedStore(reference, settings, options);
  let found = await store.resolve(reference, options);
  if (found.manifest.kind === "index") {
    const { digest } = pickManifest(found.manifest, platform, quote(text));
    found = await store.resolve({ digest }, options);
  }
  const pinned = pinnedText(reference, found);
  options.logger?.log("info", "the model is this manifest", { reference: pinned });
  const source = new OciSource({
    name: nameOf(reference),
    manifest: imageManifest(found, quote(text)),
    digest: digestOf(found.bytes),
    ignorePaths,
    ...((deep ?? isLocal) ? { entryOf: read } : {}),
  });
  return {
    source,
    signatures: new OciSignatures(store, found.descriptor),
    puller: new OciPuller(store, source),
    pinned,
  };
}

async function openedStore(reference: OciReference, settings: Settings, options: RunOptions) {
  if (reference.kind === "layout") {
    const store = new LayoutStore(reference.path);
    return { store, read: localEntries(store), isLocal: true };
  }
  const store: OciStore = new RegistryStore(reference, await registrySettings(settings, options));
  return { store, read: fetchedEntries(store), isLocal: false };
}

function imageManifest({ manifest }: Resolved, name: string): ImageManifest {
  if (manifest.kind === "manifest") return manifest;
  throw new ModelSigningError("MODEL_REFUSED", `${name} is an index of indexes`);
}

function pinnedText(reference: OciReference, { descriptor: { digest } }: Resolved): string {
  const { tag: _, ...untagged } = reference;
  return referenceText({ ...untagged, digest } as OciReference);
}

function nameOf(reference: OciReference): string {
  if (reference.kind === "registry") return `${reference.registry}/${reference.repository}`;
  return basename(resolve(reference.path)) || "root";
}
