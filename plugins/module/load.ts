/** From a path to a plugin. */

import { createHash } from "node:crypto";
import { extname } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { type ErrorDetails, ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Plugin } from "../../core/plugin.ts";
import { excerpt, quote } from "../../core/text.ts";
import { across, guardPlugin, safeFile } from "../_plugin/mod.ts";
import { pluginHost } from "./host.ts";
import { withPrivateCopy } from "./private_copy.ts";

/** How a plugin is loaded. */
export type ModuleOptions = {
  /** Lowercase hex; a file with another SHA-256 is refused. */
  readonly sha256?: string;
  /** Paths of models: a plugin in one of them is refused. */
  readonly outside: readonly string[];
  /** A folder of the user's own for a short-lived copy; the system's folder for temporary files without it. */
  readonly cacheFolder?: string;
  /** Such as `process.env`. Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/** A plugin and what it was made of. */
export type LoadedModule = {
  readonly plugin: Plugin;
  /** Lowercase hex, of the file. */
  readonly sha256: string;
};

/** Bytes of a plugin with everything that it depends on; the program itself has 2 MB. */
export const MAX_PLUGIN_BYTES: number = 32 * 1024 * 1024;

/** What both runtimes take for a module, by its name. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  ".js": ".mjs",
  ".mjs": ".mjs",
  ".ts": ".mts",
  ".mts": ".mts",
};

/** Whether a file of this name is taken for a module; every other one is a program, if anything. */
export function isModule(path: string): boolean {
  return extname(path).toLowerCase() in EXTENSIONS;
}

/**
 * Loads an ES module: one file that is read once. What was read is what is checked, copied and run, so nothing can be
 * swapped in between.
 *
 * @throws {ModelSigningError} `USAGE_PLUGIN_PATH`, `PLUGIN_NOT_FOUND`, `PLUGIN_UNSAFE`, `PLUGIN_DIGEST_MISMATCH`,
 * `PLUGIN_UNLOADABLE`, `PLUGIN_CONTRACT`, `PLUGIN_MALFORMED`, `PLUGIN_TIMEOUT`, `ABORTED`, and what the plugin throws
 */
export async function loadModule(
  path: string,
  options: ModuleOptions,
  run: RunOptions = {},
): Promise<LoadedModule> {
  const { bytes } = await safeFile(path, { outside: options.outside, limit: MAX_PLUGIN_BYTES });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (options.sha256 !== undefined && options.sha256 !== sha256) {
    throw new ModelSigningError(
      "PLUGIN_DIGEST_MISMATCH",
      `plugin ${quote(path)} has the SHA-256 ${sha256}, configured is ${options.sha256}`,
      {
        hint:
          "if you changed the plugin yourself, change its digest in the configuration file, too",
      },
    );
  }
  const extension = EXTENSIONS[extname(path).toLowerCase()];
  if (extension === undefined) {
    throw unloadable(path, "it is no .js, .mjs, .ts or .mts file");
  }
  refuseNodePath(options.environment ?? process.env);
  const who = `plugin ${quote(path)}`;
  const namespace = await withPrivateCopy(
    `plugin${extension}`,
    bytes,
    options.cacheFolder,
    (copy) =>
      across({
        who,
        what: "loading",
        options: run,
        steps: 1,
        run: () => imported(pathToFileURL(copy).href, path),
        read: (found) => found as { readonly default?: unknown },
      }),
  );
  const factory = namespace.default;
  if (typeof factory !== "function") {
    throw unloadable(path, "it has no default export that is a function", {
      hint: "a plugin exports: export default (host) => ({ name, version, contract, providers })",
    });
  }
  const plugin = await across({
    who,
    what: "its default export",
    options: run,
    steps: 1,
    run: () => factory(pluginHost),
    read: (found) => found,
  });
  return { plugin: guardPlugin(plugin, quote(path)), sha256 };
}

async function imported(url: string, path: string): Promise<unknown> {
  try {
    return await import(url);
  } catch (cause) {
    // Bun gives all the syntax errors of a file at once.
    const first = cause instanceof AggregateError ? cause.errors[0] : cause;
    const message = first instanceof Error ? first.message : String(first);
    const [line = ""] = message.split("\n");
    const unbundled = /cannot find|not found|not a dependency/i.test(message);
    throw unloadable(path, excerpt(line), {
      cause,
      ...(unbundled
        ? { hint: "a plugin is one file: bundle it with what it imports, but for node: modules" }
        : {}),
    });
  }
}

/** Bun looks for imports in these folders, too, which may be relative to the current one. */
function refuseNodePath(environment: Readonly<Record<string, string | undefined>>): void {
  if ((environment["NODE_PATH"] ?? "") === "") return;
  throw new ModelSigningError(
    "PLUGIN_UNSAFE",
    "plugins are not loaded while NODE_PATH is set: what it names could be imported in their place",
    { hint: "unset NODE_PATH" },
  );
}

function unloadable(
  path: string,
  reason: string,
  details: ErrorDetails = {},
): ModelSigningError {
  return new ModelSigningError(
    "PLUGIN_UNLOADABLE",
    `cannot load plugin ${quote(path)}: ${reason}`,
    details,
  );
}
