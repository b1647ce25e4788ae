import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import {
  type CachedRepository,
  cachePath,
  readCache,
  writeCache,
} from "../../../../plugins/sigstore/trust/cache.ts";
import { assertRefused } from "./repository.ts";

const CACHED: CachedRepository = {
  url: "https://tuf.example.com",
  fetched: new Date("2026-06-01T00:00:00Z"),
  version: 3,
  files: new Map([
    ["2.root.json", new Uint8Array(new TextEncoder().encode('{"ä": "\\u0001 "}\n'))],
    ["timestamp.json", new Uint8Array([0x7b, 0x7d])],
  ]),
};

/** Runs a test with a cache's path in a new folder. */
async function inFolder(run: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tuf-cache-"));
  try {
    await run(cachePath(join(folder, "cache"), "production"), folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("writeCache() and readCache() keep every byte", async () => {
  await inFolder(async (path) => {
    assert.equal(await readCache(path), undefined);
    await writeCache(path, CACHED);
    assert.deepEqual(await readCache(path), CACHED);
    await writeCache(path, { ...CACHED, version: 4 });
    assert.equal((await readCache(path))?.version, 4);
    assert.deepEqual(await readdir(dirname(path)), ["production.json"]);
  });
});

test("writeCache() makes folders that others cannot look into", async () => {
  await inFolder(async (path, folder) => {
    await writeCache(path, CACHED);
    for (const made of [dirname(path), join(folder, "cache")]) {
      assert.equal((await stat(made)).mode & 0o077, 0, made);
    }
  });
});

test("writeCache() replaces a symbolic link and leaves what it points to", async () => {
  await inFolder(async (path, folder) => {
    const other = join(folder, "other");
    await writeFile(other, "precious");
    await mkdir(dirname(path), { recursive: true });
    await symlink(other, path);
    await writeCache(path, CACHED);
    assert.ok((await lstat(path)).isFile());
    assert.equal(await readFile(other, "utf8"), "precious");
  });
});

test("writeCache() says so when it cannot write", async () => {
  await inFolder(async (path, folder) => {
    await writeFile(join(folder, "cache"), "a file in the folder's place");
    await assertRefused(writeCache(path, CACHED), "FILE_UNWRITABLE");
  });
});

test("writeCache() refuses more than readCache() would read", async () => {
  await inFolder(async (path) => {
    const files = new Map([["1.root.json", new Uint8Array(40 * 1024 * 1024)]]);
    await assertRefused(writeCache(path, { ...CACHED, files }));
    assert.equal(await readCache(path), undefined);
  });
});

test("readCache() refuses what is no cache", async () => {
  await inFolder(async (path) => {
    await writeCache(path, CACHED);
    const good = JSON.parse(await readFile(path, "utf8"));
    const bad = [
      "",
      "garbage",
      "[]",
      JSON.stringify({ ...good, format: "another" }),
      JSON.stringify({ ...good, files: { "timestamp.json": 1 } }),
      JSON.stringify({ ...good, files: [] }),
      JSON.stringify({ ...good, fetched: "yesterday" }),
      JSON.stringify({ ...good, version: -1 }),
      JSON.stringify({ ...good, url: undefined }),
    ];
    for (const text of bad) {
      await writeFile(path, text);
      await assertRefused(readCache(path), "TRUST_MALFORMED");
    }
  });
});

test("readCache() refuses a folder, and a FIFO without waiting for a writer", async () => {
  await inFolder(async (path) => {
    await mkdir(path, { recursive: true });
    await assertRefused(readCache(path), "FILE_UNREADABLE");
    await rm(path, { recursive: true });
    execFileSync("mkfifo", [path]);
    await assertRefused(readCache(path), "FILE_UNREADABLE");
  });
});
