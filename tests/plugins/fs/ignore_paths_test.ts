import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { asListed, openRoot } from "../../../plugins/fs/root.ts";
import { code, Link, Log, withTree } from "./_tree.ts";

async function read(cwd: string, model: string, typed: string, log = new Log()): Promise<string> {
  const source = await fileSystemSource(model, { cwd, ignorePaths: [typed], logger: log });
  assert.equal(source.ignorePaths.length, 1);
  return source.ignorePaths[0]!;
}

/** Nothing is left out, and it is said. */
async function assertNone(cwd: string, model: string, typed: string): Promise<void> {
  const log = new Log();
  const source = await fileSystemSource(model, { cwd, ignorePaths: [typed], logger: log });
  assert.deepEqual(source.ignorePaths, [], typed);
  assert.deepEqual(log.lines.map(({ level }) => level), ["warn"], typed);
}

test("an ignore path is read from the model's root", async () => {
  await withTree({ m: { a: "", sub: { b: "" } } }, async (folder) => {
    const log = new Log();
    assert.equal(await read(folder, "m", "a", log), "a");
    assert.equal(await read(folder, "m", "sub/b", log), "sub/b");
    assert.equal(await read(folder, "m", "./sub//b/", log), "sub/b");
    assert.equal(await read(folder, "m", "sub/./", log), "sub");
    assert.deepEqual(log.lines, []);
  });
});

test("an ignore path may be absolute, also through links", async () => {
  await withTree(
    { m: { a: "", sub: { b: "" } }, link: new Link("m"), deep: new Link("m/sub") },
    async (folder) => {
      const at = (...parts: string[]) => path.join(folder, ...parts);
      assert.equal(await read(folder, "m", at("m", "a")), "a");
      assert.equal(await read(folder, "m", at("link", "sub", "b")), "sub/b");
      assert.equal(await read(folder, "link", at("m", "sub")), "sub");
      assert.equal(await read(folder, "m", at("deep", "b")), "sub/b");
      assert.equal(await read(folder, "m", at("m", "none")), "none");
      assert.equal(await read(folder, "m", `${folder}/m/sub/../a`), "a");
    },
  );
});

test("an ignore path below a link inside the model keeps the link's name", async () => {
  await withTree({ m: { link: new Link("real"), real: { a: "" } } }, async (folder) => {
    assert.equal(await read(folder, "m", "link/a"), "link/a");
    assert.equal(await read(folder, "m", path.join(folder, "m", "link", "a")), "link/a");
  });
});

test("an ignore path is read from the current folder when the model has no such path", async () => {
  await withTree({ m: { a: "", sub: { b: "" } } }, async (folder) => {
    const log = new Log();
    assert.equal(await read(folder, "m", "m/a", log), "a");
    assert.equal(await read(path.join(folder, "m", "sub"), "..", "b", log), "sub/b");
    assert.equal(await read(path.join(folder, "m", "sub"), "..", "../a", log), "a");
    assert.equal(await read(path.join(folder, "m", "sub"), "..", "../none", log), "none");
    assert.deepEqual(log.lines.map(({ level }) => level), ["info", "info", "info", "info"]);
  });
});

test("an ignore path that exists nowhere is read from the model's root, with a warning", async () => {
  await withTree({ m: { a: "" } }, async (folder) => {
    const log = new Log();
    assert.equal(await read(folder, "m", "none/x", log), "none/x");
    assert.equal(await read(folder, "m", "*.bin", log), "*.bin");
    assert.equal(await read(folder, "m", path.join(folder, "m/none"), log), "none");
    assert.deepEqual(log.lines.map(({ level }) => level), ["warn", "warn", "warn"]);
  });
});

test("an ignore path is refused when it exists in the model and elsewhere", async () => {
  await withTree({ m: { a: "", n: { a: "" } }, a: "", n: {} }, async (folder) => {
    for (const typed of ["a", "n"]) {
      await assert.rejects(read(folder, "m", typed), (error) => {
        assert.ok((error as { hint?: string }).hint);
        return code("USAGE_IGNORE_PATH")(error);
      });
    }
    // Inside the model, too: nested folders of the same name.
    await assert.rejects(
      read(path.join(folder, "m", "n"), "..", "a"),
      code("USAGE_IGNORE_PATH"),
    );
  });
});

test("an ignore path is not ambiguous when both readings are one place", async () => {
  await withTree({ m: { a: "" }, link: new Link("m") }, async (folder) => {
    assert.equal(await read(path.join(folder, "m"), ".", "a"), "a");
    assert.equal(await read(path.join(folder, "link"), path.join(folder, "m"), "a"), "a");
  });
});

test("an ignore path outside the model leaves nothing out, with a warning", async () => {
  await withTree(
    { m: { a: "", out: new Link("../other") }, m2: { b: "" }, other: {}, x: "" },
    async (folder) => {
      const outside = ["x", "m2/b", "../m2", "..", "../nowhere", "m/out/../x", "m2"];
      for (const typed of [...outside, path.join(folder, "x"), folder, "/"]) {
        await assertNone(folder, "m", typed);
      }
    },
  );
});

test("an ignore path that is empty or the whole model is refused", async () => {
  await withTree({ m: { a: "", sub: {} } }, async (folder) => {
    for (const typed of ["", ".", "./", "m/sub/..", path.join(folder, "m"), `${folder}/m/`]) {
      await assert.rejects(read(folder, "m", typed), code("USAGE_IGNORE_PATH"), typed);
    }
  });
});

test("an ignore path that no entry can have is refused", async () => {
  await withTree({ m: { a: "" } }, async (folder) => {
    for (const typed of ["a\0b", "a\ufffdb", "a\ud800b", path.join(folder, "m", "\ufffd")]) {
      await assert.rejects(read(folder, "m", typed), code("USAGE_IGNORE_PATH"), typed);
    }
  });
});

test("an ignore path leaves nothing out of a single file, which it must not be itself", async () => {
  await withTree({ f: "", x: "", m: { f: "" }, link: new Link("f") }, async (folder) => {
    for (const typed of ["x", "none", "/", "..", "f/x", path.join(folder, "x"), folder]) {
      await assertNone(folder, "f", typed);
    }
    // The current folder has it, and it is another file.
    await assertNone(folder, "m/f", "f");
    for (const typed of ["f", "link", path.join(folder, "f")]) {
      await assert.rejects(read(folder, "f", typed), code("USAGE_IGNORE_PATH"), typed);
    }
  });
});

test("asListed() takes the spelling of the directories where case does not count", async () => {
  await withTree({ Sub: { "README.md": "", a: "", A: "" } }, (folder) => {
    const root = openRoot(folder, "/");
    assert.equal(asListed(root, "sub/readme.MD", true), "Sub/README.md");
    assert.equal(asListed(root, "sub/a", true), "Sub/a");
    assert.equal(asListed(root, "SUB/none", true), "Sub/none");
    assert.equal(asListed(root, "none/readme", true), "none/readme");
    assert.equal(asListed(root, "sub/readme.MD", false), "sub/readme.MD");
  });
});
