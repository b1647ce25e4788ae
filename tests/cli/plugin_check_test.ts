/** `plugin check`: what it finds in plugins that are right, and in those that are wrong. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { type PluginBench, pluginBench } from "../support/plugin_bench.ts";
import {
  moduleSource,
  signerSource,
  sourceSource,
  verifierSource,
} from "../support/plugin_modules.ts";
import { answering, programSource } from "../support/plugin_programs.ts";

type Result = {
  readonly about: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped" | "unchecked";
  readonly reason?: string;
};

/** Checks a plugin and gives its cases. */
async function check(
  bench: PluginBench,
  path: string,
  status: number,
  ...more: readonly string[]
): Promise<readonly Result[]> {
  const outcome = await bench.run(["plugin", "check", path, "--format", "json", ...more]);
  assertStatus(outcome, status, path);
  return JSON.parse(outcome.stdout).results;
}

function named(results: readonly Result[], outcome: Result["outcome"]): readonly string[] {
  return results.filter((result) => result.outcome === outcome).map(({ name }) => name);
}

test("plugin check passes a signer that keeps the contract, and tells every case", async () => {
  await using bench = await pluginBench();
  const option = `[{ name: "note", type: "string", description: "a note" }]`;
  const path = await bench.plugin("demo.js", signerSource(undefined, option));
  const results = await check(bench, path, 0);
  assert.ok(results.length >= 10);
  assert.equal(named(results, "passed").length, results.length);
  const text = await bench.run(["plugin", "check", path]);
  assertStatus(text, 0, "text");
  assert.match(text.stdout, /^CONFORMS {2}demo 1\.0\.0/);
});

/** The first module that docs/plugins.md shows. */
async function shownModule(bench: PluginBench): Promise<string> {
  const docs = await readFile(new URL("../../docs/plugins.md", import.meta.url), "utf8");
  const [, source = ""] = /^```ts ignore\n([^]*?)^```$/m.exec(docs) ?? [];
  return await bench.plugin("demo.ts", source);
}

test("the module that docs/plugins.md shows refuses other keys when it is opened", async () => {
  await using bench = await pluginBench();
  const path = await shownModule(bench);
  const other = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  await bench.write({ "other.pem": other.export({ type: "pkcs8", format: "pem" }) });
  for (const key of ["other.pem", "key.pub", "missing.pem"]) {
    const args = ["sign", "demo", "model", "--plugin", path, "--demo-key", key];
    assertFault(await bench.run(args), 3, "PLUGIN_DEMO_KEY");
  }
});

test("the module that docs/plugins.md shows passes plugin check", async () => {
  await using bench = await pluginBench();
  const path = await shownModule(bench);
  const results = await check(bench, path, 0, "--set", "demo-key=key.pem");
  assert.ok(named(results, "passed").length >= 10);
});

test("plugin check finds a signer that is wrong only now and then", async () => {
  await using bench = await pluginBench();
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      "if (pae.length > 1e6) throw new Error('too large'); return { signature, publicKey, material };",
      /large payload/,
    ],
    [
      "if (globalThis.busy) throw new Error('busy'); globalThis.busy = true; " +
      "await new Promise((done) => setTimeout(done, 5)); globalThis.busy = false; return { signature, publicKey, material };",
      /at once/,
    ],
    ["return { signature, publicKey };", /holds under/],
  ];
  for (const [index, [body, failing]] of cases.entries()) {
    const path = await bench.plugin(`p${index}.js`, signerSource(body));
    const results = await check(bench, path, 1);
    assert.ok(named(results, "failed").some((name) => failing.test(name)), `${failing}`);
  }
  const path = await bench.plugin(
    "odd.js",
    signerSource(
      "settings.note.trim(1, 2).at.x.y; return 1;",
      `[{ name: "note", type: "string", description: "a note" }]`,
    ),
  );
  const results = await check(bench, path, 1, "--set", "note=x");
  assert.ok(named(results, "failed").some((name) => name.includes("--note")));
});

test("plugin check waits once for what hangs, and tells what came before", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin(
    "demo.js",
    signerSource("throw new Error('bug');")
      .replace(
        "async [Symbol.asyncDispose]() {}",
        "[Symbol.asyncDispose]: () => new Promise(() => {})",
      ),
  );
  const results = await check(bench, path, 1, "--timeout", "1");
  const [first, ...others] = results.filter(({ about }) => about === "signer demo");
  assert.equal(first?.outcome, "failed");
  assert.match(first.reason ?? "", /PLUGIN_FAILED/);
  assert.ok(others.length > 0);
  for (const { outcome, name } of others) assert.equal(outcome, "unchecked", name);
});

/**
 * Verifies with a public key, as it should be done.
 *
 * @param accept an expression over `holds`
 * @param more members of the provider
 */
function keyVerifier(accept: string, more = ""): string {
  return verifierSource(
    `
    const { createPublicKey } = await import("node:crypto");
    const { readFileSync } = await import("node:fs");
    const key = createPublicKey(readFileSync("key.pub"));
    const holds = bundle.material.kind === "public-key" && bundle.material.hint === host.keyHint(key) &&
      await host.verifyEnvelope(bundle.envelope, key) === "standard";
    return ${accept}
      ? { checks: [{ id: "signature", status: "passed", detail: "holds" }], timestamps: [],
          identity: { method: "demo", name: "key" }, encoding: "standard" }
      : { checks: [host.failedCheck("signature", { code: "SIGNATURE_INVALID", message: "no" })], timestamps: [] };`,
    more,
  );
}

