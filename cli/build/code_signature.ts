/**
 * Ad-hoc code signatures of macOS executables: a `SuperBlob` with one `CodeDirectory` of SHA-256 page hashes, no
 * certificate. macOS on arm64 kills an executable whose signature is missing or wrong. The structures are those of
 * XNU's `osfmk/kern/cs_blobs.h`; unlike the rest of the file, their numbers are big-endian.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readMachO, resizeSegment, segmentNamed } from "./mach_o.ts";

const EMBEDDED_SIGNATURE = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const SLOT_CODE_DIRECTORY = 0;

/** The first version with the executable segment, which arm64 wants to be told. */
const VERSION_EXECUTABLE_SEGMENT = 0x20400;
const CODE_DIRECTORY_SIZE = 88;
const SUPER_BLOB_SIZE = 20;

const FLAG_AD_HOC = 0x2;
/** Made by what made the executable: `codesign` replaces such a signature without being forced to. */
const FLAG_LINKER_SIGNED = 0x20000;
const HASH_SHA256 = 2;
const HASH_SIZE = 32;
const MAIN_BINARY = 1n;

/** Pages as they are hashed, for both architectures; `2 ** 12`. */
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** Pages of arm64 memory, to which segments are rounded. */
const MEMORY_PAGE = 0x4000;
const ALIGNMENT = 16;

/**
 * The executable with its code signature replaced by an ad-hoc one.
 *
 * @param identifier what the signature calls the program
 * @throws {Error} when the file is no Mach-O executable with a code signature at the end of `__LINKEDIT`
 */
export function signAdHoc(file: Buffer, identifier: string): Buffer {
  const machO = readMachO(file);
  const { signature } = machO;
  if (!signature) throw new Error("the executable has no room for a code signature");
  const linkEdit = segmentNamed(machO, "__LINKEDIT");
  const end = signature.offset + signature.size;
  if (end !== file.length || linkEdit.fileOffset + linkEdit.fileSize !== end) {
    throw new Error("the code signature is not at the end of the executable");
  }
  if (signature.offset % ALIGNMENT !== 0) throw new Error("the code signature is not aligned");
  const text = segmentNamed(machO, "__TEXT");
  const limit = signature.offset;
  const size = signatureSize(limit, identifier);
  const signed = Buffer.alloc(limit + size);
  file.copy(signed, 0, 0, limit);
  // Both stand in the first page, which is hashed as well.
  resizeSegment(signed, linkEdit, limit + size - linkEdit.fileOffset, MEMORY_PAGE);
  signed.writeUInt32LE(size, signature.commandOffset + 12);
  writeSignature(signed, limit, identifier, { base: text.fileOffset, limit: text.fileSize });
  return signed;
}

/**
 * What is wrong with an executable's ad-hoc signature by the rules of the kernel: where it lies, what it covers, the hash
 * of every page. Undefined when nothing is.
 *
 * @throws {Error} when the file is no Mach-O executable
 */
export function adHocSignatureFault(file: Buffer): string | undefined {
  const machO = readMachO(file);
  const { signature } = machO;
  if (!signature) return "the executable has no code signature";
  const linkEdit = segmentNamed(machO, "__LINKEDIT");
  const end = signature.offset + signature.size;
  if (end !== file.length || linkEdit.fileOffset + linkEdit.fileSize !== end) {
    return "the code signature is not at the end of the executable and of __LINKEDIT";
  }
  if (linkEdit.memorySize < linkEdit.fileSize) {
    return "__LINKEDIT is larger in the file than in memory";
  }
  const outside = machO.linkEditData.some(({ offset, size }) =>
    offset < linkEdit.fileOffset || offset + size > signature.offset
  );
  if (outside) return "a load command points out of __LINKEDIT";
  const directory = codeDirectory(file.subarray(signature.offset, end));
  if (typeof directory === "string") return directory;
  return directoryFault(directory, signature.offset) ??
    pageFault(file, directory, signature.offset);
}

