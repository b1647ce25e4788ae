import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { code, linesOf, Link, makeFifo, rules, withTree } from "./_tree.ts";

test("fileSystemSource() names a model by the last component of its path", async () => {
  await withTree({ m: { sub: { a: "1" }, f: "1" }, latest: new Link("m") }, async (folder) => {
    const name = async (typed: string, cwd = folder) =>
      (await fileSystemSource(typed, { cwd })).name;
    assert.equal(await name("m"), "m");
    assert.equal(await name("m/"), "m");
    assert.equal(await name("./m/."), "m");
    assert.equal(await name(path.join(folder, "m")), "m");
    assert.equal(await name("m/sub/.."), "m");
    assert.equal(await name(".", path.join(folder, "m")), "m");
    assert.equal(await name("..", path.join(folder, "m", "sub")), "m");
    assert.equal(await name("m/f"), "f");
    assert.equal(await name("latest"), "latest");
    assert.equal(await name("latest/sub/.."), "m");
    assert.equal(await name("/"), "root");
  });
});

test("fileSystemSource() follows a model path that is a link", async () => {
  await withTree(
    { m: { a: "1" }, dir: new Link("m"), file: new Link("m/a") },
    async (folder) => {
      const directory = await fileSystemSource("dir", { cwd: folder });
      assert.equal(directory.path, path.join(folder, "m"));
      assert.deepEqual(await linesOf(directory), ["file a"]);
      const file = await fileSystemSource("file", { cwd: folder });
      assert.equal(file.singleFile, true);
      assert.deepEqual(await linesOf(file), ["file file"]);
    },
  );
});

test("fileSystemSource() resolves `..` behind a link as the system does", async () => {
  await withTree({ a: { b: {} }, c: { link: new Link("../a/b") } }, async (folder) => {
    const source = await fileSystemSource("c/link/..", { cwd: folder });
    assert.equal(source.path, path.join(folder, "a"));
    assert.equal(source.name, "a");
  });
});

test("fileSystemSource() reports a model that is not there", async () => {
  await withTree({ f: "", dangling: new Link("none") }, async (folder) => {
    for (const typed of ["none", "f/below", "dangling", "a\0b", "x".repeat(300)]) {
      await assert.rejects(fileSystemSource(typed, { cwd: folder }), code("MODEL_NOT_FOUND"));
    }
  });
});

test("fileSystemSource() reports a link to itself", async () => {
  await withTree({ loop: new Link("loop") }, async (folder) => {
    await assert.rejects(
      fileSystemSource("loop", { cwd: folder }),
      code("MODEL_UNREADABLE"),
    );
  });
});

test("fileSystemSource() refuses an empty path", async () => {
  await assert.rejects(fileSystemSource(""), code("USAGE"));
});

test("fileSystemSource() refuses a FIFO, also behind a link, without opening it", async () => {
  await withTree({ link: new Link("fifo") }, async (folder) => {
    makeFifo(path.join(folder, "fifo"));
    for (const typed of ["fifo", "link"]) {
      await assert.rejects(fileSystemSource(typed, { cwd: folder }), code("MODEL_REFUSED"));
    }
  });
});

