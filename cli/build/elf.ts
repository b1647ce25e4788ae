/** ELF executables, as far as one has to know what a system must have to run them (System V ABI, chapters 4 and 5). */

import { Buffer } from "node:buffer";

const MACHINES: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" };
const PROGRAM_HEADER_SIZE = 56;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** What a 64-bit executable or shared library is for and what it needs. */
export type Elf = {
  /** `x64`, `arm64`. */
  readonly architecture: string;
  /** The path of the dynamic loader, which an executable names. */
  readonly interpreter: string | undefined;
  /** Names of shared libraries. */
  readonly libraries: readonly string[];
};

type ProgramHeader = {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
};

/**
 * Reads the headers of what is dynamically linked.
 *
 * @throws {Error} when the file is none, or ends before what its headers name
 */
export function readElf(file: Buffer): Elf {
  // Magic, 64 bits, little-endian.
  if (!file.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]))) {
    throw new Error("the file is no 64-bit ELF file");
  }
  const architecture = MACHINES[file.readUInt16LE(18)];
  if (architecture === undefined) throw new Error("the ELF file is for an unknown processor");
  const headers = programHeaders(file);
  for (const { offset, size } of headers) {
    if (offset + size > file.length) {
      throw new Error("the ELF file ends before one of its segments");
    }
  }
  const interpreter = headers.find(({ type }) => type === PT_INTERP);
  const dynamic = headers.find(({ type }) => type === PT_DYNAMIC);
  if (!dynamic) throw new Error("the ELF file is not dynamically linked");
  return {
    architecture,
    interpreter: interpreter && text(file, interpreter.offset),
    libraries: neededLibraries(file, headers, dynamic),
  };
}

function programHeaders(file: Buffer): ProgramHeader[] {
  const start = Number(file.readBigUInt64LE(32));
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = start + index * PROGRAM_HEADER_SIZE;
    const number = (field: number) => Number(file.readBigUInt64LE(at + field));
    return {
      type: file.readUInt32LE(at),
      offset: number(8),
      address: number(16),
      size: number(32),
    };
  });
}

function neededLibraries(
  file: Buffer,
  headers: readonly ProgramHeader[],
  dynamic: ProgramHeader,
): string[] {
  const names: number[] = [];
  let strings: number | undefined;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    const tag = Number(file.readBigUInt64LE(at));
    const value = Number(file.readBigUInt64LE(at + 8));
    if (tag === DT_NULL) break;
    if (tag === DT_NEEDED) names.push(value);
    if (tag === DT_STRTAB) strings = value;
  }
  // The string table is named by its address in memory.
  const segment = headers.find(({ type, address, size }) =>
    type === PT_LOAD && strings !== undefined && strings >= address && strings < address + size
  );
  if (strings === undefined || !segment) {
    throw new Error("the ELF file has no dynamic string table");
  }
  const table = strings - segment.address + segment.offset;
  return names.map((name) => text(file, table + name));
}

function text(file: Buffer, at: number): string {
  const end = file.indexOf(0, at);
  if (end < 0) throw new Error("the ELF file ends in the middle of a name");
  return file.toString("latin1", at, end);
}
