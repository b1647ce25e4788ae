/** A release: the binaries of the platforms, what is in them, their checksums. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Buffer } from "node:buffer";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksums, sha256OfFile } from "./checksums.ts";
import { adHocSignatureFault, signAdHoc } from "./code_signature.ts";
import { compile, ENTRIES } from "./compile.ts";
import { checkExecutable } from "./executable.ts";
import { type Lock, type LockedPackage, lockedPackage, readLock } from "./lock.ts";
import { buildCache, packageTarball } from "./npm_package.ts";
import type { Platform } from "./platforms.ts";
import { ROOT } from "./project.ts";
import { type BuiltBinary, type LicensedPackage, sbom } from "./sbom.ts";
import { readTarball, unpackTarball } from "./tarball.ts";

/** The file with the checksums of the others. */
export const CHECKSUMS = "SHA256SUMS";
/** The OMS signature of the folder. */
export const SIGNATURE = "model-signing-release.sig";

/** What is built, from what. */
export type ReleaseOptions = {
  readonly platforms: readonly Platform[];
  /** Seconds since 1970, for the bill of materials. */
  readonly time?: number;
  /** Told what is being done. */
  tell?(line: string): void;
};

/** The members of the project's `package.json` that a release needs. */
type Metadata = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

type Project = { readonly lock: Lock; readonly metadata: Metadata };

/** What one binary is made of that is not installed here. */
type PlatformParts = {
  readonly runtime: LicensedPackage;
  readonly addon: LicensedPackage;
  /** The addon itself, as it must be found in the binary. */
  readonly native: Buffer;
};

/**
 * Builds into an existing folder: one binary for each platform, their bill of materials, the checksums of all that.
 * The same source gives the same bytes.
 *
 * @throws {Error} when a package is not what was locked, or a binary not what its platform runs
 */
export function buildRelease(folder: string, options: ReleaseOptions): void {
  const { platforms, time, tell = () => {} } = options;
  const project = readProject();
  const binaries = platforms.map((platform) => {
    tell(`building ${platform.file}`);
    return buildBinary(join(folder, platform.file), platform, project);
  });
  const { name, version, license } = project.metadata;
  const bill = `model-signing-${version}.cdx.json`;
  writeFileSync(join(folder, bill), sbom({ name, version, license, binaries, time }));
  writeFileSync(
    join(folder, CHECKSUMS),
    checksums(folder, [...platforms.map(({ file }) => file), bill]),
  );
}

function readProject(): Project {
  return {
    lock: readLock(readFileSync(join(ROOT, "deno.lock"), "utf8")),
    metadata: JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Metadata,
  };
}

/** The package in a folder, with what its `package.json` says of its licence. */
function licensed(locked: LockedPackage, folder: string): LicensedPackage {
  const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly license?: unknown;
  };
  if (typeof license !== "string") {
    throw new Error(`${locked.name}@${locked.version} names no licence`);
  }
  return { ...locked, license };
}

/** Builds one binary, and checks it. */
function buildBinary(file: string, target: Platform, project: Project): BuiltBinary {
  const work = mkdtempSync(join(tmpdir(), "model-signing-release-"));
  try {
    const { runtime, addon, native } = unpackParts(work, target, project);
    const bundled = compile(file, {
      entry: ENTRIES.plain,
      platform: {
        target,
        runtime: join(work, "runtime", ...target.runtime.path.split("/")),
        modules: join(work, "node_modules"),
      },
    });
    if (target.os === "darwin") signIfNeeded(file);
    checkExecutable(readFileSync(file), target, native);
    const installed = bundled.map((key) => {
      const locked = lockedPackage(project.lock, key);
      return licensed(locked, installedFolder(key, locked));
    });
    // Where the target is this machine's platform, its addon is installed, too.
    const packages = [...installed.filter(({ name }) => name !== addon.name), addon];
    return { file: target.file, sha256: sha256OfFile(file), runtime, packages };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Bun 1.4.5 signs its binaries for arm64, and leaves the signature of the runtime, which no longer fits, in those for
 * x64.
 */
function signIfNeeded(file: string): void {
  const content = readFileSync(file);
  if (adHocSignatureFault(content) === undefined) return;
  writeFileSync(file, signAdHoc(content, "model-signing"));
}

/** Bun's runtime in `runtime/`, the addon where the bundler looks for it. */
function unpackParts(work: string, target: Platform, { lock, metadata }: Project): PlatformParts {
  const cache = buildCache();
  const unpack = (key: string, folder: string) => {
    const locked = lockedPackage(lock, key);
    const tarball = packageTarball(locked, cache);
    unpackTarball(tarball, folder);
    return { tarball, licensed: licensed(locked, folder) };
  };
  const runtime = unpack(
    `${target.runtime.package}@${metadata.devDependencies["bun"]}`,
    join(work, "runtime"),
  );
  const addon = unpack(
    `${target.addon}@${metadata.dependencies[target.addon]}`,
    join(work, "node_modules", ...target.addon.split("/")),
  );
  const native = readTarball(addon.tarball).find(({ path }) => path.endsWith(".node"));
  if (!native) throw new Error(`${target.addon} holds no addon`);
  return { runtime: runtime.licensed, addon: addon.licensed, native: native.content };
}

/** Where Deno puts a package. */
function installedFolder(key: string, { name }: LockedPackage): string {
  const folder = key.replace("/", "+");
  return join(ROOT, "node_modules", ".deno", folder, "node_modules", ...name.split("/"));
}
