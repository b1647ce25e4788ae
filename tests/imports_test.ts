/** The import directions of docs/architecture.md. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";
import { ROOT } from "./support/project.ts";

const FOLDERS = ["core", "plugins", "cli"];

/** The packages that a user gets. */
const DEPENDENCIES: readonly string[] = Object.keys(
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies,
);

type Import = { readonly from: string; readonly to: string; readonly relative: boolean };

function sources(): string[] {
  const below = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) =>
      join(folder, file)
    )
  );
  return ["mod.ts", ...below].filter((file) => /\.[cm]?ts$/.test(file)).map((file) =>
    file.split(sep).join("/")
  );
}

/**
 * Static and dynamic imports, re-exports, requires, and the URLs that workers are started from; relative ones
 * resolved to the repository's root.
 */
function imports(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const pattern =
    /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\brequire\s*\(\s*|\bnew URL\(\s*(?="\.\.?\/[^"]*ts"))["'`]([^"'`\n]+)["'`]/g;
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
  return [...code.matchAll(pattern)].map(([, specifier]) => ({
    from: file,
    to: specifier!.startsWith(".")
      ? relative(ROOT, resolve(ROOT, dirname(file), specifier!)).split(sep).join("/")
      : specifier!,
    relative: specifier!.startsWith("."),
  }));
}

/** A package that is shipped, or a module of one; not one for development, nor `bun:ffi`. */
function isPackage({ to, relative }: Import): boolean {
  return !relative && DEPENDENCIES.some((name) => to === name || to.startsWith(`${name}/`));
}

/** What makes the program, and is no part of it. */
function isBuilding(file: string): boolean {
  return /^cli\/(?:build\/|package\/|compile\.ts$|release\.ts$)/.test(file);
}

function allowed(edge: Import): boolean {
  const { from, to } = edge;
  if (to.startsWith("node:")) return true;
  const plugin = /^plugins\/([^/]+)\//.exec(from)?.[1];
  if (from.startsWith("core/")) return to.startsWith("core/");
  if (from === "plugins/mod.ts") {
    return to.startsWith("core/") || (to.startsWith("plugins/") && !to.startsWith("plugins/otel/"));
  }
  if (plugin) {
    const own = to.startsWith("core/") || to.startsWith(`plugins/${plugin}/`);
    const sharedFolder = /^plugins\/_[^/]+\//.test(to);
    // Only what `--otel` builds carries these.
    const telemetry = plugin === "otel" && to.startsWith("@opentelemetry/");
    return own || sharedFolder || telemetry || isPackage(edge);
  }
  if (from.startsWith("cli/")) {
    const worker = from === "cli/hash_worker.ts" && to === "plugins/hash/worker.ts";
    // `plugin check` runs the suites on plugins of third parties.
    const suites = from === "cli/plugin_suites.ts" && to === "core/contract/mod.ts";
    const telemetry = from === "cli/main_otel.ts" && to === "plugins/otel/mod.ts";
    if (isBuilding(to)) return isBuilding(from);
    return to.startsWith("cli/") || to === "core/mod.ts" || to === "plugins/mod.ts" || worker ||
      suites || telemetry || isPackage(edge);
  }
  // The library's workers are started from their own module.
  return from === "mod.ts" &&
    ["core/mod.ts", "plugins/mod.ts", "plugins/hash/worker.ts"].includes(to);
}

test("imports point in the directions of the architecture", () => {
  const wrong = sources().flatMap(imports).filter((edge) => !allowed(edge));
  assert.deepEqual(wrong.map(({ from, to }) => `${from} -> ${to}`), []);
});

test("imports hold no cycles", () => {
  const graph = new Map(sources().map((file) => [file, runtimeImports(file)]));
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(file), `cycle: ${[...trail, file].join(" -> ")}`);
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
});

test("plugins and core name no runtime's globals", () => {
  for (const file of sources()) {
    const code = readFileSync(join(ROOT, file), "utf8").replace(
      /\/\*[\s\S]*?\*\/|\/\/.*|"[^"\n]*"/g,
      "",
    );
    assert.doesNotMatch(code, /\b(?:Deno|Bun)\.[a-z]/, file);
  }
});

/** Imports that exist at run time; types may refer to each other in circles. */
function runtimeImports(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\b(?:import|export) type [^;]*;/g, "");
  const pattern = /\bfrom\s*["'](\.[^"'\n]+)["']/g;
  return [...text.matchAll(pattern)].map(([, specifier]) =>
    relative(ROOT, resolve(ROOT, dirname(file), specifier!)).split(sep).join("/")
  );
}
