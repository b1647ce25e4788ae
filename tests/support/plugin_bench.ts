/** A workbench for plugins: a model, folders of a user's own, and the program that finds plugins in them. */

import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { cli, type CliOptions } from "./cli.ts";
import type { Outcome } from "./outcome.ts";
import { type Workbench, workbench } from "./workbench.ts";

/** The workbench; the user's folders are in it. */
export type PluginBench = Workbench & {
  /** What the program finds these folders by. */
  readonly env: Readonly<Record<string, string>>;
  /** The user's configuration file, which does not exist yet. */
  readonly config: string;
  /** Writes a plugin and gives its absolute path. */
  plugin(name: string, source: string, mode?: number): Promise<string>;
  /** Runs the program in the workbench. */
  run(args: readonly string[], options?: CliOptions): Promise<Outcome>;
};

/** A new workbench. */
export async function pluginBench(): Promise<PluginBench> {
  const bench = await workbench();
  const env = {
    XDG_CONFIG_HOME: join(bench.path, "config"),
    XDG_CACHE_HOME: join(bench.path, "cache"),
  };
  return {
    ...bench,
    env,
    config: join(env.XDG_CONFIG_HOME, "model-signing", "config.json"),
    async plugin(name, source, mode = 0o644) {
      const path = join(bench.path, "plugins", name);
      await bench.write({ [join("plugins", name)]: source });
      await chmod(path, mode);
      return path;
    },
    run: (args, options = {}) =>
      cli(args, { cwd: bench.path, ...options, env: { ...env, ...options.env } }),
  };
}
