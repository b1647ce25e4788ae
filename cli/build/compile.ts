/** Compiling the binary with Bun. */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { childEnvironment } from "../../core/mod.ts";
import type { Platform } from "./platforms.ts";
import { ROOT } from "./project.ts";

/** What is compiled, and from what. */
export type CompileOptions = {
  /** The entry of the program, relative to the project. */
  readonly entry: string;
  /** Another platform than this machine's; what is not installed for it is given. */
  readonly platform?: {
    readonly target: Platform;
    /** Bun's runtime for it. */
    readonly runtime: string;
    /** A `node_modules` folder with its native BLAKE3. */
    readonly modules: string;
  };
};

/** The entry of the program, and the one that can export traces. */
export const ENTRIES = { plain: "cli/main.ts", otel: "cli/main_otel.ts" } as const;

/**
 * The name under which every binary is compiled: Bun writes it into the binary, which must not depend on where it is
 * put.
 */
const COMPILED_NAME = "model-signing";

const FLAGS = [
  "--compile",
  // Whoever controls the current folder could run code through these at run time.
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-dotenv",
  // Only import() of a path that is made at run time may stay, which loads plugins; a name that is found nowhere
  // fails the build, instead of being looked up in a node_modules folder at run time.
  "--allow-unresolved=<empty>",
  // A third of the start-up time; bytecode alone would mean CommonJS, which has no top-level await.
  "--minify",
  "--bytecode",
  "--format=esm",
];

/**
 * Compiles the binary into a file, which is replaced only when that worked. The same source gives the same bytes,
 * whatever the folders and the file are called.
 *
 * @returns `name@version` of the installed packages that are in it
 * @throws {Error} when Bun fails; it has said why
 */
export function compile(file: string, options: CompileOptions): readonly string[] {
  const { entry, platform } = options;
  mkdirSync(dirname(file), { recursive: true });
  const folder = mkdtempSync(join(dirname(file), ".compile-"));
  try {
    const compiled = join(folder, COMPILED_NAME);
    const inputs = join(folder, "inputs.json");
    const { status, error } = spawnSync(
      join(ROOT, "node_modules", "bun", "bin", "bun.exe"),
      // The worker's module is a second entry point, or it would be missing from the binary.
      [
        "build",
        ...FLAGS,
        ...platformFlags(platform),
        entry,
        "cli/hash_worker.ts",
        `--metafile=${inputs}`,
        "--outfile",
        compiled,
      ],
      { cwd: ROOT, env: environment(platform?.modules), stdio: ["ignore", "ignore", "inherit"] },
    );
    if (error) throw error;
    if (status !== 0) throw new Error(`cannot compile "${file}": Bun ended with status ${status}`);
    const os = platform?.target.os ?? process.platform;
    renameSync(os === "win32" ? `${compiled}.exe` : compiled, file);
    return bundledPackages(readFileSync(inputs, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `name@version` of the packages that Bun's metafile names, from where Deno has installed them. */
export function bundledPackages(metafile: string): readonly string[] {
  const { inputs } = JSON.parse(metafile) as { readonly inputs: Readonly<Record<string, unknown>> };
  const keys = Object.keys(inputs).flatMap((path) => {
    const [, folder] = /(?:^|\/)node_modules\/\.deno\/([^/]+)\//.exec(path.replaceAll("\\", "/")) ??
      [];
    // Deno writes the slash of a scope as "+".
    return folder === undefined ? [] : [folder.replace(/^(@[^+]+)\+/, "$1/")];
  });
  return [...new Set(keys)].sort();
}

function platformFlags(platform: CompileOptions["platform"]): string[] {
  const libc = platform?.target.libc ?? (process.platform === "linux" ? hostLibc() : undefined);
  return [
    // plugins/hash/blake3_addon.cts asks for it.
    ...(libc === undefined ? [] : ["--define", `MODEL_SIGNING_LIBC="${libc}"`]),
    ...(platform
      ? [`--target=${platform.target.bunTarget}`, `--compile-executable-path=${platform.runtime}`]
      : []),
  ];
}

/** The C library of this machine: Node.js names the version of glibc in its report, and nothing for musl. */
function hostLibc(): "glibc" | "musl" {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

/** This process's environment, without what changes how Bun builds, and without the password of the release's key. */
function environment(modules: string | undefined): Record<string, string | undefined> {
  const inherited = Object.entries(childEnvironment(process.env))
    .filter(([name]) => !/^(?:BUN|NODE)_/i.test(name));
  return {
    ...Object.fromEntries(inherited),
    ...(modules === undefined ? {} : { NODE_PATH: modules }),
  };
}
