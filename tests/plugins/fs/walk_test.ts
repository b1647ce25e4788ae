import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { type PathDecision, PathFilter } from "../../../core/path_filter.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { code, entriesOf, linesOf, Link, makeFifo, rules, withTree } from "./_tree.ts";

test("walk() lists every regular file and no directory", async () => {
  await withTree(
    { b: "", ".hidden": "", sub: { a: "", none: {} }, "a b": "", "-x": "" },
    async (folder) => {
      assert.deepEqual(await linesOf(await fileSystemSource(folder)), [
        "file -x",
        "file .hidden",
        "file a b",
        "file b",
        "file sub/a",
      ]);
    },
  );
});

test("walk() gives nothing for an empty model", async () => {
  await withTree({ none: {} }, async (folder) => {
    assert.deepEqual(await linesOf(await fileSystemSource(folder)), []);
  });
});

test("walk() gives the same order whatever order the files were made in", async () => {
  const order = async (names: readonly string[]) => {
    const found: string[] = [];
    await withTree({}, async (folder) => {
      for (const name of names) writeFileSync(path.join(folder, name), "");
      const source = await fileSystemSource(folder);
      for await (const entry of source.entries(rules(), {})) found.push(entry.path);
    });
    return found;
  };
  const names = ["b", "\u{1f600}", "a", "\u{ffee}", "Z", "10", "9"];
  assert.deepEqual(await order(names), await order(names.toReversed()));
});

test("walk() gives size and location as lstat() does", async () => {
  await withTree({ sub: { a: "12345" } }, async (folder) => {
    const [entry] = await entriesOf(await fileSystemSource(folder));
    assert.ok(entry?.kind === "file");
    const stats = lstatSync(path.join(folder, "sub", "a"));
    assert.equal(entry.size, 5);
    assert.deepEqual(entry.location, {
      path: path.join(folder, "sub", "a"),
      device: stats.dev,
      inode: stats.ino,
      modified: stats.mtimeMs,
    });
  });
});

test("walk() refuses a FIFO, a socket and a device, and goes on", async () => {
  await withTree({ z: "", dev: new Link("/dev/null") }, async (folder) => {
    makeFifo(path.join(folder, "fifo"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path.join(folder, "socket"), resolve));
    try {
      assert.deepEqual(await linesOf(await fileSystemSource(folder), { allowSymlinks: true }), [
        "ENTRY_NOT_REGULAR dev",
        "ENTRY_NOT_REGULAR fifo",
        "ENTRY_NOT_REGULAR socket",
        "file z",
      ]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

test("walk() refuses names that are not UTF-8, and does not enter them", async () => {
  await withTree({ ok: "", replaced: { "a\ufffdb": "" } }, async (folder) => {
    const script = 'touch "$1/$(printf "a\\377")"; mkdir "$1/$(printf "d\\355\\240\\200")"; ' +
      'touch "$1/$(printf "d\\355\\240\\200")/below" "$1/$(printf "\\300\\257")"';
    execFileSync("sh", ["-c", script, "sh", folder]);
    const entries = await entriesOf(await fileSystemSource(folder));
    assert.deepEqual(entries.filter(({ kind }) => kind === "file").map((entry) => entry.path), [
      "ok",
    ]);
    const codes = entries.filter((entry) => entry.kind === "refused").map(({ issue }) =>
      issue.code
    );
    assert.deepEqual(codes, Array(4).fill("ENTRY_NAME"));
  });
});

test("walk() takes names that are only unusual", async () => {
  const names = [
    "a\\b",
    "a:0:5",
    "con",
    "line\nbreak",
    "\u{1b}[31m",
    "\u202e",
    " ",
    "...",
    "\u{1f600}",
  ];
  await withTree(Object.fromEntries(names.map((name) => [name, ""])), async (folder) => {
    const entries = await entriesOf(await fileSystemSource(folder));
    assert.deepEqual(entries.map((entry) => entry.path).sort(), names.toSorted());
    assert.ok(entries.every(({ kind }) => kind === "file"));
  });
});

test("walk() refuses what Windows cannot hold when told to", async () => {
  await withTree({ "a:b": "", "dir.": { a: "" }, sub: { nul: "", ok: "" } }, async (folder) => {
    assert.deepEqual(await linesOf(await fileSystemSource(folder), { windowsNames: true }), [
      "ENTRY_NAME a:b",
      "ENTRY_NAME dir.",
      "ENTRY_NAME sub/nul",
      "file sub/ok",
    ]);
  });
});

test("walk() enters 200 directories below each other", async () => {
  await withTree({}, async (folder) => {
    const deep = Array(200).fill("d").join("/");
    mkdirSync(path.join(folder, deep), { recursive: true });
    writeFileSync(path.join(folder, deep, "a"), "");
    assert.deepEqual(await linesOf(await fileSystemSource(folder)), [`file ${deep}/a`]);
  });
});

test("walk() refuses a tree that is too deep for the system", async () => {
  await withTree({ z: "" }, async (folder) => {
    const part = "d".repeat(200);
    const script = 'cd "$1"; for i in $(seq 30); do mkdir "$2"; cd -P "$2"; done; touch a';
    execFileSync("sh", ["-c", script, "sh", folder, part]);
    const lines = await linesOf(await fileSystemSource(folder));
    assert.equal(lines.length, 2);
    assert.match(lines[0]!, /^ENTRY_TOO_DEEP d+\//);
    assert.equal(lines[1], "file z");
  });
});

test("walk() refuses what disappears while it is listed", async () => {
  await withTree({ a: "", b: { c: "" }, d: "" }, async (folder) => {
    class Removing extends PathFilter {
      override decide(entry: string, inIgnored: boolean): PathDecision {
        if (entry !== "d") rmSync(path.join(folder, entry), { recursive: true });
        return super.decide(entry, inIgnored);
      }
    }
    const source = await fileSystemSource(folder);
    const filter = new Removing({ ignorePaths: [] });
    const found: string[] = [];
    for await (const entry of source.entries({ filter, allowSymlinks: false }, {})) {
      found.push(entry.kind === "refused" ? entry.issue.code : entry.path);
    }
    assert.deepEqual(found, ["ENTRY_UNREADABLE", "ENTRY_UNREADABLE", "d"]);
  });
});

test("walk() ends with ABORTED between two entries", async () => {
  await withTree({ a: "", b: "", c: "" }, async (folder) => {
    const source = await fileSystemSource(folder);
    const abort = new AbortController();
    const entries = source.entries(rules(), { signal: abort.signal });
    assert.equal((await entries.next()).value?.path, "a");
    abort.abort();
    await assert.rejects(entries.next(), code("ABORTED"));
  });
});