function signatureSize(limit: number, identifier: string): number {
  const size = SUPER_BLOB_SIZE + CODE_DIRECTORY_SIZE + Buffer.byteLength(identifier) + 1 +
    Math.ceil(limit / PAGE) * HASH_SIZE;
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

function writeSignature(
  file: Buffer,
  limit: number,
  identifier: string,
  executable: { readonly base: number; readonly limit: number },
): void {
  const slots = Math.ceil(limit / PAGE);
  const identifierOffset = CODE_DIRECTORY_SIZE;
  const hashOffset = identifierOffset + Buffer.byteLength(identifier) + 1;
  const length = hashOffset + slots * HASH_SIZE;
  const superBlob = file.subarray(limit);
  const words = [
    ...[EMBEDDED_SIGNATURE, SUPER_BLOB_SIZE + length, 1, SLOT_CODE_DIRECTORY, SUPER_BLOB_SIZE],
    ...[CODE_DIRECTORY, length, VERSION_EXECUTABLE_SEGMENT, FLAG_AD_HOC | FLAG_LINKER_SIGNED],
    ...[hashOffset, identifierOffset, 0, slots, limit],
  ];
  words.forEach((word, index) => superBlob.writeUInt32BE(word, index * 4));
  const directory = superBlob.subarray(SUPER_BLOB_SIZE);
  directory.writeUInt8(HASH_SIZE, 36);
  directory.writeUInt8(HASH_SHA256, 37);
  directory.writeUInt8(PAGE_BITS, 39);
  directory.writeBigUInt64BE(BigInt(executable.base), 64);
  directory.writeBigUInt64BE(BigInt(executable.limit), 72);
  directory.writeBigUInt64BE(MAIN_BINARY, 80);
  directory.write(identifier, identifierOffset);
  for (let slot = 0; slot < slots; slot++) {
    directory.set(pageHash(file, slot, limit), hashOffset + slot * HASH_SIZE);
  }
}

/** The one `CodeDirectory` of a `SuperBlob`, or what is wrong with them. */
function codeDirectory(signature: Buffer): Buffer | string {
  if (signature.length < 12 || signature.readUInt32BE(0) !== EMBEDDED_SIGNATURE) {
    return "the code signature is no SuperBlob";
  }
  const length = signature.readUInt32BE(4);
  const count = signature.readUInt32BE(8);
  if (length > signature.length || 12 + count * 8 > length) return "the SuperBlob is cut off";
  const offsets = Array.from({ length: count }, (_, index) => 12 + index * 8)
    .filter((at) => signature.readUInt32BE(at) === SLOT_CODE_DIRECTORY)
    .map((at) => signature.readUInt32BE(at + 4));
  const [offset] = offsets;
  if (offset === undefined || offsets.length > 1) {
    return `the SuperBlob has ${offsets.length} CodeDirectories instead of one`;
  }
  if (offset + CODE_DIRECTORY_SIZE > length || signature.readUInt32BE(offset) !== CODE_DIRECTORY) {
    return "the SuperBlob's CodeDirectory is none";
  }
  const size = signature.readUInt32BE(offset + 4);
  if (size < CODE_DIRECTORY_SIZE || offset + size > length) return "the CodeDirectory is cut off";
  return signature.subarray(offset, offset + size);
}

/** What is wrong with what a directory says of `limit` bytes. */
function directoryFault(directory: Buffer, limit: number): string | undefined {
  if (directory.readUInt32BE(8) < VERSION_EXECUTABLE_SEGMENT) {
    return "the CodeDirectory is too old to name the executable segment";
  }
  if ((directory.readUInt32BE(12) & FLAG_AD_HOC) === 0) return "the code signature is not ad hoc";
  if (directory.readUInt8(36) !== HASH_SIZE || directory.readUInt8(37) !== HASH_SHA256) {
    return "the CodeDirectory's hashes are not SHA-256";
  }
  const identifier = directory.readUInt32BE(20);
  if (identifier < CODE_DIRECTORY_SIZE || directory.indexOf(0, identifier) < 0) {
    return "the code signature has no identifier";
  }
  const covered = directory.readUInt32BE(32);
  if (covered !== limit) return `the code signature covers ${covered} of ${limit} bytes`;
  const slots = directory.readUInt32BE(28);
  if (directory.readUInt8(39) !== PAGE_BITS || slots !== Math.ceil(limit / PAGE)) {
    return `the code signature has ${slots} hashes for ${limit} bytes in pages of ${PAGE}`;
  }
  if (directory.readUInt32BE(16) + slots * HASH_SIZE > directory.length) {
    return "the CodeDirectory's hashes are cut off";
  }
  return undefined;
}

function pageFault(file: Buffer, directory: Buffer, limit: number): string | undefined {
  const hashOffset = directory.readUInt32BE(16);
  for (let slot = 0; slot * PAGE < limit; slot++) {
    const at = hashOffset + slot * HASH_SIZE;
    if (!pageHash(file, slot, limit).equals(directory.subarray(at, at + HASH_SIZE))) {
      return `page ${slot} differs from its hash in the code signature`;
    }
  }
  return undefined;
}

/** The last page is hashed as far as it goes, without padding. */
function pageHash(file: Buffer, slot: number, limit: number): Buffer {
  const page = file.subarray(slot * PAGE, Math.min((slot + 1) * PAGE, limit));
  return createHash("sha256").update(page).digest();
}
