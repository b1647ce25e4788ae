/** Settings for a plugin whose options are no flags of the command line. */

import type { Option, Plugin, Settings, SettingValue } from "../core/mod.ts";
import { environmentName, environmentText, readText, usageError } from "./option.ts";

/**
 * What `--set OPTION=VALUE` and the environment say, read as the plugin's own flags would be.
 *
 * @throws {ModelSigningError} `USAGE`
 */
export function pluginSettings(
  { providers }: Plugin,
  given: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const options = providers.flatMap((provider) => "options" in provider ? provider.options : []);
  const settings: Record<string, SettingValue> = {};
  for (const option of options) {
    const text = environmentText(environment, option);
    if (text !== "" && option.fromEnvironment !== false) {
      settings[option.name] = read(option, environmentName(option), text);
    }
  }
  const set = new Set<string>();
  for (const pair of given) {
    const at = pair.indexOf("=");
    // A secret may stand behind the sign, and is not repeated.
    const name = at < 0 ? pair : pair.slice(0, at);
    const option = options.find((option) => option.name === name);
    if (option === undefined || at < 0) {
      throw usageError(
        at < 0 ? "--set is not of the form OPTION=VALUE" : `the plugin has no such option: ${name}`,
        `its options are: ${options.map(({ name }) => name).join(", ") || "none"}`,
      );
    }
    const value = read(option, `--set ${name}`, pair.slice(at + 1));
    const before = set.has(name) ? settings[name] : undefined;
    settings[name] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
    set.add(name);
  }
  return settings;
}

function read(option: Option, what: string, text: string): SettingValue {
  const reading = readText(option, text);
  if (reading.ok) return reading.value;
  throw usageError(`${what} ${reading.problem}`);
}
