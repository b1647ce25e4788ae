/** Every program in `examples/` runs on this runtime and says what it is there to show. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { programEnvironment } from "./support/cli.ts";
import { assertStatus } from "./support/outcome.ts";

const FOLDER = fileURLToPath(new URL("../examples", import.meta.url));

/** What a program prints, in this order; between them there may be more. */
const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  "sign_and_verify.ts": [/^verified 4 files$/m],
  "catalog.ts": [
    /^signed 2 files, 2 of them by stated digests$/m,
    /^verified $/m,
    /^rejected missing: weights\/part-1\.bin, unsigned: weights\/part-2\.bin$/m,
  ],
  "compose.ts": [/^4 files, 8 shards$/m, /^sha256:[0-9a-f]{64}$/m, /^0 differences, 0 issues$/m],
  "tracing.ts": [
    /^publish\.model$/m,
    /^ {4}hash$/m,
    /^ {4}hash: \{.*"files":4/m,
    /^ {4}sign\.signature: \{.*"key\.algorithm":"EC P-384"/m,
    /^publish\.model: \{\}$/m,
  ],
  "logging.ts": [/"key opened"/, /^4 of 4 files$/m],
  "demo.ts": [
    /^\$ model-signing sign key /m,
    /^SIGNED /m,
    /^\$ model-signing verify key /m,
    /^VERIFIED /m,
    /^REJECTED /m,
    /backdoor\.py/,
    /^The tampered model was rejected\.$/m,
    /nothing leaves the machine/,
    /^\$ model-signing sign tiny-model /m,
    /^SIGNED /m,
    /dev@example\.com/,
    /^The instance is gone now\./m,
    /^VERIFIED /m,
    /^REJECTED /m,
    /IDENTITY_MISMATCH/,
    /^The signature counts as dev@example\.com's, and as nobody else's\.$/m,
  ],
};

/** What a program says on stderr; the others nothing. */
const EXPECTED_STDERR: Readonly<Record<string, RegExp>> = {
  "demo.ts": /^model-signing: the identity token must be used before it expires [^\n]*\n$/,
};

/** Parts of the others. What is in folders has tests of its own. */
const SHARED = ["sample_model.ts"];

function run(example: string): string {
  const runtime = "bun" in process.versions ? [] : ["run", "-A", "--quiet"];
  const outcome = spawnSync(process.execPath, [...runtime, join(FOLDER, example)], {
    env: programEnvironment(),
    encoding: "utf8",
  });
  assertStatus(outcome, 0, example);
  assert.match(outcome.stderr, EXPECTED_STDERR[example] ?? /^$/);
  return outcome.stdout;
}

test("every example is run here", () => {
  const programs = readdirSync(FOLDER).filter((name) =>
    /\.ts$/.test(name) && !SHARED.includes(name)
  );
  assert.deepEqual(programs.toSorted(), Object.keys(EXPECTED).toSorted());
});

for (const [example, expected] of Object.entries(EXPECTED)) {
  test(`examples/${example} ends well and prints what it shows`, () => {
    let rest = run(example);
    for (const pattern of expected) {
      const match = pattern.exec(rest);
      assert.ok(match, `${pattern} in:\n${rest}`);
      rest = rest.slice(match.index + match[0].length);
    }
  });
}

test("examples/logging.ts logs JSON lines with the user's own field, and never the secret", () => {
  const output = run("logging.ts");
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  assert.ok(lines.length > 1);
  for (const line of lines) assert.equal(JSON.parse(line).service, "registry");
  assert.ok(lines.some((line) => "password" in JSON.parse(line)));
  assert.ok(!output.includes("never shown"));
});
