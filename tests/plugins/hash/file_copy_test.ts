import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { FileCopy } from "../../../plugins/hash/file_copy.ts";
import { Pace } from "../../../plugins/hash/pace.ts";

const PIECE = 256 * 1024;

test("FileCopy writes past the page cache where the system can, and the rest through it", () => {
  inFolder((folder) => {
    const pace = pastTheCache();
    const content = alignedContent();
    const path = join(folder, "file");
    const copy = new FileCopy(path, pace);
    const part = PIECE + 4096;
    copy.write(content.subarray(0, PIECE), 1);
    copy.write(content.subarray(PIECE, PIECE + part), 1);
    // No whole block, and what comes behind it: no block of that is where it must be.
    copy.write(content.subarray(0, 1000), 1);
    copy.write(content.subarray(0, PIECE), 1);
    assert.equal(pace.way, writesDirectly(folder) ? "direct" : "cached");
    copy.close();
    assert.deepEqual(
      readFileSync(path),
      Buffer.concat([
        content.subarray(0, PIECE + part),
        content.subarray(0, 1000),
        content.subarray(0, PIECE),
      ]),
    );
  });
});

test("FileCopy writes through the page cache what the system does not write past it", () => {
  inFolder((folder) => {
    // Memory that begins nowhere near a block.
    const content = alignedContent().subarray(1, 1 + 2 * PIECE);
    const path = join(folder, "file");
    const copy = new FileCopy(path, pastTheCache());
    copy.write(content.subarray(0, PIECE), 1);
    copy.write(content.subarray(PIECE), 1);
    copy.close();
    assert.deepEqual(readFileSync(path), Buffer.from(content));
  });
});

/** One to which no direct write is too slow. */
function pastTheCache(): Pace {
  const pace = new Pace();
  while (pace.way === "cached") pace.took(Number.MAX_SAFE_INTEGER, 1);
  return pace;
}

/** Three pieces in memory that begins with a page. */
function alignedContent(): Uint8Array {
  const { buffer } = new WebAssembly.Memory({
    initial: 3 * PIECE / 65536,
    maximum: 12,
    shared: true,
  });
  return randomFillSync(new Uint8Array(buffer));
}

/** Whether files in this folder can be written past the page cache. */
function writesDirectly(folder: string): boolean {
  const target = `of=${join(folder, "probe")}`;
  return spawnSync("dd", ["if=/dev/zero", target, "bs=4096", "count=1", "oflag=direct"]).status ===
    0;
}

function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-"));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