test("plugin check passes a strict verifier, and finds one that is not", async () => {
  await using bench = await pluginBench();
  await bench.run(["sign", "key", "model", "--private-key", "key.pem"]);
  const strict = await bench.plugin("strict.js", keyVerifier("holds"));
  const bundle = ["--bundle", "model.sig"];
  assert.equal(named(await check(bench, strict, 0, ...bundle), "failed").length, 0);
  const lax = await bench.plugin("lax.js", keyVerifier("true"));
  const failed = named(await check(bench, lax, 1, ...bundle), "failed");
  assert.ok(failed.some((name) => name.includes("any bit changed")));
  const [, unchecked] = await check(bench, strict, 3);
  assert.match(unchecked?.reason ?? "", /--bundle/);
});

test("plugin check passes a describer that keeps the contract, and finds what is wrong with one", async () => {
  await using bench = await pluginBench();
  await bench.run(["sign", "key", "model", "--private-key", "key.pem"]);
  const results = async (name: string, body: string, status: number) => {
    const describer = `describer: { async describe(bundle) { ${body} } },`;
    const path = await bench.plugin(name, keyVerifier("holds", describer));
    return await check(bench, path, status, "--bundle", "model.sig");
  };
  const words = "{ method: 'demo', fields: [['key of', 'the team']], certificates: [] }";
  const own = "if (bundle.material.kind !== 'public-key') return undefined;";
  const passed = named(await results("good.js", `${own} return ${words};`, 0), "passed");
  assert.equal(passed.filter((name) => name.startsWith("describe()")).length, 4);
  const cases: readonly (readonly [string, RegExp])[] = [
    ["return undefined;", /tells of the bundle/],
    [`return bundle.envelope.signature[0] === 0x30 ? ${words} : undefined;`, /material alone/],
    [`bundle.material.hint.trim(); return ${words};`, /never throws/],
  ];
  for (const [index, [body, failing]] of cases.entries()) {
    const failed = named(await results(`p${index}.js`, body, 1), "failed");
    assert.equal(failed.length, 1, body);
    assert.match(failed[0]!, failing);
  }
});

test("plugin check finds a source that ignores the filter, and one that repeats itself", async () => {
  await using bench = await pluginBench();
  const reference = ["--reference", "demo:x"];
  const deaf = await bench.plugin(
    "deaf.js",
    sourceSource(`yield file("a", "1"); yield file("b/c", "2");`),
  );
  const failed = named(await check(bench, deaf, 1, ...reference), "failed");
  assert.ok(failed.some((name) => name.includes("ignores")));
  const twice = await bench.plugin(
    "twice.js",
    sourceSource(`yield file("a", "1"); yield file("a", "2");`),
  );
  const found = named(await check(bench, twice, 1, ...reference), "failed");
  assert.ok(found.some((name) => name.includes("each once")));
});

test("plugin check finds what is wrong with a witness", async () => {
  await using bench = await pluginBench();
  const witness = (body: string) =>
    moduleSource(`{ kind: "witness", id: "demo", summary: "saw it", options: [],
      open: async () => ({ witness: async (envelope, signed) => { ${body} } }) }`);
  const good = await bench.plugin("good.js", witness("return { tlogEntries: [{ seen: 1 }] };"));
  await check(bench, good, 0);
  const bad = await bench.plugin("bad.js", witness("return {};"));
  assert.ok(named(await check(bench, bad, 1), "failed").length > 0);
});

test("plugin check runs no command, and says so", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin(
    "demo.js",
    moduleSource(
      `{ kind: "command", id: "demo", summary: "x", options: [], run: () => { throw new Error("run"); } }`,
    ),
  );
  assert.deepEqual(named(await check(bench, path, 0), "skipped"), ["all"]);
});

test("plugin check finds a program that breaks the protocol", async () => {
  await using bench = await pluginBench();
  const rude = await bench.plugin(
    "model-signing-plugin-demo",
    programSource(answering("signed(request)")),
    0o755,
  );
  const failed = named(await check(bench, rude, 1, "-t", "2"), "failed");
  assert.ok(failed.some((name) => name.includes("unknown frame")));
  assert.ok(failed.some((name) => name.includes("holds under")));
});

test("plugin check tells what keeps a plugin from being checked", async () => {
  await using bench = await pluginBench();
  const broken = await bench.plugin("broken.js", "export default 1;");
  assertFault(await bench.run(["plugin", "check", broken]), 3, "PLUGIN_UNLOADABLE");
  assertFault(await bench.run(["plugin", "check", "demo.js"]), 2, "USAGE_PLUGIN_PATH");
  assertFault(await bench.run(["plugin", "check"]), 2, "USAGE");
  const taken = await bench.plugin("taken.js", signerSource().replace(`id: "demo"`, `id: "key"`));
  assertFault(await bench.run(["plugin", "check", taken]), 3, "PLUGIN_TAKEN");
  const required =
    `[{ name: "pin", type: "string", secret: true, required: true, description: "PIN" }]`;
  const path = await bench.plugin("demo.js", signerSource(undefined, required));
  assert.match((await check(bench, path, 3))[1]?.reason ?? "", /--set pin=/);
  for (const set of ["pin", "nip=1", "pin="]) {
    assertFault(await bench.run(["plugin", "check", path, "--set", set]), 2, "USAGE");
  }
  const env = { MODEL_SIGNING_PIN: "1234" };
  assertStatus(await bench.run(["plugin", "check", path], { env }), 0, "from the environment");
});
