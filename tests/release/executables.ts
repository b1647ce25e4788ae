/** The smallest executables that have everything a checker looks at. */

import { Buffer } from "node:buffer";

/** Bytes of `__TEXT`, and of what precedes the signature in `__LINKEDIT`. */
const TEXT_SIZE = 0x8000;
const DATA_SIZE = 0x1230;

/** A Mach-O executable for arm64 whose signature is empty: `__TEXT`, `__LINKEDIT` with symbols, `LC_CODE_SIGNATURE`. */
export function machO(): Buffer {
  const limit = TEXT_SIZE + DATA_SIZE;
  const file = Buffer.alloc(limit + 64, 0x5a);
  const segment = (name: string, offset: number, size: number): Buffer => {
    const command = Buffer.alloc(72);
    command.writeUInt32LE(0x19, 0);
    command.writeUInt32LE(72, 4);
    command.write(name, 8);
    command.writeBigUInt64LE(BigInt(Math.ceil(size / 0x4000) * 0x4000), 32);
    command.writeBigUInt64LE(BigInt(offset), 40);
    command.writeBigUInt64LE(BigInt(size), 48);
    return command;
  };
  const words = (...values: readonly number[]): Buffer => {
    const buffer = Buffer.alloc(values.length * 4);
    values.forEach((value, index) => buffer.writeUInt32LE(value, index * 4));
    return buffer;
  };
  const commands = [
    segment("__TEXT", 0, TEXT_SIZE),
    segment("__LINKEDIT", TEXT_SIZE, DATA_SIZE + 64),
    words(0x2, 24, TEXT_SIZE, 10, TEXT_SIZE + 160, 100),
    words(0x1d, 16, limit, 64),
  ];
  const size = commands.reduce((sum, { length }) => sum + length, 0);
  const header = words(0xfeedfacf, 0x0100000c, 0, 2, commands.length, size, 0, 0);
  Buffer.concat([header, ...commands]).copy(file);
  return file;
}

/** Where {@link machO} has the load command of its signature. */
export const MACH_O_SIGNATURE_COMMAND: number = 32 + 72 + 72 + 24;

/** A PE executable for x64 and the console, with two sections and a right checksum. */
export function pe(): Buffer {
  const file = Buffer.alloc(0x600, 0x33);
  file.fill(0, 0, 0x200);
  file.write("MZ");
  file.writeUInt32LE(0x40, 60);
  file.write("PE\0\0", 0x40);
  file.writeUInt16LE(0x8664, 0x44);
  file.writeUInt16LE(2, 0x46);
  file.writeUInt16LE(240, 0x54);
  const optional = 0x58;
  file.writeUInt16LE(0x20b, optional);
  file.writeUInt32LE(0x3000, optional + 56);
  file.writeUInt16LE(3, optional + 68);
  [0, 1].forEach((index) => {
    const section = optional + 240 + index * 40;
    file.writeUInt32LE(0x200, section + 8);
    file.writeUInt32LE(0x1000 * (index + 1), section + 12);
    file.writeUInt32LE(0x200, section + 16);
    file.writeUInt32LE(0x200 * (index + 1), section + 20);
  });
  writeChecksum(file);
  return file;
}

/** Where {@link pe} has its optional header, and the first section. */
export const PE_OPTIONAL_HEADER: number = 0x58;
export const PE_SECTION: number = PE_OPTIONAL_HEADER + 240;

/** Computed in another way than the program does: with numbers of any size, folded at the end. */
export function writeChecksum(file: Buffer): void {
  file.writeUInt32LE(0, PE_OPTIONAL_HEADER + 64);
  let sum = 0n;
  for (let at = 0; at < file.length; at += 2) sum += BigInt(file.readUInt16LE(at));
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n);
  file.writeUInt32LE(Number(sum) + file.length, PE_OPTIONAL_HEADER + 64);
}
