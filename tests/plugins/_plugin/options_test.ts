import assert from "node:assert/strict";
import { test } from "node:test";
import { declarationAt, optionsAt, ShapeError } from "../../../plugins/_plugin/mod.ts";

const GOOD = { name: "key-name", type: "string", description: "name of the key" };

function accepts(...options: readonly unknown[]): void {
  optionsAt(options, "options");
}

function refuses(...options: readonly unknown[]): void {
  assert.throws(() => optionsAt(options, "options"), ShapeError, JSON.stringify(options));
}

test("optionsAt() takes every member of an option, and no others", () => {
  const full = {
    ...GOOD,
    metavar: "KEY",
    required: true,
    requiredBecause: "there is no default",
    repeatable: true,
    commaSeparated: true,
    fromEnvironment: false,
  };
  assert.deepEqual(optionsAt([{ ...full, color: "red" }], "options"), [full]);
  accepts(GOOD, { ...GOOD, name: "key-file", type: "file", insteadOf: "key-name" });
  accepts({ ...GOOD, secret: true }, { ...GOOD, name: "mood", choices: ["calm", "loud"] });
  accepts({ ...GOOD, type: "boolean" }, { ...GOOD, name: "size", type: "size" });
  accepts();
});

test("optionsAt() refuses names that are no flags", () => {
  for (
    const name of [
      undefined,
      "",
      "-x",
      "Key",
      "a b",
      "a_b",
      "a--b",
      "a-",
      "é",
      "x\n",
      "help",
      "version",
      "no-color",
      "a".repeat(100),
      7,
    ]
  ) refuses({ ...GOOD, name });
});

test("optionsAt() refuses unknown types, missing descriptions and wrong members", () => {
  refuses({ ...GOOD, type: "regexp" });
  refuses({ ...GOOD, type: "duration" });
  refuses({ ...GOOD, description: "" });
  refuses({ ...GOOD, description: undefined });
  refuses({ ...GOOD, description: "x".repeat(5000) });
  refuses({ ...GOOD, metavar: "key name" });
  refuses({ ...GOOD, required: "yes" });
  refuses({ ...GOOD, choices: [] });
  refuses({ ...GOOD, choices: ["a b"] });
  refuses({ ...GOOD, choices: "ab" });
  refuses(null);
  refuses("key-name");
  assert.throws(() => optionsAt("options", "options"), ShapeError);
});

test("optionsAt() refuses options that contradict themselves or each other", () => {
  refuses(GOOD, GOOD);
  refuses({ ...GOOD, insteadOf: "nothing" });
  refuses({ ...GOOD, insteadOf: "key-name" });
  refuses({ ...GOOD, type: "boolean", repeatable: true });
  refuses({ ...GOOD, type: "integer", repeatable: true });
  refuses({ ...GOOD, secret: true, repeatable: true });
  refuses({ ...GOOD, secret: true, choices: ["a"] });
  refuses({ ...GOOD, type: "file", secret: true });
  refuses({ ...GOOD, commaSeparated: true });
  refuses({ ...GOOD, type: "boolean", required: true });
  refuses(...Array.from({ length: 101 }, (_, index) => ({ ...GOOD, name: `o${index}` })));
});

test("optionsAt() makes texts harmless to a page", () => {
  const [option] = optionsAt([{ ...GOOD, description: "red \x1b[31m\u202e" }], "options");
  assert.equal(option?.description, "red \\u{1b}[31m\\u{202e}");
});

const PLUGIN = {
  name: "demo",
  version: "1.0",
  contract: 1,
  providers: [{ kind: "signer", id: "demo", summary: "sign", options: [GOOD] }],
};

test("declarationAt() keeps data and drops functions", () => {
  const given = { ...PLUGIN, providers: [{ ...PLUGIN.providers[0], open() {} }] };
  assert.deepEqual(declarationAt(given, "the plugin"), PLUGIN);
  assert.deepEqual(declarationAt(JSON.parse(JSON.stringify(given)), "the plugin"), PLUGIN);
});

test("declarationAt() refuses plugins that are none", () => {
  for (
    const change of [
      { name: "Demo" },
      { name: undefined },
      { version: "" },
      { version: "1 0" },
      { contract: "1" },
      { providers: [] },
      { providers: {} },
      { providers: [{ ...PLUGIN.providers[0], kind: "hasher" }] },
      { providers: [{ ...PLUGIN.providers[0], id: "../demo" }] },
      { providers: [{ ...PLUGIN.providers[0], summary: 1 }] },
      { providers: [{ kind: "source", id: "c", summary: "x", options: [] }] },
      { providers: [{ kind: "command", id: "demo", summary: "x", subcommands: [] }] },
      {
        providers: [{ kind: "command", id: "demo", summary: "x", subcommands: [{ name: "--x" }] }],
      },
      { providers: Array(100).fill(PLUGIN.providers[0]) },
    ]
  ) {
    assert.throws(
      () => declarationAt({ ...PLUGIN, ...change }, "the plugin"),
      ShapeError,
      JSON.stringify(change),
    );
  }
});
