import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checksums } from "../../cli/build/checksums.ts";
import { bundledPackages } from "../../cli/build/compile.ts";
import { platformNamed, PLATFORMS } from "../../cli/build/platforms.ts";
import { isInstalled } from "../support/left_out.ts";

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
}

test("every platform has names of its own, a row in the documentation, and a task unless Deno lacks it", () => {
  const { tasks } = JSON.parse(read("deno.json"));
  const documentation = read("docs/platforms.md");
  for (const { name, file, libc } of PLATFORMS) {
    assert.equal(platformNamed(name).file, file);
    assert.ok(documentation.includes(`\`${file}\``), file);
    assert.equal(`compile:deno:${name}` in tasks, libc !== "musl", name);
  }
  for (const member of ["name", "file", "bunTarget", "addon"] as const) {
    assert.equal(new Set(PLATFORMS.map((platform) => platform[member])).size, PLATFORMS.length);
  }
  assert.throws(() => platformNamed("plan9-x64"));
});

test("bundledPackages() takes packages from where Deno installs them, and nothing else", () => {
  const modules = "node_modules/.deno";
  const inputs = [
    "cli/main.ts",
    `${modules}/@scope+one@1.0.0/node_modules/@scope/one/index.js`,
    `${modules}/@scope+one@1.0.0/node_modules/@scope/one/other.js`,
    `../elsewhere/${modules}/two+two@2.0.0/node_modules/two+two/index.js`,
    "../cache/node_modules/@scope/addon/addon.node",
  ];
  const metafile = JSON.stringify({ inputs: Object.fromEntries(inputs.map((path) => [path, {}])) });
  assert.deepEqual(bundledPackages(metafile), ["@scope/one@1.0.0", "two+two@2.0.0"]);
});

test("checksums() writes what sha256sum checks", () => {
  const folder = mkdtempSync(join(tmpdir(), "checksums-"));
  try {
    writeFileSync(join(folder, "b"), "abc");
    writeFileSync(join(folder, "a"), "");
    const text = checksums(folder, ["b", "a"]);
    // FIPS 180-4: of nothing, and of "abc".
    assert.equal(
      text,
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n" +
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b\n",
    );
    if (!isInstalled("sha256sum")) return;
    const options = { cwd: folder, input: text };
    assert.equal(spawnSync("sha256sum", ["--check", "--strict", "-"], options).status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
