/**
 * The native BLAKE3, one prebuilt addon per platform.
 *
 * CommonJS, because neither runtime imports an addon into an ES module from source. The bundler folds
 * `process.platform` and `process.arch` of the target into constants, and `MODEL_SIGNING_LIBC`, which the build
 * defines: a binary holds its own addon only, a missing one fails the build, and no specifier is left to be
 * looked up in a `node_modules` folder of the current directory at run time.
 */

/** The C library that the binary is for; not defined when the source is run. */
declare const MODEL_SIGNING_LIBC: "glibc" | "musl" | undefined;

interface Blake3Addon {
  readonly Blake3Hasher: new () => {
    update(bytes: Uint8Array): unknown;
    digest(encoding: "hex"): string;
  };
}

function load(): Blake3Addon {
  if (process.platform === "linux" && process.arch === "x64") {
    return (typeof MODEL_SIGNING_LIBC === "string" ? MODEL_SIGNING_LIBC === "musl" : isMusl())
      ? require("@napi-rs/blake-hash-linux-x64-musl")
      : require("@napi-rs/blake-hash-linux-x64-gnu");
  }
  if (process.platform === "linux" && process.arch === "arm64") {
    return (typeof MODEL_SIGNING_LIBC === "string" ? MODEL_SIGNING_LIBC === "musl" : isMusl())
      ? require("@napi-rs/blake-hash-linux-arm64-musl")
      : require("@napi-rs/blake-hash-linux-arm64-gnu");
  }
  if (process.platform === "darwin" && process.arch === "x64") {
    return require("@napi-rs/blake-hash-darwin-x64");
  }
  if (process.platform === "darwin" && process.arch === "arm64") {
    return require("@napi-rs/blake-hash-darwin-arm64");
  }
  if (process.platform === "win32" && process.arch === "x64") {
    return require("@napi-rs/blake-hash-win32-x64-msvc");
  }
  if (process.platform === "win32" && process.arch === "arm64") {
    return require("@napi-rs/blake-hash-win32-arm64-msvc");
  }
  throw new Error(`no native BLAKE3 for ${process.platform} on ${process.arch}`);
}

function isMusl(): boolean {
  const report = process.report?.getReport() as
    | { header?: { glibcVersionRuntime?: string } }
    | undefined;
  return report?.header?.glibcVersionRuntime === undefined;
}

const addon: Blake3Addon = load();

export = addon;
