/** `plugin list` */

import { existsSync } from "node:fs";
import { jsonDocument, type Plugin, textSetting } from "../../core/mod.ts";
import { listExecutables } from "../../plugins/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import type { KnownPlugin, Origin } from "../plugin_set.ts";
import { hintOf } from "../report/faults.ts";
import { Page, pageStyle } from "../report/page.ts";

/**
 * Lists the plugins of this run: the built-in ones, those that are configured, and those that were named. Programs on PATH
 * are listed by their files: what they provide, only they could say. Gives 3 when a plugin cannot be used.
 */
export async function pluginList({ settings, io, plugins }: Invocation): Promise<ExitStatus> {
  const { configPath, unusable } = plugins;
  const programs = await listExecutables(io.env);
  if (textSetting(settings, "format") === "json") {
    const json = jsonDocument({
      schemaVersion: 1,
      ...(configPath === undefined ? {} : { configuration: configPath }),
      plugins: plugins.plugins.map(({ plugin, origin }) => ({
        name: plugin.name,
        version: plugin.version,
        contract: plugin.contract,
        origin,
        providers: plugin.providers.map(({ kind, id, summary }) => ({ kind, id, summary })),
      })),
      unusable: unusable.map(({ path, error: { code, message } }) => ({ path, code, message })),
      programs,
    });
    io.stdout.write(json);
  } else {
    const page = new Page(pageStyle(io.stdout, io));
    for (const known of plugins.plugins) {
      page.table(titleOf(known), known.plugin.providers.map(line));
    }
    if (unusable.length > 0) {
      page.list(
        "Cannot be used",
        unusable.map(({ path, error }) => {
          const hint = hintOf(error);
          const told = `${error.message} [${error.code}]`;
          return [path, told, ...(hint === undefined ? [] : [`hint: ${hint}`])];
        }),
        Infinity,
      );
    }
    page.gap();
    page.field("Configured", configured(configPath));
    page.field("On PATH", programs);
    io.stdout.write(page.toString().trimStart());
  }
  return unusable.length > 0 ? 3 : 0;
}

function configured(path: string | undefined): string {
  if (path === undefined) return "nowhere: no home folder is set";
  return existsSync(path) ? path : `nowhere: there is no ${path}`;
}

function titleOf({ plugin: { name, version }, origin }: KnownPlugin): string {
  return origin.kind === "built-in"
    ? `${name} (built in)`
    : `${name} ${version} (${place(origin)})`;
}

function place(origin: Exclude<Origin, { kind: "built-in" }>): string {
  if (origin.kind === "executable") return `program ${origin.path}`;
  const { path, sha256, configured } = origin;
  return `${configured ? "configured" : "named"}: ${path}, sha256 ${sha256}`;
}

function line({ kind, id, summary }: Plugin["providers"][number]): readonly [string, string] {
  const words = {
    signer: "sign",
    verifier: "verify",
    witness: "--witness",
    command: "",
    source: "",
  };
  return [kind === "source" ? `${id}:` : `${words[kind]} ${id}`.trim(), summary];
}
