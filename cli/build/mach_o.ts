/** Mach-O executables of one architecture, as far as their code signature is concerned (`mach-o/loader.h`). */

import { Buffer } from "node:buffer";

const MAGIC_64_LITTLE_ENDIAN = 0xfeedfacf;
const FILE_TYPE_EXECUTE = 2;
const HEADER_SIZE = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;

/**
 * Where load commands point into `__LINKEDIT`: by type, the places in the command of an offset and of a count, and the
 * size of what is counted. What puts a segment before `__LINKEDIT` has to move all of them.
 */
const POINTERS: Readonly<Record<number, readonly (readonly [number, number, number])[]>> = {
  // LC_SYMTAB: the symbols, their names.
  0x2: [[8, 12, 16], [16, 20, 1]],
  // LC_DYSYMTAB: the indirect symbols.
  0xb: [[56, 60, 4]],
  // LC_FUNCTION_STARTS, LC_DATA_IN_CODE, LC_DYLD_EXPORTS_TRIE, LC_DYLD_CHAINED_FIXUPS.
  0x26: [[8, 12, 1]],
  0x29: [[8, 12, 1]],
  0x80000033: [[8, 12, 1]],
  0x80000034: [[8, 12, 1]],
};

/** `cputype` by the name that Node.js has for the architecture. */
const CPU_TYPES: Readonly<Record<number, string>> = { 0x01000007: "x64", 0x0100000c: "arm64" };

/** A range of the file that is mapped, and where its load command stands. */
export type Segment = {
  readonly name: string;
  /** Bytes from the start of the file to the segment's load command. */
  readonly commandOffset: number;
  readonly fileOffset: number;
  readonly fileSize: number;
  readonly memorySize: number;
};

/** What the header and the load commands say. */
export type MachO = {
  /** `x64`, `arm64`. */
  readonly architecture: string;
  readonly segments: readonly Segment[];
  /** What else load commands point to in `__LINKEDIT`. */
  readonly linkEditData: readonly { readonly offset: number; readonly size: number }[];
  /** The range of `LC_CODE_SIGNATURE`, and where its load command stands; undefined when there is none. */
  readonly signature:
    | { readonly commandOffset: number; readonly offset: number; readonly size: number }
    | undefined;
};

/**
 * Reads the header and the load commands.
 *
 * @throws {Error} when the file is no 64-bit executable of a known architecture, or says things that cannot be
 */
export function readMachO(file: Buffer): MachO {
  if (file.length < HEADER_SIZE || file.readUInt32LE(0) !== MAGIC_64_LITTLE_ENDIAN) {
    throw new Error("the file is no 64-bit Mach-O file");
  }
  const architecture = CPU_TYPES[file.readUInt32LE(4)];
  if (architecture === undefined) throw new Error("the Mach-O file is for an unknown processor");
  if (file.readUInt32LE(12) !== FILE_TYPE_EXECUTE) {
    throw new Error("the Mach-O file is no executable");
  }
  const commands = loadCommands(file);
  const segments = commands.filter(({ type }) => type === LC_SEGMENT_64).map(({ offset, size }) => {
    if (size < 72) throw new Error("a segment's load command is cut off");
    return readSegment(file, offset);
  });
  const linkEditData = commands.flatMap(({ type, offset, size }) => {
    const pointers = POINTERS[type] ?? [];
    return pointers.map(([start, count, unit]) => {
      if (count + 4 > size) throw new Error("a load command is cut off");
      return {
        offset: file.readUInt32LE(offset + start),
        size: file.readUInt32LE(offset + count) * unit,
      };
    }).filter(({ size }) => size > 0);
  });
  const signatures = commands.filter(({ type }) => type === LC_CODE_SIGNATURE);
  if (signatures.length > 1) throw new Error("the Mach-O file has more than one code signature");
  const [signature] = signatures;
  if (!signature) return { architecture, segments, linkEditData, signature: undefined };
  if (signature.size < 16) throw new Error("the load command of the code signature is cut off");
  const offset = file.readUInt32LE(signature.offset + 8);
  const size = file.readUInt32LE(signature.offset + 12);
  return {
    ...{ architecture, segments, linkEditData },
    signature: { commandOffset: signature.offset, offset, size },
  };
}

/** The segment of a name. */
export function segmentNamed({ segments }: MachO, name: string): Segment {
  const segment = segments.find((segment) => segment.name === name);
  if (!segment) throw new Error(`the Mach-O file has no segment ${name}`);
  return segment;
}

/** Makes the end of a segment another one: in the file, and in memory, which is counted in whole pages. */
export function resizeSegment(file: Buffer, segment: Segment, size: number, page: number): void {
  file.writeBigUInt64LE(BigInt(Math.ceil(size / page) * page), segment.commandOffset + 32);
  file.writeBigUInt64LE(BigInt(size), segment.commandOffset + 48);
}

function loadCommands(file: Buffer): { type: number; offset: number; size: number }[] {
  const count = file.readUInt32LE(16);
  const end = HEADER_SIZE + file.readUInt32LE(20);
  if (end > file.length) throw new Error("the Mach-O file ends before its load commands");
  const commands = [];
  let offset = HEADER_SIZE;
  for (let index = 0; index < count; index++) {
    if (offset + 8 > end) throw new Error("the Mach-O file counts more load commands than it has");
    const size = file.readUInt32LE(offset + 4);
    // A size of zero would be read forever.
    if (size < 8 || offset + size > end) throw new Error("a load command has an impossible size");
    commands.push({ type: file.readUInt32LE(offset), offset, size });
    offset += size;
  }
  return commands;
}

function readSegment(file: Buffer, commandOffset: number): Segment {
  const name = file.toString("latin1", commandOffset + 8, commandOffset + 24).replace(/\0.*$/s, "");
  const number = (at: number) => Number(file.readBigUInt64LE(commandOffset + at));
  const segment = {
    name,
    commandOffset,
    memorySize: number(32),
    fileOffset: number(40),
    fileSize: number(48),
  };
  if (segment.fileOffset + segment.fileSize > file.length) {
    throw new Error(`the segment ${name} reaches past the end of the file`);
  }
  return segment;
}