test("fileSystemSource() refuses a socket and a device", async () => {
  await withTree({}, async (folder) => {
    const socket = path.join(folder, "socket");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    try {
      await assert.rejects(fileSystemSource(socket), code("MODEL_REFUSED"));
      await assert.rejects(fileSystemSource("/dev/null"), code("MODEL_REFUSED"));
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

test("fileSystemSource() rejects with ABORTED when the signal has fired", async () => {
  await withTree({ a: "" }, async (folder) => {
    await assert.rejects(
      fileSystemSource(folder, { signal: AbortSignal.abort() }),
      code("ABORTED"),
    );
  });
});

test("fileSystemSource() leaves out a signature inside the model, however it is written", async () => {
  await withTree(
    {
      m: { "model.sig": "", a: "1", sub: { "b.sig": "" } },
      latest: new Link("m"),
      sub: new Link("m/sub"),
    },
    async (folder) => {
      const ignored = async (model: string, signature: string, cwd = folder) =>
        (await fileSystemSource(model, { cwd, signature })).ignorePaths;
      assert.deepEqual(await ignored("m", "m/model.sig"), ["model.sig"]);
      assert.deepEqual(await ignored("m", path.join(folder, "m", "model.sig")), ["model.sig"]);
      assert.deepEqual(await ignored(".", "model.sig", path.join(folder, "m")), ["model.sig"]);
      assert.deepEqual(await ignored("..", "../model.sig", path.join(folder, "m", "sub")), [
        "model.sig",
      ]);
      assert.deepEqual(await ignored("m", "latest/model.sig"), ["model.sig"]);
      assert.deepEqual(await ignored("latest", "m/model.sig"), ["model.sig"]);
      assert.deepEqual(await ignored("latest", "latest/model.sig"), ["model.sig"]);
      assert.deepEqual(await ignored("m", "sub/b.sig"), ["sub/b.sig"]);
      assert.deepEqual(await ignored("m", "sub/../model.sig"), ["model.sig"]);
      assert.deepEqual(await ignored("m", "m/not/yet/model.sig"), ["not/yet/model.sig"]);
      assert.deepEqual(await ignored("m", "m/unwritten.sig"), ["unwritten.sig"]);
    },
  );
});

test("fileSystemSource() does not leave out a signature outside the model", async () => {
  await withTree(
    { m: { a: "1", "model.sig": "", away: new Link("../other") }, other: {}, m2: {} },
    async (folder) => {
      const ignored = async (signature: string) =>
        (await fileSystemSource("m", { cwd: folder, signature })).ignorePaths;
      assert.deepEqual(await ignored("model.sig"), []);
      assert.deepEqual(await ignored("m2/model.sig"), []);
      assert.deepEqual(await ignored("m/../model.sig"), []);
      // The link's target has the parent that the system goes to, so this is not the model's own file.
      assert.deepEqual(await ignored("m/away/../model.sig"), []);
    },
  );
});

test("fileSystemSource() leaves out a signature that only a link inside the model leads to", async () => {
  await withTree({ m: { a: "1", out: new Link("../o") }, o: { s: "" } }, async (folder) => {
    const source = await fileSystemSource("m", { cwd: folder, signature: "m/out/s" });
    assert.deepEqual(source.ignorePaths, ["out/s"]);
    assert.deepEqual(
      await linesOf(source, { ignorePaths: source.ignorePaths, allowSymlinks: true }),
      ["file a", "ignored out/s"],
    );
  });
});

test("fileSystemSource() refuses a signature that is the model itself or a directory", async () => {
  await withTree({ m: { a: "1", sub: {} }, f: "1", link: new Link("f") }, async (folder) => {
    const pairs = [["m", "m/"], ["f", "f"], ["f", "link"], ["link", "f"], ["m", "m/sub"], [
      "m",
      "",
    ]];
    for (const [model, signature] of pairs) {
      await assert.rejects(
        fileSystemSource(model!, { cwd: folder, signature: signature! }),
        code("USAGE"),
      );
    }
  });
});

test("ignorePaths holds each path once, in code point order, with the signature", async () => {
  await withTree({ z: "", "\u{ffee}": "", "\u{1f600}": "", s: "" }, async (folder) => {
    const source = await fileSystemSource(folder, {
      ignorePaths: ["\u{1f600}", "z", "\u{ffee}", "./z/", path.join(folder, "z")],
      signature: path.join(folder, "s"),
    });
    assert.deepEqual(source.ignorePaths, ["s", "z", "\u{ffee}", "\u{1f600}"]);
  });
});

test("entries() throws when the root has gone", async () => {
  await withTree({ m: {}, f: "" }, async (folder) => {
    const directory = await fileSystemSource(path.join(folder, "m"));
    const file = await fileSystemSource(path.join(folder, "f"));
    rmSync(directory.path, { recursive: true });
    rmSync(file.path);
    await assert.rejects(linesOf(directory), code("MODEL_NOT_FOUND"));
    await assert.rejects(linesOf(file), code("MODEL_NOT_FOUND"));
  });
});

test("entries() refuses a single file that became something else", async () => {
  await withTree({ f: "" }, async (folder) => {
    const source = await fileSystemSource(path.join(folder, "f"));
    rmSync(source.path);
    mkdirSync(source.path);
    assert.deepEqual(await linesOf(source), ["ENTRY_NOT_REGULAR f"]);
  });
});

test("entries() holds a single file to the filter and to Windows's names", async () => {
  await withTree({ "a:b": "" }, async (folder) => {
    const source = await fileSystemSource(path.join(folder, "a:b"));
    assert.deepEqual(await linesOf(source), ["file a:b"]);
    assert.deepEqual(await linesOf(source, { windowsNames: true }), ["ENTRY_NAME a:b"]);
    assert.deepEqual(await linesOf(source, { ignorePaths: ["a:b"] }), ["ignored a:b"]);
    assert.deepEqual(await linesOf(source, { listed: new Set(["x"]), onlyListed: true }), []);
  });
});

test("entries() lets other tasks run while it reads a large folder", async () => {
  const files = Object.fromEntries([...Array(3000).keys()].map((index) => [`f${index}`, ""]));
  await withTree(files, async (folder) => {
    const source = await fileSystemSource(folder);
    const abort = new AbortController();
    let ended = false;
    const endless = async () => {
      while (!ended) {
        for await (const _ of source.entries(rules(), { signal: abort.signal }));
      }
    };
    // Fires only if the enumeration, which never waits for anything, gives way by itself.
    setTimeout(() => abort.abort(), 0);
    try {
      await assert.rejects(endless(), code("ABORTED"));
    } finally {
      ended = true;
    }
  });
});
