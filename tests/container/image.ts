/**
 * The image of the Containerfile, built by `buildah` from Debian packages where no registry can be reached, and run as
 * a strict runtime would run it.
 */

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { compiledBinary } from "../support/binary.ts";
import { commandPath, isInstalled } from "../support/left_out.ts";
import { type Outcome, outcomeOf } from "../support/outcome.ts";
import { ROOT } from "../support/project.ts";

/** What the build needs besides the program: its libraries, certificates, and a shell in one static file. */
const PACKAGES = ["libc6", "libgcc-s1", "ca-certificates", "busybox-static"];

/** The configuration of an image, as the OCI image specification calls its members. */
export type ImageConfig = {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
};

/** A folder of this machine in a container. */
export type Mount = { readonly from: string; readonly to: string; readonly writable?: boolean };

/** What a container is started with. */
export type ContainerOptions = {
  readonly mounts: readonly Mount[];
  /** In place of the image's entry point. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Shares this machine's network; without it there is none, not even loopback. */
  readonly network?: boolean;
};

/** A built image. */
export type Image = Disposable & {
  readonly config: ImageConfig;
  /** Every file in it, sorted. */
  readonly files: readonly string[];
  /** Runs it with `buildah run --isolation chroot`. */
  runByBuildah(args: readonly string[]): Outcome;
  /** Runs it with a read-only root that has no `/tmp`, as its own user, without privileges and without network. */
  run(args: readonly string[], options: ContainerOptions): Outcome;
};

/** Why the image cannot be built here, or undefined. */
export function whyNoImage(): string | undefined {
  const missing = ["buildah", "apt-get", "dpkg", "unshare", "setpriv", "chroot"]
    .filter((command) => !isInstalled(command));
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  return process.getuid?.() === 0 ? undefined : "only root can run containers without a runtime";
}

/** Builds the image with the compiled program in it. */
export function buildImage(): Image {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-image-"));
  const storage = ["--root", join(folder, "storage"), "--runroot", join(folder, "run")];
  const buildah = (...args: readonly string[]): string =>
    execFileSync("buildah", [...storage, "--storage-driver", "vfs", ...args], {
      encoding: "utf8",
      // What it says is told with the error.
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 64 * 1024 * 1024,
    }).trim();

  buildah("from", "--name", "base", "scratch");
  buildah("add", "base", debianRoot(join(folder, "base")), "/");
  buildah("commit", "base", "localhost/base");
  buildah(
    ...["build", "--isolation", "chroot", "--pull=never", "--file", join(ROOT, "Containerfile")],
    ...["--build-arg", "BUILD_IMAGE=localhost/base", "--tag", "localhost/model-signing"],
    ...["--build-arg", "SOURCE=https://example.com/source"],
    prebuiltContext(join(folder, "context")),
  );
  const chroot = commandPath("chroot")!;
  const inspected = JSON.parse(buildah("inspect", "--type", "image", "localhost/model-signing"));
  const config: ImageConfig = inspected.OCIv1.config;
  buildah("from", "--name", "container", "localhost/model-signing");
  const root = buildah("mount", "container");
  const files = readdirSync(root, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length))
    .sort();

  return {
    config,
    files,
    runByBuildah: (args) =>
      outcomeOf([
        ...["buildah", ...storage, "--storage-driver", "vfs", "run", "--isolation", "chroot"],
        ...["container", "--", ...config.Entrypoint, ...args],
      ]),
    run: (args, options) => {
      const { command = config.Entrypoint, mounts, network = false } = options;
      for (const { to } of mounts) mkdirSync(join(root, to), { recursive: true });
      const script = join(folder, "container.sh");
      writeFileSync(script, containerScript(root, mounts));
      const unshared = ["--mount", "--pid", "--ipc", "--uts", ...(network ? [] : ["--net"])];
      const env = [
        ...config.Env,
        ...Object.entries(options.env ?? {}).map((pair) => pair.join("=")),
      ];
      const [, group] = config.User.split(":");
      return outcomeOf([
        ...["unshare", ...unshared, "--fork", "sh", script, "setpriv", "--no-new-privs"],
        // By its path: the variables are the image's.
        ...["env", "-i", ...env, chroot, `--userspec=${config.User}`, `--groups=${group}`, root],
        ...[...command, ...args],
      ]);
    },
    [Symbol.dispose]() {
      buildah("rm", "--all");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a container runtime does for a read-only root, before it runs `"$@"`. */
function containerScript(root: string, mounts: readonly Mount[]): string {
  return [
    "set -eu",
    `mkdir -p '${root}/proc'`,
    `mount --bind '${root}' '${root}'`,
    ...mounts.flatMap(({ from, to, writable }) => [
      `mount --bind '${from}' '${root}${to}'`,
      ...(writable ? [] : [`mount -o remount,bind,ro '${root}${to}'`]),
    ]),
    `mount -t proc proc '${root}/proc'`,
    `mount -o remount,bind,ro '${root}'`,
    'exec "$@"',
  ].join("\n");
}

/** The root of a base image: packages of this machine's distribution, not installed. */
function debianRoot(folder: string): string {
  mkdirSync(join(folder, "bin"), { recursive: true });
  const packages = join(dirname(folder), "packages");
  mkdirSync(packages);
  execFileSync("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", "download", ...PACKAGES], {
    cwd: packages,
    stdio: ["ignore", "ignore", "pipe"],
  });
  for (const name of readdirSync(packages)) {
    execFileSync("dpkg", ["-x", join(packages, name), folder]);
  }
  for (const applet of ["sh", "cp", "mkdir", "ln", "chmod"]) {
    symlinkSync("busybox", join(folder, "bin", applet));
  }
  // What the package does when it is installed.
  const authorities = join(folder, "usr/share/ca-certificates/mozilla");
  mkdirSync(join(folder, "etc/ssl/certs"), { recursive: true });
  writeFileSync(
    join(folder, "etc/ssl/certs/ca-certificates.crt"),
    readdirSync(authorities).map((name) => readFileSync(join(authorities, name), "utf8")).join(""),
  );
  return folder;
}

/** A context that has the binary instead of the sources. */
function prebuiltContext(folder: string): string {
  mkdirSync(join(folder, "prebuilt"), { recursive: true });
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  const [from, to] = [compiledBinary(), join(folder, "prebuilt", "model-signing")];
  try {
    linkSync(from, to);
  } catch {
    // On another file system.
    copyFileSync(from, to);
  }
  return folder;
}
