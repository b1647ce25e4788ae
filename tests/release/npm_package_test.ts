import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { LockedPackage } from "../../cli/build/lock.ts";
import { type Fetch, packageTarball } from "../../cli/build/npm_package.ts";
import { npmTarball } from "./npm_tarball.ts";

const TARBALL = npmTarball([{ path: "package/addon.node", content: "native" }]);
const LOCKED: LockedPackage = {
  name: "@scope/addon",
  version: "1.2.3",
  integrity: `sha512-${createHash("sha512").update(TARBALL).digest("base64")}`,
  dependencies: [],
};

/** A registry that gives one tarball, and counts. */
function registry(content: Uint8Array): { readonly asked: string[]; readonly fetch: Fetch } {
  const asked: string[] = [];
  const fetch: Fetch = (specifier, folder) => {
    asked.push(specifier);
    writeFileSync(join(folder, "some-name.tgz"), content);
  };
  return { asked, fetch };
}

function withCache(body: (cache: string) => void): void {
  const cache = mkdtempSync(join(tmpdir(), "build-cache-"));
  try {
    body(cache);
  } finally {
    rmSync(cache, { recursive: true });
  }
}

test("packageTarball() asks the registry once, by exact version", () =>
  withCache((cache) => {
    const { asked, fetch } = registry(TARBALL);
    for (let run = 0; run < 2; run++) {
      assert.deepEqual(
        new Uint8Array(packageTarball(LOCKED, cache, fetch)),
        new Uint8Array(TARBALL),
      );
    }
    assert.deepEqual(asked, ["@scope/addon@1.2.3"]);
  }));

test("packageTarball() refuses what was not locked, and keeps none of it", () =>
  withCache((cache) => {
    const other = npmTarball([{ path: "package/addon.node", content: "evil" }]);
    assert.throws(() => packageTarball(LOCKED, cache, registry(other).fetch));
    assert.deepEqual(readdirSync(cache), []);
  }));

test("packageTarball() does not trust the cache", () =>
  withCache((cache) => {
    packageTarball(LOCKED, cache, registry(TARBALL).fetch);
    const [kept] = readdirSync(cache);
    writeFileSync(join(cache, kept!), "changed by somebody");
    const { asked, fetch } = registry(TARBALL);
    packageTarball(LOCKED, cache, fetch);
    assert.equal(asked.length, 1);
    assert.deepEqual(readdirSync(cache), [kept]);
  }));
