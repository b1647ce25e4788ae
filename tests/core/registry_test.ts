import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import { CONTRACT_VERSION, type Plugin, type Provider } from "../../core/plugin.ts";
import { Registry } from "../../core/registry.ts";
import { builtinPlugins } from "../../plugins/mod.ts";

function provider(kind: Provider["kind"], id: string): Provider {
  return {
    kind,
    id,
    summary: "for a test",
    options: [],
    open: () => Promise.reject(new Error("not opened here")),
  } as unknown as Provider;
}

function plugin(name: string, ...providers: readonly Provider[]): Plugin {
  return { name, version: "1", contract: CONTRACT_VERSION, providers };
}

function assertRefused(run: () => unknown, code: ErrorCode): void {
  assert.throws(run, (error) => error instanceof ModelSigningError && error.code === code);
}

test("Registry finds providers by kind and id", () => {
  const signer = provider("signer", "key");
  const verifier = provider("verifier", "key");
  const registry = new Registry([plugin("a", signer), plugin("b", verifier)]);
  assert.equal(registry.find("signer", "key"), signer);
  assert.equal(registry.find("verifier", "key"), verifier);
  assert.equal(registry.find("source", "key"), undefined);
  assert.equal(registry.find("signer", "other"), undefined);
  assert.equal(registry.find("signer", "toString"), undefined);
});

test("Registry refuses commands without subcommands, and malformed or repeated ones", () => {
  const family = (...names: readonly string[]) =>
    plugin("a", {
      kind: "command",
      id: "trust",
      summary: "for a test",
      subcommands: names.map((name) => ({
        name,
        summary: "",
        options: [],
        run: () => Promise.resolve(0),
      })),
    });
  assert.equal(new Registry([family("show", "update-all")]).all("command").length, 1);
  for (const names of [[], ["--help"], ["Show"], [""], ["show", "show"]]) {
    assertRefused(() => new Registry([family(...names)]), "PLUGIN_CONTRACT");
  }
});

test("Registry lists a kind in the order of registration", () => {
  const registry = new Registry([
    plugin("a", provider("signer", "z"), provider("verifier", "z")),
    plugin("b", provider("signer", "a")),
  ]);
  assert.deepEqual(registry.all("signer").map(({ id }) => id), ["z", "a"]);
  assert.deepEqual(registry.all("witness"), []);
});

test("Registry refuses an id that is taken, and keeps the first", () => {
  const first = provider("signer", "key");
  const registry = new Registry([plugin("first", first)]);
  assertRefused(() => registry.add(plugin("second", provider("signer", "key"))), "PLUGIN_TAKEN");
  assert.equal(registry.find("signer", "key"), first);
});

test("Registry refuses a plugin that claims an id twice", () => {
  const twice = plugin("a", provider("signer", "key"), provider("signer", "key"));
  assertRefused(() => new Registry([twice]), "PLUGIN_TAKEN");
});

test("Registry takes all providers of a plugin or none", () => {
  const registry = new Registry([plugin("first", provider("signer", "key"))]);
  const second = plugin("second", provider("signer", "new"), provider("signer", "key"));
  assertRefused(() => registry.add(second), "PLUGIN_TAKEN");
  assert.equal(registry.find("signer", "new"), undefined);
});

test("Registry refuses a plugin of another contract version", () => {
  for (const contract of [CONTRACT_VERSION + 1, 0, undefined, "1"]) {
    const foreign = { ...plugin("a", provider("signer", "key")), contract } as Plugin;
    assertRefused(() => new Registry([foreign]), "PLUGIN_CONTRACT");
  }
});

test("Registry refuses malformed ids", () => {
  for (
    const id of ["", "Key", "a b", "-a", "a-", "a--b", "1a", "a_b", "é", "a\n", "../x", "signer:a"]
  ) {
    assertRefused(() => new Registry([plugin("a", provider("signer", id))]), "PLUGIN_CONTRACT");
  }
});

test("Registry takes the built-in plugins", () => {
  const registry = new Registry(builtinPlugins);
  assert.ok(registry.find("signer", "key"));
  assert.ok(registry.find("verifier", "key"));
});
