import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { adHocSignatureFault, signAdHoc } from "../../cli/build/code_signature.ts";
import { readMachO } from "../../cli/build/mach_o.ts";
import { MACH_O_SIGNATURE_COMMAND, machO } from "./executables.ts";

/** Offsets in the SuperBlob's only CodeDirectory. */
const DIRECTORY = 20;

function signed(): { readonly file: Buffer; readonly start: number } {
  const file = signAdHoc(machO(), "tool");
  return { file, start: readMachO(file).signature!.offset };
}

test("signAdHoc() makes a signature that covers everything before it", () => {
  const { file, start } = signed();
  assert.equal(adHocSignatureFault(file), undefined);
  // By XNU's cs_blobs.h, without the program's own reader.
  const directory = file.subarray(start + DIRECTORY);
  assert.equal(directory.readUInt32BE(0), 0xfade0c02);
  assert.equal(directory.readUInt32BE(12) & 2, 2, "ad hoc");
  assert.equal(directory.readUInt32BE(32), start, "all of the code");
  assert.equal(directory.toString("latin1", 88, 93), "tool\0");
  const slots = directory.readUInt32BE(28);
  assert.equal(slots, Math.ceil(start / 4096));
  const last = file.subarray((slots - 1) * 4096, start);
  const hash = directory.subarray(directory.readUInt32BE(16) + (slots - 1) * 32).subarray(0, 32);
  assert.deepEqual(hash, createHash("sha256").update(last).digest());
});

test("signAdHoc() gives the same bytes again, for what is signed, too", () => {
  const { file } = signed();
  assert.deepEqual(signAdHoc(machO(), "tool"), file);
  assert.deepEqual(signAdHoc(file, "tool"), file);
});

test("adHocSignatureFault() finds every changed byte of the code", () => {
  const { file, start } = signed();
  for (let at = 0; at < start; at += 97) {
    const changed = Buffer.from(file);
    changed[at]! ^= 1;
    assert.ok(isRefused(changed), `byte ${at}`);
  }
});

test("adHocSignatureFault() finds signatures that are missing, stale, cut off or somewhere else", () => {
  const { file, start } = signed();
  const word = (at: number, value: number) => {
    const changed = Buffer.from(file);
    changed.writeUInt32BE(value, start + at);
    return changed;
  };
  const command = Buffer.from(file);
  command.writeUInt32LE(0x7f, MACH_O_SIGNATURE_COMMAND);
  const wrong: Readonly<Record<string, Buffer>> = {
    "no load command": command,
    "bytes behind it": Buffer.concat([file, Buffer.alloc(16)]),
    "cut off": file.subarray(0, file.length - 16),
    "an empty one": machO(),
    "another magic": word(0, 0xfade0cc1),
    "a SuperBlob that is too long": word(4, 0x7fffffff),
    "an index that is too long": word(8, 0x7fffffff),
    "no CodeDirectory": word(12, 5),
    "a CodeDirectory outside": word(16, 0x7ffffff0),
    "no CodeDirectory's magic": word(DIRECTORY, 0xfade0b01),
    "a CodeDirectory that is too long": word(DIRECTORY + 4, 0x7fffffff),
    "an old version": word(DIRECTORY + 8, 0x20200),
    "not ad hoc": word(DIRECTORY + 12, 0x10000),
    "hashes outside": word(DIRECTORY + 16, 0x7fffff00),
    "an identifier outside": word(DIRECTORY + 20, 0x7fffff00),
    "too few pages": word(DIRECTORY + 28, 1),
    "a smaller range": word(DIRECTORY + 32, start - 4096),
    "SHA-1": word(DIRECTORY + 36, 0x1401000c),
    "other pages": word(DIRECTORY + 36, 0x2002000e),
  };
  for (const [what, content] of Object.entries(wrong)) assert.ok(isRefused(content), what);
});

test("readMachO() refuses what is no executable, and load commands that cannot be", () => {
  const word = (at: number, value: number) => {
    const changed = machO();
    changed.writeUInt32LE(value, at);
    return changed;
  };
  const wrong = [
    ...[Buffer.alloc(0), Buffer.alloc(31), Buffer.from("#!/bin/sh\n".repeat(9))],
    // Magic, processor, file type, number and size of load commands, size of the first one, a segment's end.
    ...[word(0, 0xfeedface), word(4, 7), word(12, 6), word(16, 1000), word(20, 0x7fffffff)],
    ...[word(36, 0), word(36, 0x10000), word(32 + 52, 1)],
  ];
  for (const [index, content] of wrong.entries()) {
    assert.throws(() => readMachO(content), Error, String(index));
  }
  assert.throws(() => signAdHoc(word(MACH_O_SIGNATURE_COMMAND, 0x7f), "tool"), "no room");
});

/** A fault, or no Mach-O executable any longer. */
function isRefused(file: Buffer): boolean {
  try {
    return adHocSignatureFault(file) !== undefined;
  } catch (error) {
    assert.ok(error instanceof Error && !(error instanceof RangeError), String(error));
    return true;
  }
}
