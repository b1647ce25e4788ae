import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { readTarball, unpackTarball } from "../../cli/build/tarball.ts";
import { npmTarball } from "./npm_tarball.ts";

test("unpackTarball() writes files below the top folder, whatever that is called, and their mode", () => {
  const folder = mkdtempSync(join(tmpdir(), "tarball-"));
  try {
    const tarball = npmTarball([
      { path: "package/package.json", content: "{}" },
      { path: "package/bin/", type: "5" },
      { path: "package/bin/run", content: "x".repeat(1000), mode: 0o755 },
      { path: "package/empty" },
    ]);
    unpackTarball(tarball, folder);
    assert.equal(readFileSync(join(folder, "package.json"), "utf8"), "{}");
    assert.equal(readFileSync(join(folder, "bin", "run"), "utf8"), "x".repeat(1000));
    assert.equal(readFileSync(join(folder, "empty"), "utf8"), "");
    if (process.platform !== "win32") {
      assert.equal(statSync(join(folder, "bin", "run")).mode & 0o777, 0o755);
      assert.equal(statSync(join(folder, "package.json")).mode & 0o777, 0o644);
    }
    assert.throws(() => unpackTarball(tarball, folder), "nothing is overwritten");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("readTarball() refuses paths that lead elsewhere, links, and what is cut off", () => {
  for (
    const path of ["package/../a", "/a/../b", "a", "package//a", "package/a\\b", "package/C:x"]
  ) {
    assert.throws(() => readTarball(npmTarball([{ path }])), path);
  }
  for (const type of ["1", "2", "3", "x"]) {
    assert.throws(() => readTarball(npmTarball([{ path: "package/a", type }])), type);
  }
  const whole = gunzipSync(npmTarball([{ path: "package/a", content: "a".repeat(2000) }]));
  assert.throws(() => readTarball(gzipSync(whole.subarray(0, 1024))));
  assert.ok(!existsSync("a"));
});
