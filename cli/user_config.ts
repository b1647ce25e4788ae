/** The user's configuration file: which plugins there are, and what is in them. */

import { join } from "node:path";
import {
  isObject,
  type Json,
  JsonError,
  ModelSigningError,
  parseJson,
  quote,
} from "../core/mod.ts";
import { safeFile } from "../plugins/mod.ts";

/** A plugin that is loaded when one is needed. */
export type ConfiguredPlugin = {
  /** Absolute. */
  readonly path: string;
  /** Of the file, lowercase hex. */
  readonly sha256: string;
};

/** What the user configured. */
export type UserConfig = { readonly plugins: readonly ConfiguredPlugin[] };

/** Bytes of a configuration file: thousands of plugins. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Values in one. */
const MAX_CONFIG_VALUES = 10_000;

/** The file in the user's folder for configuration. */
export function userConfigPath(folder: string): string {
  return join(folder, "config.json");
}

/**
 * Reads the configuration file; one that does not exist configures nothing.
 *
 * @throws {ModelSigningError} `PLUGIN_CONFIGURATION`; `PLUGIN_UNSAFE` when anybody could change it
 */
export async function readUserConfig(path: string): Promise<UserConfig> {
  let bytes: Uint8Array;
  try {
    ({ bytes } = await safeFile(path, {
      outside: [],
      limit: MAX_CONFIG_BYTES,
      what: "configuration file",
    }));
  } catch (error) {
    if (error instanceof ModelSigningError && error.code === "PLUGIN_NOT_FOUND") {
      return { plugins: [] };
    }
    throw error;
  }
  return { plugins: pluginsIn(parsed(bytes, path), path) };
}

function parsed(bytes: Uint8Array, path: string): Json {
  try {
    return parseJson(bytes, MAX_CONFIG_VALUES);
  } catch (error) {
    if (error instanceof JsonError) throw malformed(path, `it is not valid JSON: ${error.message}`);
    throw error;
  }
}

function pluginsIn(json: Json, path: string): readonly ConfiguredPlugin[] {
  if (!isObject(json)) throw malformed(path, "it is not a JSON object");
  const unknown = Object.keys(json).find((name) => name !== "plugins");
  if (unknown !== undefined) throw malformed(path, `it has the unknown member ${quote(unknown)}`);
  const plugins = json["plugins"] ?? [];
  if (!Array.isArray(plugins)) throw malformed(path, "plugins is not a list");
  return plugins.map((entry: Json, index) => {
    const where = `plugins[${index}]`;
    if (!isObject(entry)) throw malformed(path, `${where} is not an object`);
    const other = Object.keys(entry).find((name) => name !== "path" && name !== "sha256");
    if (other !== undefined) {
      throw malformed(path, `${where} has the unknown member ${quote(other)}`);
    }
    const { path: file, sha256 } = entry;
    if (typeof file !== "string") throw malformed(path, `${where}.path is not a string`);
    if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
      throw malformed(path, `${where}.sha256 is not 64 lowercase hex digits`);
    }
    return { path: file, sha256 };
  });
}

function malformed(path: string, problem: string): ModelSigningError {
  return new ModelSigningError(
    "PLUGIN_CONFIGURATION",
    `cannot use configuration file ${quote(path)}: ${problem}`,
    { hint: 'it looks like {"plugins": [{"path": "/opt/vault.js", "sha256": "..."}]}' },
  );
}
