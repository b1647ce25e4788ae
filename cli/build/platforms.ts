/** The platforms that there are binaries for. */

/** One platform, and what its binary is made of. */
export type Platform = {
  /** Ours: `linux-x64-musl`. */
  readonly name: string;
  /** As `process.platform` and `process.arch` have it. */
  readonly os: "linux" | "darwin" | "win32";
  readonly architecture: "x64" | "arm64";
  /** Linux only. */
  readonly libc?: "glibc" | "musl";
  /** The name of the binary in a release. */
  readonly file: string;
  /** What `bun build --target` calls it. */
  readonly bunTarget: string;
  /** The npm package with Bun's runtime for the platform, and the runtime's path in it. */
  readonly runtime: { readonly package: string; readonly path: string };
  /** The npm package with the native BLAKE3. */
  readonly addon: string;
};

/** What Bun calls an architecture in the names of its packages. */
const BUN_ARCHITECTURE = { x64: "x64", arm64: "aarch64" } as const;

/** All of them, in the order in which they are built. */
export const PLATFORMS: readonly Platform[] = [
  linux("x64", "glibc"),
  linux("arm64", "glibc"),
  linux("x64", "musl"),
  linux("arm64", "musl"),
  darwin("x64"),
  darwin("arm64"),
  windows("x64"),
  windows("arm64"),
];

/** The platform of a name. */
export function platformNamed(name: string): Platform {
  const platform = PLATFORMS.find((platform) => platform.name === name);
  if (platform) return platform;
  const known = PLATFORMS.map(({ name }) => name).join(", ");
  throw new Error(`cannot build for "${name}": the platforms are ${known}`);
}

function linux(architecture: Platform["architecture"], libc: "glibc" | "musl"): Platform {
  const suffix = libc === "musl" ? "-musl" : "";
  const name = `linux-${architecture}${suffix}`;
  return {
    name,
    os: "linux",
    architecture,
    libc,
    file: `model-signing-${name}`,
    bunTarget: `bun-${name}`,
    runtime: {
      package: `@oven/bun-linux-${BUN_ARCHITECTURE[architecture]}${suffix}`,
      path: "bin/bun",
    },
    addon: `@napi-rs/blake-hash-linux-${architecture}-${libc === "musl" ? "musl" : "gnu"}`,
  };
}

function darwin(architecture: Platform["architecture"]): Platform {
  const name = `darwin-${architecture}`;
  return {
    name,
    os: "darwin",
    architecture,
    file: `model-signing-${name}`,
    bunTarget: `bun-${name}`,
    runtime: { package: `@oven/bun-darwin-${BUN_ARCHITECTURE[architecture]}`, path: "bin/bun" },
    addon: `@napi-rs/blake-hash-${name}`,
  };
}

function windows(architecture: Platform["architecture"]): Platform {
  const name = `windows-${architecture}`;
  return {
    name,
    os: "win32",
    architecture,
    file: `model-signing-${name}.exe`,
    bunTarget: `bun-${name}`,
    runtime: {
      package: `@oven/bun-windows-${BUN_ARCHITECTURE[architecture]}`,
      path: "bin/bun.exe",
    },
    addon: `@napi-rs/blake-hash-win32-${architecture}-msvc`,
  };
}
