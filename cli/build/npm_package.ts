/** Packages of other platforms than this one, which `deno install` leaves out. */

import type { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { childEnvironment, userFolders } from "../../core/mod.ts";
import { type LockedPackage, sha512Of } from "./lock.ts";

/** Brings the tarball of `name@version` into an empty folder, as the only file. */
export type Fetch = (specifier: string, folder: string) => void;

/** Where tarballs are kept: below `MODEL_SIGNING_BUILD_CACHE`, or the user's cache folder. */
export function buildCache(): string {
  const named = process.env["MODEL_SIGNING_BUILD_CACHE"];
  if (named) return named;
  const { cache } = userFolders();
  if (cache === undefined) {
    throw new Error("there is no cache folder: set MODEL_SIGNING_BUILD_CACHE");
  }
  return join(cache, "build");
}

/**
 * The tarball of a package, from the cache or from the registry. Its integrity is checked each time, so that neither
 * has to be trusted.
 *
 * @throws {Error} when it is not what was locked
 */
export function packageTarball(
  locked: LockedPackage,
  cache: string,
  fetch: Fetch = npmPack,
): Buffer {
  const kept = join(cache, `${sha512Of(locked)}.tgz`);
  const cached = readIfThere(kept);
  if (cached && integrity(cached) === locked.integrity) return cached;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, ".fetch-"));
  try {
    const specifier = `${locked.name}@${locked.version}`;
    fetch(specifier, folder);
    const [name, ...more] = readdirSync(folder);
    if (name === undefined || more.length > 0) {
      throw new Error(`cannot fetch ${specifier}: got ${more.length} files too many, or none`);
    }
    const tarball = readFileSync(join(folder, name));
    const found = integrity(tarball);
    if (found !== locked.integrity) {
      throw new Error(
        `refused ${specifier}: its integrity is ${found}, the lock file has ${locked.integrity}`,
      );
    }
    renameSync(join(folder, name), kept);
    return tarball;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** npm knows the registry, the proxy and the credentials that the user has configured; no script of a package is run. */
function npmPack(specifier: string, folder: string): void {
  const args = ["pack", specifier, "--pack-destination", folder, "--silent", "--ignore-scripts"];
  const { status, error } = spawnSync("npm", args, {
    cwd: folder,
    env: childEnvironment(process.env),
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (error) throw new Error(`cannot fetch ${specifier}: npm does not start`, { cause: error });
  if (status !== 0) throw new Error(`cannot fetch ${specifier}: npm ended with status ${status}`);
}

function integrity(tarball: Uint8Array): string {
  return `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
