/** From a user's settings to the options of a model in a registry or a layout. */

import { type Hints, withHints } from "../../core/hint.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Settings } from "../../core/plugin.ts";
import { flagSetting, textSetting } from "../../core/settings.ts";
import { ignoredPaths, USAGE_IGNORE_PATH } from "./ignore_paths.ts";
import { type ListedModel, openModel } from "./open_model.ts";
import { registrySettings } from "./registry_options.ts";

const HINTS: Hints = { OCI_INDEX: "pick one with --platform", USAGE_IGNORE_PATH };

/** Opens a model as the settings say. Throws like {@link openModel} and {@link registrySettings}. */
export async function openFromSettings(
  reference: string,
  settings: Settings,
  options: RunOptions,
): Promise<ListedModel> {
  const platform = textSetting(settings, "platform");
  const deep = flagSetting(settings, "deep");
  // A layout needs no password, and stdin may be meant for something else.
  const registry = reference.startsWith("oci://") ? await registrySettings(settings, options) : {};
  const open = () =>
    openModel(reference, {
      ...options,
      ...registry,
      ignorePaths: ignoredPaths(settings),
      ...(platform === undefined ? {} : { platform }),
      ...(deep === undefined ? {} : { deep }),
    });
  return await withHints(HINTS, open);
}
