/** The hash algorithms of the format, as something to feed bytes to. */

import { createHash } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import type { HashType } from "../../core/hasher.ts";

/** A digest under way. */
export interface Digester {
  update(bytes: Uint8Array): void;
  /** Lowercase hex. Ends the digest: nothing may be added afterwards. */
  hex(): string;
}

/** An algorithm, loaded. */
export type Algorithm = {
  /** Starts a digest. Only one may be under way at a time: WebAssembly has one state. */
  start(): Digester;
  /** Why native code is not used, where it was wanted. */
  readonly fallback?: string;
};

/**
 * Loads an algorithm. Every thread and every lane of the engine loads its own.
 *
 * @param native whether native code beyond the runtime's own may be loaded
 * @throws {ModelSigningError} `HASH_UNAVAILABLE` when the runtime lacks it
 */
export async function loadAlgorithm(type: HashType, native: boolean): Promise<Algorithm> {
  try {
    switch (type) {
      case "sha256":
        return fromRuntime("sha256");
      case "blake2b":
        return fromRuntime("blake2b512");
      case "blake3":
        return await loadBlake3(native);
    }
  } catch (cause) {
    throw new ModelSigningError("HASH_UNAVAILABLE", `cannot load the hash algorithm ${type}`, {
      cause,
    });
  }
}

function fromRuntime(name: string): Algorithm {
  createHash(name);
  return {
    start() {
      const hash = createHash(name);
      return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
    },
  };
}

async function loadBlake3(native: boolean): Promise<Algorithm> {
  if (!native) return await loadBlake3Wasm("native code was not wanted");
  try {
    const { default: { Blake3Hasher } } = await import("./blake3_addon.cts");
    return {
      start() {
        const hash = new Blake3Hasher();
        return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
      },
    };
  } catch (error) {
    // An unknown platform, or a compiled binary that cannot unpack the addon to the temporary directory.
    return await loadBlake3Wasm(error instanceof Error ? error.message : String(error));
  }
}

async function loadBlake3Wasm(fallback: string): Promise<Algorithm> {
  const { createBLAKE3 } = await import("hash-wasm");
  const hash = await createBLAKE3();
  return {
    fallback,
    start() {
      hash.init();
      return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
    },
  };
}
