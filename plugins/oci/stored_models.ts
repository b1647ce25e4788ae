/** Models in registries and layouts as sources. */

import { hintedSource, type Hints } from "../../core/hint.ts";
import type { Option, SourceProvider } from "../../core/plugin.ts";
import { IGNORE_PATHS } from "./ignore_paths.ts";
import { openFromSettings } from "./model_settings.ts";
import { PLATFORM } from "./platform.ts";
import { REGISTRY_OPTIONS } from "./registry_options.ts";

/** Whether the layers themselves are hashed. */
const DEEP: Option = {
  name: "deep",
  type: "boolean",
  // Without it, the manifest's word is taken for what the layers are.
  fromEnvironment: false,
  description:
    "Hash the layers themselves, instead of taking their digests from the manifest; by default " +
    "only where they are on this machine",
};

const HINTS: Hints = { ENTRY_UNREADABLE: "--deep reads the layers themselves" };

const open: SourceProvider["open"] = async (reference, settings, options) => {
  const { source, ...model } = await openFromSettings(reference, settings, options);
  return { ...model, source: hintedSource(source, HINTS) };
};

/** Models in registries. */
export const registryModels: SourceProvider = {
  kind: "source",
  id: "oci",
  summary: "a model in a registry: oci://HOST/NAME:TAG or oci://HOST/NAME@DIGEST",
  options: [IGNORE_PATHS, DEEP, PLATFORM, ...REGISTRY_OPTIONS],
  keepsSignatures: true,
  open,
};

/** Models in image layouts on this machine. */
export const layoutModels: SourceProvider = {
  kind: "source",
  id: "oci-layout",
  summary: "a model in an OCI image layout: oci-layout:PATH, with :TAG or @DIGEST",
  options: [IGNORE_PATHS, DEEP, PLATFORM],
  keepsSignatures: true,
  open,
};
