/** The release that is checked: one that was built before, or one that is built from a copy of the project. */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Platform, platformNamed, PLATFORMS } from "../../cli/build/platforms.ts";
import { openssl, opensslKey, opensslPublicKey } from "../support/openssl.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A release, and what it can be verified with. Dispose of it. */
export type BuiltRelease = Disposable & {
  readonly folder: string;
  readonly platforms: readonly Platform[];
  /** The path of the public key. */
  readonly publicKey: string;
  /** Builds it once more, from a copy of the same source in another place, and gives the folder. */
  again(): string;
};

/** The platforms that `MODEL_SIGNING_RELEASE_PLATFORMS` names, separated by spaces; all by default. */
export function checkedPlatforms(): readonly Platform[] {
  const names = process.env["MODEL_SIGNING_RELEASE_PLATFORMS"]?.split(" ").filter((name) => name);
  return names?.length ? names.map(platformNamed) : PLATFORMS;
}

/** Builds a release of {@link checkedPlatforms} with a new key, by the command that everybody uses. */
export function builtRelease(): BuiltRelease {
  const place = mkdtempSync(join(tmpdir(), "model-signing-release-check-"));
  const platforms = checkedPlatforms();
  const key = join(place, "release.pem");
  const publicKey = join(place, "release.pub");
  const privateKey = opensslKey("EC P-256");
  openssl(["pkey", "-out", key], privateKey);
  openssl(["pkey", "-pubin", "-out", publicKey], opensslPublicKey(privateKey));
  const first = join(place, "first");
  const second = join(place, "elsewhere", "second");
  // At once, so that both are copies of the same source while somebody works on it.
  copyProject(ROOT, first);
  copyProject(first, second);
  return {
    folder: release(first, key, platforms),
    platforms,
    publicKey,
    again: () => release(second, key, platforms),
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true }),
  };
}

function release(project: string, key: string, platforms: readonly Platform[]): string {
  const only = platforms.flatMap(({ name }) => ["--only", name]);
  const { status, error, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", "--no-check", join(project, "cli", "release.ts"), "--key", key, ...only],
    { cwd: project, encoding: "utf8" },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`the release was not built: ${stderr}`);
  return join(project, "dist", "release");
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
