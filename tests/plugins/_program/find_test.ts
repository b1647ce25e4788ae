import assert from "node:assert/strict";
import { chmod, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { findProgram } from "../../../plugins/_program/mod.ts";
import { workbench } from "../../support/workbench.ts";

test("findProgram() finds nothing in the current folder, by whatever name PATH has for it", async () => {
  await using bench = await workbench();
  await bench.write({ "bin/tool": "" });
  const bin = join(bench.path, "bin");
  await chmod(join(bin, "tool"), 0o755);
  const link = join(bench.path, "link");
  await symlink(bin, link);
  const back = process.cwd();
  process.chdir(bin);
  try {
    for (const entry of ["", ".", "../bin", bin, `${bin}/`, link]) {
      const PATH = [entry, join(bench.path, "none")].join(delimiter);
      assert.equal(await findProgram("tool", { PATH }), undefined, entry);
    }
  } finally {
    process.chdir(back);
  }
  assert.equal(await findProgram("tool", { PATH: link }), join(link, "tool"));
});

test("findProgram() reads PATH as Windows spells it, too", async () => {
  await using bench = await workbench();
  await bench.write({ "bin/tool": "" });
  const Path = join(bench.path, "bin");
  await chmod(join(Path, "tool"), 0o755);
  assert.equal(await findProgram("tool", { Path }), join(Path, "tool"));
  assert.equal(await findProgram("tool", {}), undefined);
});
