/**
 * The memory layout of C structures, as PKCS#11 modules are compiled.
 *
 * PKCS#11 2.40 2.1: `CK_ULONG` is an unsigned long, and on Windows structures are packed on 1-byte boundaries. All
 * platforms that the program runs on are little-endian and have pointers of 8 bytes.
 */

import process from "node:process";

/** How a platform's C compiler lays out the structures. */
export type Abi = {
  /** Size of `CK_ULONG`. */
  readonly ulongBytes: 4 | 8;
  /** Members follow each other without gaps. */
  readonly packed: boolean;
};

/** Linux and macOS: LP64. */
export const UNIX: Abi = { ulongBytes: 8, packed: false };

/** Windows: LLP64, packed. */
export const WINDOWS: Abi = { ulongBytes: 4, packed: true };

/** The platform that this is. */
export function hostAbi(): Abi {
  return process.platform === "win32" ? WINDOWS : UNIX;
}

/** A member of a structure: an integer, a pointer, or so many bytes. */
export type Member = "ulong" | "pointer" | number;

/** Where the members of a structure are. */
export type Layout<Name extends string> = {
  /** Bytes, with the gap at the end that an array of them needs. */
  readonly size: number;
  readonly places: Readonly<Record<Name, Place>>;
};

/** Where one member is, in bytes from the beginning. */
export type Place = { readonly offset: number; readonly size: number };

const POINTER_BYTES = 8;

/** Lays out a structure whose members are given in their order. */
export function layout<Name extends string>(
  members: Readonly<Record<Name, Member>>,
  { ulongBytes, packed }: Abi,
): Layout<Name> {
  const places: Partial<Record<Name, Place>> = {};
  let end = 0;
  let widest = 1;
  for (const [name, member] of Object.entries(members) as [Name, Member][]) {
    const size = member === "ulong" ? ulongBytes : member === "pointer" ? POINTER_BYTES : member;
    const alignment = packed || typeof member === "number" ? 1 : size;
    const offset = alignUp(end, alignment);
    places[name] = { offset, size };
    end = offset + size;
    widest = Math.max(widest, alignment);
  }
  return { size: alignUp(end, widest), places: places as Record<Name, Place> };
}

/**
 * Zeroed memory whose address does not change. A typed array of a few bytes may lie in the heap that V8 moves
 * things around in; one over a buffer of its own does not.
 */
export function allocate(size: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(size));
}

/** A structure, or one of an array of them, in memory. */
export class Structure<Name extends string> {
  readonly #layout: Layout<Name>;
  readonly #bytes: Uint8Array;
  readonly #start: number;

  /** The structure with this index in `memory`. */
  constructor(layout: Layout<Name>, memory: Uint8Array = allocate(layout.size), index = 0) {
    this.#layout = layout;
    this.#bytes = memory;
    this.#start = index * layout.size;
  }

  /** The memory that it lies in. */
  get memory(): Uint8Array {
    return this.#bytes;
  }

  /** Value of an integer or a pointer. */
  integer(name: Name): bigint {
    return readInteger(this.bytes(name));
  }

  /** Sets an integer or a pointer. */
  setInteger(name: Name, value: bigint): void {
    writeInteger(this.bytes(name), value);
  }

  /** A member as the bytes that it is. */
  bytes(name: Name): Uint8Array {
    const { offset, size } = this.#layout.places[name];
    return this.#bytes.subarray(this.#start + offset, this.#start + offset + size);
  }

  /** A text that is padded with blanks (PKCS#11 2.40 3.1), or, by some modules, with NUL. */
  text(name: Name): string {
    return new TextDecoder().decode(this.bytes(name)).replace(/[ \0]+$/, "");
  }
}

/** An integer of 4 or 8 bytes. */
export function readInteger(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length === 4 ? BigInt(view.getUint32(0, true)) : view.getBigUint64(0, true);
}

/** Writes an integer of 4 or 8 bytes. */
export function writeInteger(bytes: Uint8Array, value: bigint): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length === 4) view.setUint32(0, Number(value), true);
  else view.setBigUint64(0, value, true);
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
