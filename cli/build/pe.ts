/** Executables of Windows (Microsoft's "PE Format"). */

import type { Buffer } from "node:buffer";

const MACHINES: Readonly<Record<number, string>> = { 0x8664: "x64", 0xaa64: "arm64" };
const PE32_PLUS = 0x20b;
const CERTIFICATES = 4;
const SECTION_SIZE = 40;

/** What a 64-bit executable says about itself. */
export type Pe = {
  /** `x64`, `arm64`. */
  readonly architecture: string;
  /** Runs in a console, and not in a window. */
  readonly console: boolean;
  /** Whether it carries an Authenticode signature. */
  readonly signed: boolean;
};

/**
 * Reads the headers of an executable.
 *
 * @throws {Error} when the file is none, or its sections or its checksum do not fit its content
 */
export function readPe(file: Buffer): Pe {
  const header = file.length >= 64 && file.toString("latin1", 0, 2) === "MZ"
    ? file.readUInt32LE(60)
    : file.length;
  if (header + 264 > file.length || file.toString("latin1", header, header + 4) !== "PE\0\0") {
    throw new Error("the file is no executable of Windows");
  }
  const architecture = MACHINES[file.readUInt16LE(header + 4)];
  const optional = header + 24;
  if (architecture === undefined || file.readUInt16LE(optional) !== PE32_PLUS) {
    throw new Error("the executable of Windows is for an unknown processor");
  }
  checkSections(file, {
    start: optional + file.readUInt16LE(header + 20),
    count: file.readUInt16LE(header + 6),
    imageSize: file.readUInt32LE(optional + 56),
  });
  const checksumOffset = optional + 64;
  if (file.readUInt32LE(checksumOffset) !== checksum(file, checksumOffset)) {
    throw new Error("the executable's checksum does not fit its content");
  }
  return {
    architecture,
    console: file.readUInt16LE(optional + 68) === 3,
    signed: file.readUInt32LE(optional + 112 + CERTIFICATES * 8) !== 0,
  };
}

function checkSections(
  file: Buffer,
  table: { readonly start: number; readonly count: number; readonly imageSize: number },
): void {
  let inFile = 0;
  let inMemory = 0;
  for (let index = 0; index < table.count; index++) {
    const at = table.start + index * SECTION_SIZE;
    if (at + SECTION_SIZE > file.length) throw new Error("the table of sections is cut off");
    const [memorySize, address, fileSize, offset] = [8, 12, 16, 20].map((field) =>
      file.readUInt32LE(at + field)
    ) as [number, number, number, number];
    if (address < inMemory || address + memorySize > table.imageSize) {
      throw new Error(`section ${index} overlaps another one, or lies outside of the image`);
    }
    if (fileSize > 0 && (offset < inFile || offset + fileSize > file.length)) {
      throw new Error(`section ${index} overlaps another one, or ends behind the file`);
    }
    inMemory = address + memorySize;
    if (fileSize > 0) inFile = offset + fileSize;
  }
}

/** The sum of all 16-bit words but the checksum itself, carries added, plus the length of the file. */
function checksum(file: Buffer, checksumOffset: number): number {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const even = file.length & ~1;
  // 2 ** 47 for files of 4 GB, which a number holds exactly.
  let sum = even < file.length ? file[even]! : 0;
  for (let at = 0; at < even; at += 2) sum += view.getUint16(at, true);
  sum -= view.getUint16(checksumOffset, true) + view.getUint16(checksumOffset + 2, true);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum + file.length;
}
