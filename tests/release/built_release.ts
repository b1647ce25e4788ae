/** The release that is checked: one that was built before, or one that is built from a copy of the project. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import process from "node:process";
import { type Platform, platformNamed, PLATFORMS } from "../../cli/build/platforms.ts";
import { openssl, opensslKey, opensslPublicKey } from "../support/openssl.ts";
import { ROOT } from "../support/project.ts";

/** A release, and what it can be verified with. Dispose of it. */
export type BuiltRelease = Disposable & {
  readonly folder: string;
  readonly platforms: readonly Platform[];
  /** The path of the public key. */
  readonly publicKey: string;
  /** Builds it once more, from a copy of the same source in another place, and gives the folder. */
  again(): string;
  /** Compiles the binary for this machine, under another name, and gives its path. */
  compiled(): string;
};

/** The platforms that `MODEL_SIGNING_RELEASE_PLATFORMS` names, separated by spaces; all by default. */
export function checkedPlatforms(): readonly Platform[] {
  const names = process.env["MODEL_SIGNING_RELEASE_PLATFORMS"]?.split(" ").filter((name) => name);
  return names?.length ? names.map(platformNamed) : PLATFORMS;
}

/**
 * The release in `MODEL_SIGNING_RELEASE`, which the key in `MODEL_SIGNING_RELEASE_PUBLIC_KEY` verifies; or one of
 * {@link checkedPlatforms} with a new key, built by the command that everybody uses.
 */
export function builtRelease(): BuiltRelease {
  const place = mkdtempSync(join(tmpdir(), "model-signing-release-check-"));
  const platforms = checkedPlatforms();
  const key = join(place, "release.pem");
  const ownPublicKey = join(place, "release.pub");
  const privateKey = opensslKey("EC P-256");
  openssl(["pkey", "-out", key], privateKey);
  openssl(["pkey", "-pubin", "-out", ownPublicKey], opensslPublicKey(privateKey));
  const first = join(place, "first");
  const second = join(place, "elsewhere", "second");
  // At once, so that both are copies of the same source while somebody works on it.
  copyProject(ROOT, first);
  copyProject(first, second);
  const given = process.env["MODEL_SIGNING_RELEASE"];
  const folder = given ? copyOf(resolve(ROOT, given), place) : release(first, key, platforms);
  const publicKey = given ? process.env["MODEL_SIGNING_RELEASE_PUBLIC_KEY"] : ownPublicKey;
  if (!publicKey) throw new Error("MODEL_SIGNING_RELEASE_PUBLIC_KEY is not set");
  return {
    folder,
    platforms,
    publicKey: resolve(ROOT, publicKey),
    again: () => release(second, key, platforms),
    compiled: () => {
      const file = join(place, "another-name");
      run(second, ["compile.ts", file]);
      return file;
    },
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true }),
  };
}

/** The tests change a binary; the folder's name is a part of what is signed. */
function copyOf(folder: string, place: string): string {
  const copy = join(place, basename(folder));
  cpSync(folder, copy, { recursive: true });
  return copy;
}

function release(project: string, key: string, platforms: readonly Platform[]): string {
  run(project, ["release.ts", "--key", key, ...platforms.flatMap(({ name }) => ["--only", name])]);
  return join(project, "dist", "release");
}

/** Runs one of a copy's own programs. */
function run(project: string, [program, ...args]: readonly [string, ...string[]]): void {
  const { status, error, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", "--no-check", join(project, "cli", program), ...args],
    { cwd: project, encoding: "utf8" },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ended with status ${status}: ${stderr}`);
}

/** What a build reads. Bun itself is a link, since it is large and only run. */
function copyProject(from: string, to: string): void {
  mkdirSync(join(to, "node_modules"), { recursive: true });
  for (
    const name of ["cli", "core", "plugins", "mod.ts", "deno.json", "deno.lock", "package.json"]
  ) {
    cpSync(join(from, name), join(to, name), { recursive: true });
  }
  const modules = join(from, "node_modules");
  for (const name of readdirSync(modules)) {
    const target = join(to, "node_modules", name);
    if (name === "bun") symlinkSync(join(ROOT, "node_modules", "bun"), target);
    // Files of CI's own begin with a dot, too.
    else if (name === ".deno" || !name.startsWith(".")) {
      cpSync(join(modules, name), target, {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !/[/\\]\.deno[/\\](?:@oven\+)?bun[@-]/.test(path),
      });
    }
  }
}
