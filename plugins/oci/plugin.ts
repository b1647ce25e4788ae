/** Models in registries, layouts and manifests. */

import { CONTRACT_VERSION, type Plugin } from "../../core/plugin.ts";
import { attachCommand } from "./attach_command.ts";
import { discoverCommand } from "./discover_command.ts";
import { manifestFile } from "./manifest_file.ts";
import { layoutModels, registryModels } from "./stored_models.ts";

/** Provides the sources `oci`, `oci-layout` and `oci-manifest`, and the commands `attach` and `discover`. */
export const ociPlugin: Plugin = {
  name: "oci",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [registryModels, layoutModels, manifestFile, attachCommand, discoverCommand],
};
