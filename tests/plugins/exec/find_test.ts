import assert from "node:assert/strict";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { findExecutable, listExecutables, nameOf } from "../../../plugins/exec/find.ts";
import { folder } from "./_programs.ts";

test("findExecutable() takes the first program on PATH, and skips what is none", async () => {
  await using place = await folder();
  const at = (...parts: readonly string[]) => join(place.path, ...parts);
  for (const name of ["a", "b", "c"]) await mkdir(at(name));
  await mkdir(at("a", "model-signing-plugin-demo"));
  await writeFile(at("b", "model-signing-plugin-demo"), "", { mode: 0o644 });
  await writeFile(at("c", "model-signing-plugin-demo"), "", { mode: 0o755 });
  const PATH = [at("none"), at("a"), at("b"), at("c")].join(delimiter);
  assert.equal(await findExecutable("demo", { PATH }), at("c", "model-signing-plugin-demo"));
  assert.equal(await findExecutable("other", { PATH }), undefined);
  assert.equal(await findExecutable("demo", {}), undefined);
});

test("findExecutable() skips empty and relative entries, and the current folder by any name", async () => {
  await using place = await folder();
  const program = join(place.path, "model-signing-plugin-demo");
  await writeFile(program, "", { mode: 0o755 });
  const link = join(place.path, "link");
  await symlink(place.path, link);
  const back = process.cwd();
  process.chdir(place.path);
  try {
    for (
      const entry of [
        "",
        ".",
        "./",
        "../",
        place.path,
        `${place.path}/`,
        link,
        `${place.path}/../${place.path.split("/").at(-1)}`,
      ]
    ) {
      assert.equal(await findExecutable("demo", { PATH: entry }), undefined, entry);
      assert.equal(
        await findExecutable("demo", { PATH: `${entry}${delimiter}` }),
        undefined,
        entry,
      );
    }
  } finally {
    process.chdir(back);
  }
  assert.equal(await findExecutable("demo", { PATH: place.path }), program);
});

test("findExecutable() takes no name that leads elsewhere", async () => {
  await using place = await folder();
  await mkdir(join(place.path, "model-signing-plugin-"));
  await writeFile(join(place.path, "evil"), "", { mode: 0o755 });
  await chmod(join(place.path, "evil"), 0o755);
  for (const name of ["/../evil", "../evil", "", ".", "Demo", "a b"]) {
    assert.equal(await findExecutable(name, { PATH: place.path }), undefined, name);
  }
});

test("nameOf() gives the name of a plugin, and nothing for other programs", () => {
  assert.equal(nameOf("/usr/bin/model-signing-plugin-openssl"), "openssl");
  assert.equal(nameOf("/usr/bin/model-signing-plugin-openssl.exe"), "openssl");
  assert.equal(nameOf("/usr/bin/openssl"), undefined);
});

test("listExecutables() lists what findExecutable() finds, and starts nothing", async () => {
  await using place = await folder();
  const at = (...parts: readonly string[]) => join(place.path, ...parts);
  for (const name of ["a", "b"]) await mkdir(at(name));
  for (
    const file of [
      "a/model-signing-plugin-demo",
      "b/model-signing-plugin-demo",
      "b/model-signing-plugin-x",
    ]
  ) {
    await writeFile(at(file), "", { mode: 0o755 });
  }
  await writeFile(at("a/model-signing-plugin-Bad"), "", { mode: 0o755 });
  await writeFile(at("a/model-signing-plugin-data"), "", { mode: 0o644 });
  const PATH = ["", "b", at("none"), at("a"), at("b")].join(delimiter);
  assert.deepEqual(await listExecutables({ PATH }), [
    at("a", "model-signing-plugin-demo"),
    at("b", "model-signing-plugin-x"),
  ]);
});
