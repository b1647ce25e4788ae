/**
 * Calling the functions of a shared library: through `bun:ffi` on Bun, through `Deno.dlopen` on Deno. No other file
 * knows which of them it is.
 */

import { ModelSigningError } from "../../core/errors.ts";

/** What a function takes: bytes by address (null is a null pointer), or an integer without a sign. */
export type NativeParameter = "buffer" | "u8" | "u32" | "u64";

/** What a function takes and gives. */
export type NativeSignature = {
  readonly parameters: readonly NativeParameter[];
  readonly result: "u32" | "u64";
};

/** A value for each {@link NativeParameter}; integers are converted as the parameter demands. */
export type NativeValue = Uint8Array | bigint | null;

/** A function of a shared library. The call blocks the thread. */
export type NativeFunction = (...values: readonly NativeValue[]) => bigint;

/** What a runtime can do with shared libraries. */
export interface NativeRuntime {
  /** Loads a library, for the rest of the process, and gives a function that it exports. Throws when it cannot. */
  load(path: string, name: string, signature: NativeSignature): NativeFunction;
  /** The function at an address. */
  functionAt(address: bigint, signature: NativeSignature): NativeFunction;
  /** Where bytes lie. Whoever uses the address keeps them referenced until then; see `allocate`. */
  addressOf(bytes: Uint8Array): bigint;
  /** The pointer that is stored at an address. */
  pointerAt(address: bigint): bigint;
}

/**
 * The runtime that this is.
 *
 * @throws {ModelSigningError} `PKCS11_MODULE` on a runtime that cannot call native functions
 */
export async function nativeRuntime(): Promise<NativeRuntime> {
  const { Deno: deno } = globalThis as { readonly Deno?: DenoNative };
  if (deno !== undefined) return denoRuntime(deno);
  if ("Bun" in globalThis) {
    // Not a literal: Deno's type checker would look for the module.
    const specifier: string = "bun:ffi";
    return bunRuntime(await import(specifier) as BunNative);
  }
  throw new ModelSigningError(
    "PKCS11_MODULE",
    "cannot load a PKCS#11 module: this runtime has no foreign function interface",
    { hint: "use the compiled program, Bun, or Deno" },
  );
}

/** The part of Deno's API that is used here. */
type DenoNative = {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, DenoDefinition>>,
  ): { readonly symbols: Readonly<Record<string, (...values: unknown[]) => number | bigint>> };
  readonly UnsafePointer: {
    create(address: bigint): object | null;
    of(bytes: Uint8Array): object | null;
    value(pointer: object | null): bigint;
  };
  readonly UnsafePointerView: new (pointer: object) => { getBigUint64(): bigint };
  readonly UnsafeFnPointer: new (pointer: object, definition: DenoDefinition) => {
    call(...values: unknown[]): number | bigint;
  };
};
type DenoDefinition = {
  readonly parameters: readonly NativeParameter[];
  readonly result: NativeSignature["result"];
};

function denoRuntime(deno: DenoNative): NativeRuntime {
  const pointer = (address: bigint): object => {
    const found = deno.UnsafePointer.create(address);
    if (found === null) throw new Error("a null pointer");
    return found;
  };
  return {
    load(path, name, signature) {
      const { symbols: { [name]: symbol } } = deno.dlopen(path, { [name]: signature });
      return (...values) => BigInt(symbol!(...converted(values, signature)));
    },
    functionAt(address, signature) {
      const found = new deno.UnsafeFnPointer(pointer(address), signature);
      return (...values) => BigInt(found.call(...converted(values, signature)));
    },
    addressOf: (bytes) => deno.UnsafePointer.value(deno.UnsafePointer.of(bytes)),
    pointerAt: (address) => new deno.UnsafePointerView(pointer(address)).getBigUint64(),
  };
}

/** The part of `bun:ffi` that is used here. */
type BunNative = {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, BunDefinition>>,
  ): { readonly symbols: Readonly<Record<string, (...values: unknown[]) => number | bigint>> };
  linkSymbols(
    symbols: Readonly<Record<string, BunDefinition & { readonly ptr: number }>>,
  ): { readonly symbols: Readonly<Record<string, (...values: unknown[]) => number | bigint>> };
  ptr(bytes: Uint8Array): number;
  readonly read: { u64(address: number, offset: number): bigint };
};
type BunDefinition = { readonly args: readonly string[]; readonly returns: string };

function bunRuntime(bun: BunNative): NativeRuntime {
  const definition = ({ parameters, result }: NativeSignature): BunDefinition => ({
    args: parameters.map((parameter) => parameter === "buffer" ? "ptr" : parameter),
    returns: result,
  });
  return {
    load(path, name, signature) {
      const { symbols: { [name]: symbol } } = bun.dlopen(path, { [name]: definition(signature) });
      return (...values) => BigInt(symbol!(...converted(values, signature)));
    },
    functionAt(address, signature) {
      const { symbols: { call } } = bun.linkSymbols({
        call: { ...definition(signature), ptr: Number(address) },
      });
      return (...values) => BigInt(call!(...converted(values, signature)));
    },
    addressOf: (bytes) => BigInt(bun.ptr(bytes)),
    pointerAt: (address) => bun.read.u64(Number(address), 0),
  };
}

/** Both runtimes take numbers for the small integers, and `bigint` for those of 64 bits. */
function converted(
  values: readonly NativeValue[],
  { parameters }: NativeSignature,
): readonly unknown[] {
  return values.map((value, index) =>
    typeof value === "bigint" && parameters[index] !== "u64" ? Number(value) : value
  );
}
