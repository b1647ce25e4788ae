/** Root folders with nothing in them but a binary and the libraries that it is given. */

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { readElf } from "../../cli/build/elf.ts";
import type { Platform } from "../../cli/build/platforms.ts";
import { programEnvironment } from "../support/cli.ts";
import { commandPath, isInstalled } from "../support/left_out.ts";
import { type Outcome, outcomeOf } from "../support/outcome.ts";
import type { Machine } from "./machine.ts";

/** Runs the programs of arm64 elsewhere. Statically linked, so that it needs nothing in the root. */
const EMULATOR = "qemu-aarch64-static";

/** A root, in which `/home` has the model. */
export type Root = Machine & {
  /** Copies a library into the root, under its name, and what it needs. */
  add(library: string): void;
};

/** What fetches the libraries of other systems. */
const FETCHERS = ["apt-get", "dpkg", "python3"];

/** Why programs of a platform cannot be run here in a root of their own. */
export function whyNoRoot({ os, architecture, libc }: Platform): string | undefined {
  if (process.platform !== "linux" || os !== "linux") return "no Linux";
  if (enter() === undefined) return "no namespaces can be made: install util-linux, allow unshare";
  const missing = FETCHERS.filter((command) => !isInstalled(command));
  const own = architecture === process.arch && libc === "glibc";
  if (!own && missing.length > 0) return `no ${missing.join(", ")}`;
  if (architecture === process.arch) return undefined;
  if (architecture !== "arm64" || !isInstalled(EMULATOR)) return `no ${EMULATOR}`;
  return undefined;
}

/**
 * Makes a root in an empty folder: the binary, its loader and the libraries that its header names, from these folders of
 * the host or of another system.
 */
export function makeRoot(
  path: string,
  binary: string,
  platform: Platform,
  folders: readonly string[],
): Root {
  for (const folder of ["tmp", "home", "proc", "lib", "bin"]) {
    mkdirSync(join(path, folder), { recursive: true });
  }
  copyFileSync(binary, join(path, "bin", "model-signing"));
  chmodSync(join(path, "bin", "model-signing"), 0o755);
  const emulated = platform.architecture !== process.arch;
  if (emulated) copyFileSync(commandPath(EMULATOR)!, join(path, "bin", EMULATOR));
  const { interpreter, libraries } = readElf(readFileSync(binary));
  if (interpreter === undefined) throw new Error(`"${binary}" is no executable`);
  const loader = find(basename(interpreter), folders);
  mkdirSync(join(path, dirname(interpreter)), { recursive: true });
  copyFileSync(loader, join(path, interpreter));
  const add = (library: string): void => {
    const target = join(path, "lib", library);
    // The loader is musl's C library, too.
    if (library === basename(interpreter) || /^libc\.(?:musl-|so$)/.test(library)) return;
    if (existsSync(target)) return;
    const source = find(library, folders);
    copyFileSync(source, target);
    dependencies(source).forEach(add);
  };
  libraries.forEach(add);
  // A part of glibc that only the addon asks for.
  if (platform.libc === "glibc") add("librt.so.1");
  const program = emulated ? [`/bin/${EMULATOR}`, "/bin/model-signing"] : ["/bin/model-signing"];
  return {
    folder: join(path, "home"),
    place: "/home/",
    add,
    run: (args) => run(path, [...program, ...args]),
  };
}

/**
 * `/proc` is all of the system that Bun needs; it is mounted in a namespace of the program's own, and so is gone with it.
 */
function run(root: string, command: readonly string[]): Outcome {
  const script = 'mount --rbind /proc "$1/proc" && exec chroot "$@"';
  return outcomeOf([...enter()!, "sh", "-c", script, "sh", root, ...command], {
    env: programEnvironment({ HOME: "/home", TMPDIR: "/tmp" }),
  });
}

/** The command that gives a program mounts of its own: for root, or for everybody. */
function enter(): readonly [string, ...string[]] | undefined {
  const mount = ["sh", "-c", "mount --rbind /proc /proc && chroot / true"];
  const commands = [["unshare", "-m", "--propagation=private"], ["unshare", "-rm"]] as const;
  return commands.find(([program, ...args]) =>
    spawnSync(program, [...args, ...mount]).status === 0
  );
}

/** What a library needs in turn. */
function dependencies(library: string): readonly string[] {
  return readElf(readFileSync(library)).libraries;
}

function find(library: string, folders: readonly string[]): string {
  const folder = folders.find((folder) => existsSync(join(folder, library)));
  if (folder === undefined) throw new Error(`there is no ${library} in ${folders.join(", ")}`);
  return join(folder, library);
}
