import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hash } from "../../../core/hash.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { code, entriesOf, linesOf, Link, Log, withTree } from "./_tree.ts";

test("walk() refuses links by default, to files and directories, sound or not", async () => {
  await withTree(
    {
      a: "",
      d: { x: "" },
      file: new Link("a"),
      dir: new Link("d"),
      dangling: new Link("none"),
      loop: new Link("loop"),
    },
    async (folder) => {
      assert.deepEqual(await linesOf(await fileSystemSource(folder)), [
        "file a",
        "file d/x",
        "ENTRY_SYMLINK dangling",
        "ENTRY_SYMLINK dir",
        "ENTRY_SYMLINK file",
        "ENTRY_SYMLINK loop",
      ]);
    },
  );
});

test("walk() follows links when allowed and records them under their own path", async () => {
  await withTree(
    { real: { a: "123" }, file: new Link("real/a"), dir: new Link("real"), two: new Link("file") },
    async (folder) => {
      const log = new Log();
      const source = await fileSystemSource(folder);
      const entries = await entriesOf(source, { allowSymlinks: true }, log);
      assert.deepEqual(entries.map(({ kind, path }) => `${kind} ${path}`), [
        "file dir/a",
        "file file",
        "file real/a",
        "file two",
      ]);
      const target = path.join(folder, "real", "a");
      for (const entry of entries) {
        assert.ok(entry.kind === "file");
        assert.equal(entry.size, 3);
        assert.equal(entry.location?.path, target);
        assert.equal(entry.location?.inode, lstatSync(target).ino);
      }
      assert.deepEqual(log.lines, []);
    },
  );
});

test("walk() warns of links that lead out of the model", async () => {
  await withTree(
    {
      m: { out: new Link("../x"), far: new Link("../d"), in: new Link("a"), a: "" },
      x: "",
      d: { y: "" },
    },
    async (folder) => {
      const log = new Log();
      const source = await fileSystemSource(path.join(folder, "m"));
      assert.deepEqual(await linesOf(source, { allowSymlinks: true }, log), [
        "file a",
        "file far/y",
        "file in",
        "file out",
      ]);
      assert.deepEqual(log.lines.map(({ level, fields }) => `${level} ${fields["path"]}`), [
        "warn far",
        "warn out",
      ]);
    },
  );
});

test("a model that is refused is warned of once, though it is listed twice", async () => {
  await withTree(
    { m: { out: new Link("../x"), sour: new Link("nowhere"), zero: new Link("none") }, x: "" },
    async (folder) => {
      const logger = new Log();
      const source = await fileSystemSource(path.join(folder, "m"));
      const hashing = hash({ source, hasher: hasherFactory(), allowSymlinks: true }, { logger });
      await assert.rejects(hashing, code("MODEL_REFUSED"));
      assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 1);
    },
  );
});

test("walk() refuses cycles", async () => {
  await withTree(
    {
      m: {
        self: new Link("."),
        loop: new Link("loop"),
        one: new Link("two"),
        two: new Link("one"),
        sub: { up: new Link("../sub"), root: new Link("../../m") },
        out: new Link("../out"),
      },
      out: { back: new Link("../m"), above: new Link("..") },
    },
    async (folder) => {
      const source = await fileSystemSource(path.join(folder, "m"));
      assert.deepEqual(await linesOf(source, { allowSymlinks: true }), [
        "ENTRY_SYMLINK_CYCLE loop",
        "ENTRY_SYMLINK_CYCLE one",
        // Reached as plain directories, below a link to a folder that holds them.
        "ENTRY_SYMLINK_CYCLE out/above/m",
        "ENTRY_SYMLINK_CYCLE out/above/out",
        "ENTRY_SYMLINK_CYCLE out/back",
        "ENTRY_SYMLINK_CYCLE self",
        "ENTRY_SYMLINK_CYCLE sub/root",
        "ENTRY_SYMLINK_CYCLE sub/up",
        "ENTRY_SYMLINK_CYCLE two",
      ]);
    },
  );
});

test("walk() enters a directory twice when two links lead to it side by side", async () => {
  await withTree({ d: { a: "" }, l1: new Link("d"), l2: new Link("d") }, async (folder) => {
    assert.deepEqual(await linesOf(await fileSystemSource(folder), { allowSymlinks: true }), [
      "file d/a",
      "file l1/a",
      "file l2/a",
    ]);
  });
});

test("walk() refuses dangling links when links are allowed", async () => {
  await withTree(
    { a: "", none: new Link("nowhere"), below: new Link("a/x"), chain: new Link("none") },
    async (folder) => {
      assert.deepEqual(await linesOf(await fileSystemSource(folder), { allowSymlinks: true }), [
        "file a",
        "ENTRY_SYMLINK_DANGLING below",
        "ENTRY_SYMLINK_DANGLING chain",
        "ENTRY_SYMLINK_DANGLING none",
      ]);
    },
  );
});

test("walk() refuses to go deeper than the limit through links", async () => {
  const chain = Object.fromEntries(
    [...Array(2100).keys()].map((index) => [`d${index}`, { n: new Link(`../d${index + 1}`) }]),
  );
  await withTree({ m: { n: new Link("../d0") }, ...chain }, async (folder) => {
    const source = await fileSystemSource(path.join(folder, "m"));
    const lines = await linesOf(source, { allowSymlinks: true });
    assert.deepEqual(lines.map((line) => line.split(" ")[0]), ["ENTRY_TOO_DEEP"]);
  });
});

test("walk() refuses a link on the way to a listed file when links are not allowed", async () => {
  await withTree({ d: { a: "" }, link: new Link("d") }, async (folder) => {
    const listed = new Set(["link/a"]);
    const source = await fileSystemSource(folder);
    assert.deepEqual(await linesOf(source, { listed, onlyListed: true }), ["ENTRY_SYMLINK link"]);
    assert.deepEqual(
      await linesOf(source, { listed, onlyListed: true, allowSymlinks: true }),
      ["file link/a"],
    );
  });
});
