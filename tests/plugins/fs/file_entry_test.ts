import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  appendFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { ByteRange, Entry } from "../../../core/source.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { entriesOf, makeFifo, withTree } from "./_tree.ts";

type File = Extract<Entry, { kind: "file" }>;

async function listed(folder: string, name: string): Promise<File> {
  const entries = await entriesOf(await fileSystemSource(folder));
  return entries.find((entry) => entry.kind === "file" && entry.path === name) as File;
}

async function read(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
  }
  return Buffer.concat(chunks);
}

/** Checks what a stream's fault says about the file. */
function finding(expected: string): (error: unknown) => boolean {
  return (error) => {
    const { code, issues } = error as { code: string; issues: { code: string; path: string }[] };
    assert.equal(code, "FILE_UNREADABLE");
    assert.deepEqual(issues.map((issue) => `${issue.code} ${issue.path}`), [`${expected} a`]);
    return true;
  };
}

test("open() gives the content at sizes around the chunk", async () => {
  for (const size of [0, 1, 262_143, 262_144, 262_145, 1_000_000]) {
    const content = new Uint8Array(size).map((_, index) => index % 251);
    await withTree({ a: content }, async (folder) => {
      const entry = await listed(folder, "a");
      assert.ok((await read(entry.open())).equals(content), `${size}`);
    });
  }
});

test("open() gives ranges across chunks", async () => {
  const content = new Uint8Array(700_000).map((_, index) => index % 251);
  await withTree({ a: content }, async (folder) => {
    const entry = await listed(folder, "a");
    for (const [start, end] of [[0, 1], [262_143, 262_145], [1, 699_999], [5, 5]] as const) {
      const expected = content.subarray(start, end);
      assert.ok((await read(entry.open({ start, end }))).equals(expected), `${start}:${end}`);
    }
  });
});

test("open() throws for a range that is not within the file", async () => {
  await withTree({ a: "12345" }, async (folder) => {
    const entry = await listed(folder, "a");
    const ranges: readonly ByteRange[] = [
      { start: -1, end: 1 },
      { start: 2, end: 1 },
      { start: 0, end: 6 },
      { start: 0.5, end: 1 },
      { start: 0, end: NaN },
    ];
    for (const range of ranges) assert.throws(() => entry.open(range), RangeError);
  });
});

test("open() fails for a file that grew, shrank or was rewritten since it was listed", async () => {
  const changes: readonly ((file: string) => void)[] = [
    (file) => appendFileSync(file, "6"),
    (file) => truncateSync(file, 3),
    (file) => {
      writeFileSync(`${file}2`, "12345");
      renameSync(`${file}2`, file);
    },
  ];
  for (const change of changes) {
    await withTree({ a: "12345" }, async (folder) => {
      const entry = await listed(folder, "a");
      change(path.join(folder, "a"));
      await assert.rejects(read(entry.open()), finding("FILE_CHANGED"));
    });
  }
});

test("open() fails for a file that changes while it is read", async () => {
  const changes: readonly ((file: string) => void)[] = [
    (file) => appendFileSync(file, "x"),
    (file) => truncateSync(file, 300_000),
  ];
  for (const change of changes) {
    await withTree({ a: new Uint8Array(1_000_000) }, async (folder) => {
      const entry = await listed(folder, "a");
      const reader = entry.open().getReader();
      await reader.read();
      change(path.join(folder, "a"));
      const rest = async () => {
        while (!(await reader.read()).done);
      };
      await assert.rejects(rest(), finding("FILE_CHANGED"));
    });
  }
});

test("open() does not follow a link that took the file's place", async () => {
  await withTree({ a: "12345", b: "12345" }, async (folder) => {
    const entry = await listed(folder, "a");
    rmSync(path.join(folder, "a"));
    symlinkSync("b", path.join(folder, "a"));
    await assert.rejects(read(entry.open()), finding("FILE_CHANGED"));
  });
});

test("open() does not wait for a FIFO that took the file's place", async () => {
  await withTree({ a: "" }, async (folder) => {
    const entry = await listed(folder, "a");
    rmSync(path.join(folder, "a"));
    makeFifo(path.join(folder, "a"));
    await assert.rejects(read(entry.open()), finding("FILE_CHANGED"));
  });
});

test("open() fails for a file that has gone", async () => {
  await withTree({ a: "" }, async (folder) => {
    const entry = await listed(folder, "a");
    rmSync(path.join(folder, "a"));
    await assert.rejects(read(entry.open()), finding("ENTRY_UNREADABLE"));
  });
});

test("open() may be cancelled while a read is under way", async () => {
  await withTree({ a: new Uint8Array(1_000_000) }, async (folder) => {
    const entry = await listed(folder, "a");
    const reader = entry.open().getReader();
    const first = reader.read();
    await reader.cancel();
    await first;
    assert.equal((await read(entry.open())).length, 1_000_000);
  });
});
