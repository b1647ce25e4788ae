/**
 * Builds the npm package: `deno run -A cli/package/main.ts [FOLDER]`, by default `dist/npm`. Its files are in
 * `FOLDER/package`, its tarball is `FOLDER/model-signing-VERSION.tgz`. The same sources give the same bytes.
 */

import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { ROOT } from "../build/project.ts";
import { type Entries, packageManifest, type ProjectManifest } from "./manifest.ts";

const target = resolve(process.argv[2] ?? join(ROOT, "dist", "npm"));
const folder = join(target, "package");

rmSync(folder, { recursive: true, force: true });
const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
run(process.execPath, ["run", "-A", tsc, "-p", "cli/package/tsconfig.json", "--outDir", folder]);

const { exports } = json("deno.json") as { readonly exports: Entries };
const manifest = packageManifest(json("package.json") as ProjectManifest, exports);
writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
for (const name of ["README.md", "CHANGELOG.md", "LICENSE", "docs"]) {
  cpSync(join(ROOT, name), join(folder, name), { recursive: true });
}
setModes(folder);
run("npm", ["pack", folder, "--pack-destination", target, "--ignore-scripts", "--loglevel=error"]);

/** Whatever this machine's umask is: modes are in the tarball. */
function setModes(path: string): void {
  chmodSync(path, 0o755);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) setModes(inside);
    else chmodSync(inside, 0o644);
  }
}

function json(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}

/** Runs a step to its end, and ends with its status when it fails. */
function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
