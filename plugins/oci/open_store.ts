/** From a reference to what it is kept in. */

import { LayoutStore } from "./layout.ts";
import type { OciReference } from "./reference.ts";
import { RegistryStore } from "./registry.ts";
import type { OciStore } from "./store.ts";
import type { RegistrySettings } from "./transport.ts";

/**
 * The repository or the layout of a reference. Nothing is opened yet.
 *
 * ```ts no-run
 * import { dockerCredentials, parseReference } from "./mod.ts";
 *
 * const reference = parseReference("oci://registry.example/models/bert:v1");
 * const store = openStore(reference, { credentials: dockerCredentials() });
 * const { descriptor, manifest } = await store.resolve(reference, {});
 * console.log(descriptor.digest, manifest.kind);
 * ```
 *
 * @param settings of registries; a layout needs none
 */
export function openStore(reference: OciReference, settings: RegistrySettings = {}): OciStore {
  return reference.kind === "layout"
    ? new LayoutStore(reference.path)
    : new RegistryStore(reference, settings);
}
