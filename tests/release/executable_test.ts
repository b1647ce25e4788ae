import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { signAdHoc } from "../../cli/build/code_signature.ts";
import { readElf } from "../../cli/build/elf.ts";
import { checkExecutable } from "../../cli/build/executable.ts";
import { readPe } from "../../cli/build/pe.ts";
import { platformNamed } from "../../cli/build/platforms.ts";
import { machO, pe, PE_OPTIONAL_HEADER, PE_SECTION, writeChecksum } from "./executables.ts";

test("checkExecutable() takes an executable of its platform that holds the addon, and no other", () => {
  const darwin = signAdHoc(machO(), "tool");
  const windows = pe();
  const addon = (file: Buffer) => file.subarray(file.length - 0x300, file.length - 0x200);
  checkExecutable(darwin, platformNamed("darwin-arm64"), addon(darwin));
  checkExecutable(windows, platformNamed("windows-x64"), addon(windows));
  const wrong: readonly (readonly [Buffer, string, Buffer])[] = [
    [darwin, "darwin-x64", addon(darwin)],
    [darwin, "linux-arm64", addon(darwin)],
    [darwin, "darwin-arm64", Buffer.from("an addon that is not in it")],
    [machO(), "darwin-arm64", addon(darwin)],
    [windows, "windows-arm64", addon(windows)],
    [windows, "darwin-x64", addon(windows)],
    [Buffer.alloc(4096), "linux-x64", Buffer.alloc(1)],
  ];
  for (const [file, platform, native] of wrong) {
    assert.throws(() => checkExecutable(file, platformNamed(platform), native), Error, platform);
  }
});

test("readPe() says what an executable is for, and refuses sections and checksums that do not fit", () => {
  assert.deepEqual(readPe(pe()), { architecture: "x64", console: true, signed: false });
  const changed = (at: number, value: number, checksum = true): Buffer => {
    const file = pe();
    file.writeUInt32LE(value, at);
    if (checksum) writeChecksum(file);
    return file;
  };
  assert.equal(readPe(changed(PE_OPTIONAL_HEADER + 112 + 32, 0x400)).signed, true);
  assert.equal(readPe(changed(PE_OPTIONAL_HEADER + 68, 2)).console, false);
  const wrong = [
    ...[Buffer.alloc(0), Buffer.alloc(0x200), changed(60, 0x7fffffff)],
    changed(0x300, 1, false),
    // The processor, the optional header's magic, the number of sections.
    ...[changed(0x44, 0x0002014c), changed(PE_OPTIONAL_HEADER, 0x10b), changed(0x44, 0xffff8664)],
    // A section beyond the image, beyond the file, and over the next one.
    ...[changed(PE_SECTION + 8, 0x10000), changed(PE_SECTION + 20, 0x500)],
    changed(PE_SECTION + 12, 0x2000),
  ];
  for (const [index, file] of wrong.entries()) {
    assert.throws(() => readPe(file), Error, String(index));
  }
});

test("readElf() reads this very program, and refuses it cut off", {
  skip: process.platform !== "linux",
}, () => {
  const file = readFileSync(process.execPath);
  const { architecture, interpreter, libraries } = readElf(file);
  assert.equal(architecture, process.arch);
  assert.match(interpreter!, /^\/lib/);
  assert.ok(libraries.some((name) => /^libc\./.test(name)), libraries.join());
  assert.throws(() => readElf(file.subarray(0, file.length >> 1)));
  assert.throws(() => readElf(machO()));
});
