/** From settings to the instance that they name. */

import type { Settings } from "../../../core/plugin.ts";
import { flagSetting, textSetting } from "../../../core/settings.ts";
import type { TrustChoice } from "./select.ts";

/** What `--use-staging`, `--trust-root`, `--trust-config` and `--tuf-root` say, where a command has them. */
export function trustChoice(settings: Settings): TrustChoice {
  const trustRoot = textSetting(settings, "trust-root");
  const trustConfig = textSetting(settings, "trust-config");
  const tufRoot = textSetting(settings, "tuf-root");
  return {
    useStaging: flagSetting(settings, "use-staging") ?? false,
    ...(trustRoot === undefined ? {} : { trustRoot }),
    ...(trustConfig === undefined ? {} : { trustConfig }),
    ...(tufRoot === undefined ? {} : { tufRoot }),
  };
}
