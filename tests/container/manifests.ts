/** The manifests of examples/kubernetes, as data. YAML is read by the library that `kubernetes-validate` brings. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Loose } from "../support/bundles.ts";
import type { PythonTool } from "../support/python_tool.ts";

const FOLDER = fileURLToPath(new URL("../../examples/kubernetes", import.meta.url));

/** Every file with manifests in it. */
export const MANIFEST_FILES: readonly string[] = readdirSync(FOLDER).sort();

/** A container of a manifest, and what is mounted in it. */
export type Container = {
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly subPath?: string;
  }[];
};

/** The path of a file with manifests. */
export function manifestFile(name: string): string {
  return join(FOLDER, name);
}

/** The manifests in a file. */
export function manifestsIn(tool: PythonTool, name: string): readonly Loose[] {
  return yamlIn(tool, manifestFile(name));
}

/** The documents in a file. */
export function yamlIn(tool: PythonTool, path: string): readonly Loose[] {
  const script = "import json, sys, yaml; " +
    "print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
  return JSON.parse(answer(tool, script, [path]));
}

/** What a script prints. */
export function answer(tool: PythonTool, script: string, args: readonly string[]): string {
  const { status, stdout, stderr } = tool.script(script, args);
  assert.equal(status, 0, stderr);
  return stdout;
}

/** The pod that a manifest makes: itself, or the template in it. */
export function podOf(manifest: Loose): Loose | undefined {
  if (manifest.kind === "Pod") return manifest;
  if (manifest.kind === "CronJob") return manifest.spec.jobTemplate.spec.template;
  return manifest.spec?.template;
}

/** The one container in a file that runs this program. */
export function programContainer(tool: PythonTool, name: string): Container {
  const found: readonly Container[] = manifestsIn(tool, name)
    .flatMap((manifest) => podOf(manifest) ?? [])
    .flatMap(({ spec }) => [...(spec.initContainers ?? []), ...spec.containers])
    .filter(({ image }: Container) => image.includes("/model-signing@"));
  assert.equal(found.length, 1, name);
  return found[0]!;
}
