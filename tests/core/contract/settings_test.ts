import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsContract } from "../../../core/contract/mod.ts";
import { ModelSigningError } from "../../../core/errors.ts";
import type { Option, Settings } from "../../../core/plugin.ts";
import { Secret } from "../../../core/secret.ts";

const OPTIONS: readonly Option[] = [
  { name: "key", type: "file", description: "x" },
  { name: "pin", type: "string", secret: true, description: "x" },
  { name: "chain", type: "file", repeatable: true, description: "x" },
  { name: "slot", type: "integer", description: "x" },
  { name: "mood", type: "string", choices: ["calm"], description: "x" },
];

async function outcomes(use: (settings: Settings) => Promise<void>): Promise<readonly boolean[]> {
  const cases = settingsContract({ options: OPTIONS, settings: { slot: 1 }, use });
  return await Promise.all(cases.map(({ run }) => run().then(() => true, () => false)));
}

test("settingsContract() tries every text option with values of its type, one at a time", async () => {
  const seen: Settings[] = [];
  assert.deepEqual(
    await outcomes((settings) => Promise.resolve(void seen.push(settings))),
    [true, true, true],
  );
  for (const { key, pin, chain, slot, ...others } of seen) {
    assert.deepEqual(others, {});
    assert.equal(slot, 1);
    assert.equal([key, pin, chain].filter((value) => value !== undefined).length, 1);
    assert.ok(key === undefined || typeof key === "string");
    assert.ok(pin === undefined || pin instanceof Secret);
    assert.ok(chain === undefined || Array.isArray(chain));
  }
});

test("settingsContract() takes errors of the plugin's own, and no others", async () => {
  const failing = (error: unknown) => outcomes(() => Promise.reject(error));
  assert.deepEqual(await failing(new ModelSigningError("FILE_UNREADABLE", "no")), [
    true,
    true,
    true,
  ]);
  assert.deepEqual(await failing(new ModelSigningError("PLUGIN_DEMO", "no")), [true, true, true]);
  for (
    const error of [
      new TypeError("bug"),
      new ModelSigningError("PLUGIN_CRASHED", "x"),
      new ModelSigningError("PLUGIN_FAILED", "x"),
      new ModelSigningError("USAGE", ""),
    ]
  ) assert.deepEqual(await failing(error), [false, false, false]);
});
