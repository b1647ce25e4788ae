import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { GIT_PATHS, type PathDecision, PathFilter } from "../../../core/path_filter.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { code, entriesOf, linesOf, Link, Log, makeFifo, rules, withTree } from "./_tree.ts";

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
