import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { GIT_PATHS } from "../../../core/path_filter.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { linesOf, Link, makeFifo, withTree } from "./_tree.ts";

test("walk() names an excluded path once and says nothing of what lies below", async () => {
  await withTree(
    { ".git": { HEAD: "", hooks: { x: "" } }, ".gitignore": "", sub: { ".git": "" }, a: "" },
    async (folder) => {
      assert.deepEqual(
        await linesOf(await fileSystemSource(folder), { ignorePaths: [...GIT_PATHS, "none"] }),
        ["ignored .git", "ignored .gitignore", "file a", "file sub/.git"],
      );
    },
  );
});

test("walk() does not look at what is excluded", async () => {
  await withTree({ link: new Link("link"), bad: { "\ufffd": "" }, a: "" }, async (folder) => {
    makeFifo(path.join(folder, "fifo"));
    assert.deepEqual(
      await linesOf(await fileSystemSource(folder), { ignorePaths: ["link", "fifo", "bad"] }),
      ["file a", "ignored bad", "ignored fifo", "ignored link"],
    );
  });
});

test("walk() excludes by whole components, exactly", async () => {
  await withTree({ a: { x: "" }, ab: { x: "" }, A: { x: "" } }, async (folder) => {
    assert.deepEqual(await linesOf(await fileSystemSource(folder), { ignorePaths: ["a"] }), [
      "file A/x",
      "ignored a",
      "file ab/x",
    ]);
  });
});

test("walk() takes a listed file below an excluded directory, and only that", async () => {
  await withTree({ a: { b: { x: "", y: "" }, z: "" }, c: "" }, async (folder) => {
    assert.deepEqual(
      await linesOf(await fileSystemSource(folder), {
        ignorePaths: ["a", "a/b"],
        listed: new Set(["a/b/x"]),
      }),
      ["ignored a", "file a/b/x", "file c"],
    );
  });
});

test("walk() excludes what lies below a listed path that is a directory now", async () => {
  await withTree({ a: { x: "" }, b: { x: "" } }, async (folder) => {
    assert.deepEqual(
      await linesOf(await fileSystemSource(folder), {
        ignorePaths: ["a"],
        listed: new Set(["a", "b"]),
      }),
      ["ignored a", "file b/x"],
    );
  });
});

test("walk() passes over what is not listed when only that counts", async () => {
  await withTree(
    { a: { x: "", y: "", link: new Link("x") }, b: { "\ufffd": "" }, link: new Link("a"), c: "" },
    async (folder) => {
      makeFifo(path.join(folder, "fifo"));
      const source = await fileSystemSource(folder);
      const listed = new Set(["a/x", "a/none/below"]);
      assert.deepEqual(await linesOf(source, { listed, onlyListed: true }), ["file a/x"]);
      assert.deepEqual(
        await linesOf(source, { listed, onlyListed: true, ignorePaths: ["c", "a", "a/y"] }),
        ["ignored a", "file a/x", "ignored c"],
      );
      assert.deepEqual(
        await linesOf(source, { listed, onlyListed: true, ignorePaths: ["a/y"] }),
        ["file a/x", "ignored a/y"],
      );
    },
  );
});

test("walk() refuses a listed file that is a link or FIFO now", async () => {
  await withTree({ link: new Link("a"), a: "" }, async (folder) => {
    makeFifo(path.join(folder, "fifo"));
    const listed = new Set(["link", "fifo"]);
    assert.deepEqual(
      await linesOf(await fileSystemSource(folder), { listed, onlyListed: true }),
      ["ENTRY_NOT_REGULAR fifo", "ENTRY_SYMLINK link"],
    );
  });
});

test("walk() passes over a FIFO where a listed file should lie below", async () => {
  await withTree({ a: "" }, async (folder) => {
    makeFifo(path.join(folder, "fifo"));
    const listed = new Set(["fifo/x", "a/x"]);
    const source = await fileSystemSource(folder);
    assert.deepEqual(await linesOf(source, { listed, ignorePaths: ["fifo", "a"] }), [
      "ignored a",
      "ignored fifo",
    ]);
    assert.deepEqual(await linesOf(source, { listed, onlyListed: true }), []);
  });
});
