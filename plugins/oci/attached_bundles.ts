/** Finding the Sigstore bundles that refer to a manifest. */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Descriptor } from "./descriptor.ts";
import type { OciDigest } from "./digest.ts";
import { isBundleMediaType } from "./media_types.ts";
import type { Annotations } from "./members.ts";
import { isOwnFault, type OciReader } from "./store.ts";

/** A referrer that holds a bundle, or that may. */
export type AttachedBundle =
  & {
    /** The referrer's manifest. */
    readonly descriptor: Descriptor;
  }
  & (
    | {
      /** The bundle itself; not fetched yet. */
      readonly bundle: Descriptor;
      /** Of the referrer's manifest, such as `dev.sigstore.bundle.predicateType`. Claims. */
      readonly annotations: Annotations;
    }
    /** Why it cannot be used: it is missing, malformed, or about something else. No reason to end the search. */
    | { readonly problem: ModelSigningError }
  );

/**
 * Bundles that refer to a manifest. What a list says of a referrer's type is not believed, since cosign 3.1 writes
 * another one there: the manifest of each is fetched, and has to have a bundle's artifact type or a single layer with
 * its media type. Referrers of other kinds are left out.
 *
 * @throws {ModelSigningError} as {@link OciReader.referrers} does
 */
export async function* attachedBundles(
  store: OciReader,
  subject: OciDigest,
  options: RunOptions,
): AsyncGenerator<AttachedBundle> {
  for await (const descriptor of store.referrers(subject, options)) {
    try {
      const found = await bundleOf(store, descriptor, subject, options);
      if (found) yield { descriptor, ...found };
    } catch (error) {
      if (!isOwnFault(error)) throw error;
      yield { descriptor, problem: error };
    }
  }
}

async function bundleOf(
  store: OciReader,
  { digest }: Descriptor,
  subject: OciDigest,
  options: RunOptions,
): Promise<{ readonly bundle: Descriptor; readonly annotations: Annotations } | undefined> {
  const name = `referrer ${digest} in ${store.name}`;
  const { manifest } = await store.resolve({ digest }, options);
  if (manifest.kind !== "manifest") return undefined;
  const { artifactType, layers, annotations = {} } = manifest;
  const bundles = layers.filter(({ mediaType }) => isBundleMediaType(mediaType));
  if (bundles.length === 0 && !(artifactType !== undefined && isBundleMediaType(artifactType))) {
    return undefined;
  }
  if (manifest.subject?.digest !== subject) {
    const found = manifest.subject ? `is about ${manifest.subject.digest}` : "has no subject";
    throw new ModelSigningError("OCI_MANIFEST", `${name} ${found}, expected ${subject}`);
  }
  const [bundle] = bundles;
  if (!bundle || layers.length !== 1) {
    throw new ModelSigningError(
      "OCI_MANIFEST",
      `${name} has ${layers.length} layers, expected one with a bundle`,
    );
  }
  return { bundle, annotations };
}
