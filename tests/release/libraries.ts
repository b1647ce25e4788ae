/**
 * Shared libraries of systems that this machine is not: of Debian 13 for both processors, and the C++ library for musl,
 * which Debian lacks and Python wheels for Alpine bring along. Nothing is installed.
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "../../cli/build/platforms.ts";

/** musl 1.2.5 is the first of Debian with relative relocations (`DT_RELR`), which the wheel's libraries use. */
const SUITE = "trixie";
const PACKAGES: readonly string[] = ["libc6:arm64", "libgcc-s1:arm64", "musl:arm64", "musl:amd64"];

/** A small wheel that is linked with `libstdc++`. */
const WHEEL = "contourpy==1.4.0";

/** Folders below `place` with the libraries of a platform; they are fetched at the first call. */
export function libraryFolders(place: string, { architecture, libc }: Platform): string[] {
  const root = join(place, `debian-${architecture === "x64" ? "amd64" : "arm64"}`);
  const triple = architecture === "x64" ? "x86_64-linux" : "aarch64-linux";
  return libc === "musl"
    ? [join(root, "usr", "lib"), join(place, `wheel-${architecture}`)]
    : [join(root, "usr", "lib"), join(root, "usr", "lib", `${triple}-gnu`)];
}

/** Fetches the libraries of all platforms into an empty folder. */
export function fetchLibraries(place: string): void {
  fetchPackages(place);
  // Debian's Python has no pip outside of such environments.
  run(place, ["python3", "-m", "venv", "venv"]);
  fetchWheel(place, "x64", "x86_64");
  fetchWheel(place, "arm64", "aarch64");
}

function fetchPackages(place: string): void {
  const targets = ["--format", "$(REPO_URI)", "Created-By: Packages", "Label: Debian"];
  const [mirror] = run(place, ["apt-get", "indextargets", ...targets]).split("\n");
  for (const folder of ["lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(place, folder), { recursive: true });
  }
  writeFileSync(join(place, "status"), "");
  writeFileSync(
    join(place, "sources.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${SUITE} main\n`,
  );
  const options = {
    "APT::Sandbox::User": "root",
    "APT::Architectures::": "amd64",
    "Dir::Etc::sourcelist": join(place, "sources.list"),
    "Dir::Etc::sourceparts": "-",
    "Dir::State::lists": join(place, "lists"),
    "Dir::State::status": join(place, "status"),
    "Dir::Cache": join(place, "cache"),
  };
  const apt = [
    ...["apt-get", "-qq", "-o", "APT::Architectures::=arm64"],
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
  ];
  run(place, [...apt, "update"]);
  run(place, [...apt, "download", ...PACKAGES]);
  for (const name of readdirSync(place).filter((name) => name.endsWith(".deb"))) {
    const root = join(place, `debian-${/_([^_]+)\.deb$/.exec(name)?.[1]}`);
    run(place, ["dpkg", "-x", name, root]);
  }
}

/** The wheel's libraries have names of their own, which they use among each other. */
function fetchWheel(place: string, architecture: string, machine: string): void {
  const wheels = join(place, `wheels-${architecture}`);
  run(place, [
    ...["venv/bin/pip", "download", "-q", "--no-deps", "--only-binary=:all:"],
    ...["--platform", `musllinux_1_2_${machine}`, "--python-version", "3.12"],
    ...["--implementation", "cp", "-d", wheels, WHEEL],
  ]);
  const target = join(place, `wheel-${architecture}`);
  const script = "import sys, zipfile\n" +
    "wheel = zipfile.ZipFile(sys.argv[1])\n" +
    "for name in wheel.namelist():\n" +
    "    if '.libs/' in name and not name.endswith('/'):\n" +
    "        open(sys.argv[2] + '/' + name.split('/')[-1], 'wb').write(wheel.read(name))\n";
  mkdirSync(target);
  run(place, [
    "python3",
    "-c",
    script,
    join(wheels, readdirSync(wheels)[0]!),
    target,
  ]);
  for (const name of readdirSync(target)) {
    const plain = /^(libstdc\+\+|libgcc_s)-/.exec(name)?.[1];
    if (plain) {
      symlinkSync(name, join(target, plain === "libgcc_s" ? "libgcc_s.so.1" : "libstdc++.so.6"));
    }
  }
}

function run(cwd: string, [command, ...args]: readonly string[]): string {
  return execFileSync(command!, args, { cwd, encoding: "utf8" });
}
