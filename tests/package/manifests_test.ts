/** What package.json, deno.json and jsr.json say of one and the same package. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Entries, packageManifest, type ProjectManifest } from "../../cli/package/manifest.ts";
import { ROOT } from "../support/project.ts";

type Shared = {
  readonly version?: string;
  readonly license?: string;
  readonly exports: Entries;
  readonly imports: Entries;
};

const project = read<ProjectManifest>("package.json");
const deno = read<Shared>("deno.json");
const jsr = read<Shared>("jsr.json");
const npm = packageManifest(project, deno.exports);
const tsconfig = read<{ readonly files: readonly string[] }>("cli/package/tsconfig.json");

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}

test("package.json, jsr.json and the npm package agree on version and licence; deno.json has no version", () => {
  assert.match(project.version, /^\d+\.\d+\.\d+(?:-[0-9a-z.]+)?$/);
  assert.deepEqual([jsr.version, npm["version"]], [project.version, project.version]);
  assert.deepEqual([jsr.license, npm["license"]], [project.license, project.license]);
  assert.equal(deno.version, undefined);
});

test("deno.json, jsr.json and the npm package have the same entries, and every one is compiled", () => {
  assert.deepEqual(jsr.exports, deno.exports);
  const entries = Object.keys(deno.exports);
  assert.deepEqual(Object.keys(npm["exports"] as object), [...entries, "./package.json"]);
  for (const source of Object.values(deno.exports)) {
    assert.ok(existsSync(join(ROOT, source)), source);
    assert.ok(tsconfig.files.includes(source.replace("./", "../../")), source);
  }
});

test("deno.json's import map has the entries that programs import, under the package's name", () => {
  const imported = Object.entries(deno.exports).filter(([entry]) => entry !== "./worker");
  const names = imported.map(([entry, source]) => [entry.replace(".", project.name), source]);
  assert.deepEqual(deno.imports, Object.fromEntries(names));
});

test("the import map in docs/library.md has the entries and what they import", () => {
  const page = readFileSync(join(ROOT, "docs/library.md"), "utf8");
  const [, shown = ""] = /```json\n([^]*?)```/.exec(page) ?? [];
  const entries = Object.entries(deno.imports).map(([name, source]) => [
    name,
    source.replace("./", "../model-signing/"),
  ]);
  assert.deepEqual(JSON.parse(shown).imports, { ...Object.fromEntries(entries), ...jsr.imports });
});

test("every dependency has one exact version, the same everywhere", () => {
  const versions: Record<string, string> = { ...project.dependencies, ...project.devDependencies };
  for (const [name, version] of Object.entries(versions)) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
  for (const [name, specifier] of Object.entries(jsr.imports)) {
    assert.equal(specifier, `npm:${name}@${versions[name]}`);
  }
  const { dependencies, optionalDependencies } = npm as Record<string, object>;
  assert.deepEqual({ ...optionalDependencies, ...dependencies }, project.dependencies);
  assert.ok(Object.keys(optionalDependencies!).every((name) => name.startsWith("@napi-rs/")));
});

test("every dependency has a row in docs/dependencies.md", () => {
  const page = readFileSync(join(ROOT, "docs", "dependencies.md"), "utf8");
  const names = Object.keys({ ...project.dependencies, ...project.devDependencies });
  const rows = names.map((name) => name.replace(/^(@napi-rs\/blake-hash-).*/, "$1*"));
  assert.deepEqual(rows.filter((name) => !page.includes(`\`${name}\``)), []);
});
