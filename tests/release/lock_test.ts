import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lockedPackage, readLock } from "../../cli/build/lock.ts";
import { PLATFORMS } from "../../cli/build/platforms.ts";

const INTEGRITY = `sha512-${"A".repeat(86)}==`;

function lockText(npm: unknown, version = "5"): string {
  return JSON.stringify({ version, npm });
}

test("the lock file has the addon and the runtime of every platform", () => {
  const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
  const lock = readLock(read("deno.lock"));
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));
  for (const { addon, runtime } of PLATFORMS) {
    lockedPackage(lock, `${addon}@${dependencies[addon]}`);
    lockedPackage(lock, `${runtime.package}@${devDependencies.bun}`);
  }
});

test("readLock() resolves dependencies, with their versions where there are several, without peers", () => {
  const lock = readLock(lockText({
    "@scope/a@1.0.0_@scope+peer@3.0.0": {
      integrity: INTEGRITY,
      dependencies: ["b_underscored", "c@2.0.0", "@scope/peer@3.0.0"],
    },
    "b_underscored@1.2.3": { integrity: INTEGRITY },
    "c@1.0.0": { integrity: INTEGRITY },
    "c@2.0.0": { integrity: INTEGRITY },
    "@scope/peer@3.0.0": { integrity: INTEGRITY },
  }));
  const { name, version, dependencies } = lockedPackage(lock, "@scope/a@1.0.0");
  assert.deepEqual({ name, version, dependencies }, {
    name: "@scope/a",
    version: "1.0.0",
    dependencies: ["b_underscored@1.2.3", "c@2.0.0", "@scope/peer@3.0.0"],
  });
});

test("readLock() refuses other formats, packages without SHA-512, and dependencies that are not there", () => {
  const wrong = [
    lockText({}, "4"),
    lockText({ "a@1.0.0": {} }),
    lockText({ "a@1.0.0": { integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" } }),
    lockText({ "a": { integrity: INTEGRITY } }),
    lockText({ "a@1.0.0": { integrity: INTEGRITY, dependencies: ["b"] } }),
    lockText({
      "a@1.0.0": { integrity: INTEGRITY, dependencies: ["b"] },
      "b@1.0.0": { integrity: INTEGRITY },
      "b@2.0.0": { integrity: INTEGRITY },
    }),
    "{",
  ];
  for (const text of wrong) assert.throws(() => readLock(text), Error, text);
  assert.throws(() => lockedPackage(readLock(lockText({})), "a@1.0.0"));
});
