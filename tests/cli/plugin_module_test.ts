/** Plugins that are ES modules, as a user loads them. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { placesOf } from "../../cli/plugin_arguments.ts";
import { readUserConfig } from "../../cli/user_config.ts";
import { kill } from "../support/cli.ts";
import { assertFault, assertStatus, assertVerdict } from "../support/outcome.ts";
import { type PluginBench, pluginBench } from "../support/plugin_bench.ts";
import {
  moduleSource,
  signerSource,
  sourceSource,
  verifierSource,
} from "../support/plugin_modules.ts";

const OPTIONS = `[
  { name: "mood", type: "string", choices: ["calm", "loud"], description: "how to sign" },
  { name: "pin-code", type: "string", secret: true, description: "PIN of the key" },
]`;

/** A verifier that accepts everything. */
const ACCEPTING = verifierSource(`return {
  checks: [{ id: "signature", status: "passed", detail: "believed" }],
  identity: { method: "demo", name: "somebody" }, timestamps: [], encoding: "standard" };`);

async function configure(bench: PluginBench, ...paths: readonly string[]): Promise<void> {
  const plugins = await Promise.all(paths.map(async (path) => ({
    path,
    sha256: createHash("sha256").update(await readFile(path)).digest("hex"),
  })));
  await bench.write({ "config/model-signing/config.json": JSON.stringify({ plugins }) });
}

test("a plugin's signer signs, and the key method describes what it made", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin("demo.ts", signerSource(undefined, OPTIONS));
  const signed = await bench.run(["sign", "demo", "model", "--plugin", path, "--mood", "calm"]);
  assertStatus(signed, 0, "sign");
  assert.match(signed.stdout, /^SIGNED/);
  const seen = await bench.run(["inspect", "model.sig", "--format", "json"]);
  assertStatus(seen, 0, "inspect");
  const { method, material, claims } = JSON.parse(seen.stdout);
  assert.deepEqual([method, material], ["key", "public-key"]);
  assert.equal(claims.length, 1);
  assert.equal(claims[0].label, "key hint");
  assert.match(claims[0].value, /^[0-9a-f]{64}$/);
});

test("inspect adds the words of a plugin that is named, unless it fails", async () => {
  await using bench = await pluginBench();
  await bench.run(["sign", "key", "model", "--private-key", "key.pem"]);
  const describing = (body: string) =>
    verifierSource("", `describer: { async describe(bundle, options) { ${body} } },`);
  const knowing = await bench.plugin(
    "knowing.js",
    describing(`return { method: "demo", certificates: [],
      fields: [["key of", "the release team"], ["hint", bundle.material.hint]] };`),
  );
  const inspect = ["inspect", "model.sig", "--format", "json", "--plugin"];
  const known = JSON.parse((await bench.run([...inspect, knowing])).stdout);
  assert.equal(known.method, "key");
  const [hint, ...added] = known.claims;
  assert.deepEqual(added, [
    { label: "demo: key of", value: "the release team" },
    { label: "demo: hint", value: hint.value },
  ]);
  const failing = await bench.plugin("failing.js", describing(`throw new Error("bug");`));
  const seen = await bench.run([...inspect, failing]);
  assertStatus(seen, 0, "inspect");
  assert.match(seen.stderr, /plugin "demo"/);
  const { method, claims } = JSON.parse(seen.stdout);
  assert.equal(method, "key");
  assert.deepEqual(claims, [hint]);
});

test("a plugin's options are typed, and come from the environment and JSON, too", async () => {
  await using bench = await pluginBench();
  const source = signerSource(
    `throw new host.ModelSigningError("PLUGIN_DEMO_SEEN", JSON.stringify(settings));`,
    OPTIONS,
  );
  const path = await bench.plugin("demo.js", source);
  const base = ["sign", "demo", "model", "--plugin", path];
  assertFault(await bench.run([...base, "--mood", "sad"]), 2, "USAGE");
  assertFault(await bench.run([...base, "--moood", "calm"]), 2, "USAGE");
  const seen = await bench.run([...base, "--json", '{"mood": "loud"}'], {
    env: { MODEL_SIGNING_PIN_CODE: "hunter2" },
  });
  assertFault(seen, 3, "PLUGIN_DEMO_SEEN");
  assert.match(seen.stderr, /"mood":"loud"/);
  assert.match(seen.stderr, /"pin-code":"\[redacted\]"/);
});

test("a plugin's verifier decides, and its findings are a report", async () => {
  await using bench = await pluginBench();
  await bench.run(["sign", "key", "model", "--private-key", "key.pem"]);
  const accepting = await bench.plugin("yes.js", ACCEPTING);
  const verify = ["verify", "demo", "model", "--signature", "model.sig", "--format", "json"];
  assertVerdict(await bench.run([...verify, "--plugin", accepting]), "verified", 0, []);
  const refusing = await bench.plugin(
    "no.js",
    verifierSource(`return { timestamps: [],
      checks: [host.failedCheck("signature", { code: "PLUGIN_DEMO_NO", message: "no" })] };`),
  );
  const refused = await bench.run([...verify, "--plugin", refusing]);
  assertVerdict(refused, "rejected", 1, ["PLUGIN_DEMO_NO"]);
});

test("a plugin's source is read by its scheme, and its names are checked", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin(
    "demo.js",
    sourceSource(`yield file("a.txt", "hello"); yield file("b/c.txt", "world");`),
  );
  const plugin = ["--plugin", path];
  const digest = await bench.run(["digest", "demo:thing", "--files", ...plugin]);
  assertStatus(digest, 0, "digest");
  assert.match(digest.stdout, / a\.txt\n.* b\/c\.txt\n$/);
  const key = ["key", "demo:thing", "--signature", "thing.sig", ...plugin];
  assertStatus(await bench.run(["sign", ...key, "--private-key", "key.pem"]), 0, "sign");
  assertStatus(await bench.run(["verify", ...key, "--public-key", "key.pub"]), 0, "verify");
  const evil = await bench.plugin("evil.js", sourceSource(`yield file("../x", "x");`));
  assertFault(await bench.run(["digest", "demo:thing", "--plugin", evil]), 3, "PLUGIN_RESULT");
});

test("a plugin's command runs, and is given the rest of the line", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin(
    "demo.js",
    moduleSource(`{
      kind: "command", id: "demo", summary: "talk",
      options: [{ name: "loud", type: "boolean", description: "talk louder" }],
      operand: { metavar: "TEXT", description: "what to say" },
      async run(settings, io) { io.stdout(settings.loud ? io.operand.toUpperCase() : io.operand); return 1; },
    }`),
  );
  const outcome = await bench.run(["--plugin", path, "demo", "hello", "--loud"]);
  assertStatus(outcome, 1, "demo");
  assert.equal(outcome.stdout, "HELLO");
});

const WITNESS = moduleSource(`{
  kind: "witness", id: "demo", summary: "saw it",
  options: [{ name: "url", type: "string", required: true, description: "where" }],
  open: async (settings) => ({
    witness: async (envelope, signed) => ({ tlogEntries: [{ seen: settings.url, bytes: signed.signature.length }] }),
  }),
}`);

test("--witness asks a plugin's witness, whose options begin with its name", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin("demo.js", WITNESS);
  const sign = ["sign", "key", "model", "--private-key", "key.pem", "--plugin", path];
  assertStatus(await bench.run(sign), 0, "unwitnessed");
  assertFault(await bench.run([...sign, "--witness", "nobody"]), 2, "USAGE");
  assertFault(await bench.run([...sign, "--witness", "demo"]), 2, "USAGE");
  const args = [...sign, "--witness", "demo", "--demo-url", "https://log.example.com"];
  assertStatus(await bench.run(args), 0, "witnessed");
  const { verificationMaterial } = JSON.parse(
    await readFile(join(bench.path, "model.sig"), "utf8"),
  );
  assert.equal(verificationMaterial.tlogEntries[0].seen, "https://log.example.com");
});

test("a witness that fails leaves no signature", async () => {
  await using bench = await pluginBench();
  const source = WITNESS.replace("async (envelope, signed) => ({", "async () => { throw 1; ({")
    .replace("length }] }),", "length }] }) },");
  const path = await bench.plugin("demo.js", source);
  const sign = ["sign", "key", "model", "--private-key", "key.pem", "--plugin", path];
  const outcome = await bench.run([...sign, "--witness", "demo", "--demo-url", "x"]);
  assertFault(outcome, 3, "PLUGIN_FAILED");
  assert.ok(!existsSync(join(bench.path, "model.sig")));
});

test("plugins that cannot be trusted are refused with a code and a hint, before they run", async () => {
  await using bench = await pluginBench();
  const mark = join(bench.path, "mark");
  const marking = `import { writeFileSync } from "node:fs"; writeFileSync(${
    JSON.stringify(mark)
  }, "");\n`;
  const source = marking + signerSource();
  const inside = join(bench.path, "model", "demo.js");
  await bench.write({ "model/demo.js": source });
  const writable = await bench.plugin("writable.js", source, 0o666);
  for (
    const [path, status, code] of [
      [inside, 3, "PLUGIN_UNSAFE"],
      [writable, 3, "PLUGIN_UNSAFE"],
      ["plugins/writable.js", 2, "USAGE_PLUGIN_PATH"],
      [join(bench.path, "none.js"), 3, "PLUGIN_NOT_FOUND"],
    ] as const
  ) {
    const outcome = await bench.run(["sign", "demo", "model", "--plugin", path]);
    assertFault(outcome, status, code);
    if (code !== "PLUGIN_NOT_FOUND") assert.match(outcome.stderr, /hint: /);
  }
  const program = await bench.plugin("demo.py", source);
  const outcome = await bench.run(["sign", "demo", "model", "--plugin", program]);
  assertFault(outcome, 3, "PLUGIN_UNLOADABLE");
  assert.match(outcome.stderr, /hint: .* --plugin-exec$/m);
  assert.ok(!existsSync(mark));
});

test("a plugin that lies in a model which only JSON names is refused before it is used", async () => {
  await using bench = await pluginBench();
  await bench.write({ "model/demo.js": signerSource() });
  const path = join(bench.path, "model", "demo.js");
  const outcome = await bench.run([
    "sign",
    "demo",
    "--plugin",
    path,
    "--json",
    '{"model":"model"}',
  ]);
  assertFault(outcome, 3, "PLUGIN_UNSAFE");
  assert.ok(!existsSync(join(bench.path, "model.sig")));
});

test("placesOf() gives every path that a reference to a model may hold", () => {
  assert.deepEqual(placesOf("/m"), ["/m"]);
  assert.deepEqual(
    new Set(placesOf("oci-layout:/a:b@sha256:0").slice(1)),
    new Set([
      "/a",
      "/a:b",
      "/a:b@sha256",
      "/a:b@sha256:0",
    ]),
  );
});

test("a plugin that takes the program's names, or another plugin's, is refused", async () => {
  await using bench = await pluginBench();
  const signer = (id: string) => signerSource().replace(`id: "demo"`, `id: "${id}"`);
  const command = (id: string, option = "") =>
    moduleSource(
      `{ kind: "command", id: "${id}", summary: "x", options: [${option}], run: async () => 0 }`,
    );
  const option = (name: string) =>
    signerSource(undefined, `[{ name: "${name}", type: "string", description: "x" }]`);
  const sources = [
    signer("key"),
    signer("sigstore"),
    command("digest"),
    command("plugin"),
    command("help"),
    command("trust"),
    command("demo", `{ name: "log-level", type: "string", description: "x" }`),
    option("signature"),
    option("allow-symlinks"),
    option("plugin"),
    option("ignore-paths"),
    sourceSource("").replace(`id: "demo"`, `id: "file"`),
    sourceSource("").replace(`id: "demo"`, `id: "oci"`),
    sourceSource("").replace(
      "options: []",
      `options: [{ name: "public-key", type: "file", description: "x" }]`,
    ),
  ];
  for (const [index, source] of sources.entries()) {
    const path = await bench.plugin(`taken${index}.js`, source);
    const outcome = await bench.run(["sign", "demo", "model", "--plugin", path]);
    assertFault(outcome, 3, "PLUGIN_TAKEN");
  }
  const one = await bench.plugin("one.js", signerSource());
  const two = await bench.plugin("two.js", signerSource());
  const both = await bench.run(["sign", "demo", "model", "--plugin", one, "--plugin", two]);
  assertFault(both, 3, "PLUGIN_TAKEN");
});

test("a plugin that gives nonsense, throws or lies leaves no signature and an error with its name", async () => {
  await using bench = await pluginBench();
  for (
    const [index, [body, code]] of ([
      ["return undefined;", "PLUGIN_RESULT"],
      ["return { signature: 'x' };", "PLUGIN_RESULT"],
      ["throw new Error('bug \\x1b[2J');", "PLUGIN_FAILED"],
      ["signature[9] ^= 1; return { signature, publicKey, material };", "PLUGIN_SIGNATURE"],
      [
        "return { signature, publicKey, material: { kind: 'public-key', hint: '0'.repeat(64) } };",
        "PLUGIN_SIGNATURE",
      ],
    ] as const).entries()
  ) {
    const path = await bench.plugin(`p${index}.js`, signerSource(body));
    const outcome = await bench.run(["sign", "demo", "model", "--plugin", path]);
    assertFault(outcome, 3, code);
    assert.match(outcome.stderr, /plugin "demo"/);
    assert.ok(!outcome.stderr.includes("\x1b"));
    assert.ok(!existsSync(join(bench.path, "model.sig")));
  }
});

test("a plugin that ends the process, or an error that it lets loose, is no verdict", async () => {
  await using bench = await pluginBench();
  const sign = await bench.run(["sign", "key", "model", "--private-key", "key.pem"]);
  assertStatus(sign, 0, "sign");
  for (
    const [index, body] of [
      "process.exit(0);",
      "process.exit(1);",
      "Promise.reject(new Error('loose')); await new Promise(() => {});",
    ].entries()
  ) {
    const path = await bench.plugin(`p${index}.js`, verifierSource(body));
    const args = ["verify", "demo", "model", "--signature", "model.sig", "--plugin", path];
    const outcome = await bench.run(args);
    assertFault(outcome, 3, "PLUGIN_FAILED");
    assert.match(outcome.stderr, /plugin "demo" in verify\(\)/);
  }
  const path = await bench.plugin("load.js", "process.exit(0);");
  const loading = await bench.run(["plugin", "check", path]);
  assertFault(loading, 3, "PLUGIN_FAILED");
  // Not even then is a copy left behind.
  assert.deepEqual(await readdir(join(bench.env["XDG_CACHE_HOME"]!, "model-signing")), ["plugins"]);
});

test("Ctrl-C ends a plugin that never does, and --timeout bounds it", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin(
    "demo.js",
    signerSource(`process.stderr.write("waiting"); await new Promise(() => {});`, OPTIONS),
  );
  const sign = ["sign", "demo", "model", "--plugin", path];
  const step = { after: "waiting", act: kill("SIGINT") };
  const aborted = await bench.run(sign, { step });
  assert.equal(aborted.status, 3, aborted.stderr);
  assert.match(aborted.stderr, /\[ABORTED\]/);
  const slow = await bench.run([...sign, "-t", "1"]);
  assert.equal(slow.status, 3);
  assert.match(slow.stderr, /\[PLUGIN_TIMEOUT\]\n.*hint: --timeout /);
});

test("help and completion run no plugin, and know its options once it has been loaded", async () => {
  await using bench = await pluginBench();
  const mark = join(bench.path, "mark");
  const source = `import { appendFileSync } from "node:fs";
appendFileSync(${JSON.stringify(mark)}, "x");\n${signerSource(undefined, OPTIONS)}`;
  const path = await bench.plugin("demo.js", source);
  const help = ["sign", "demo", "--plugin", path, "--help"];
  const before = await bench.run(help);
  assertStatus(before, 0, "help");
  assert.match(before.stderr, /plugin list/);
  assert.ok(!existsSync(mark));
  assertStatus(await bench.run(["plugin", "list", "--plugin", path]), 0, "list");
  assert.equal(await readFile(mark, "utf8"), "x");
  const after = await bench.run(help);
  assert.match(after.stdout, /--mood .*\n?[^]*How to sign/);
  assert.equal(after.stderr, "");
  assert.match((await bench.run(["--plugin", path, "sign", "--help"])).stdout, /demo +Sign with/);
  const complete = async (...line: readonly string[]) =>
    (await bench.run(["completion", "bash", "--plugin", path, ...line])).stdout;
  assert.match(await complete("sign", ""), /demo/);
  assert.match(await complete("sign", "demo", "model", "--mo"), /--mood/);
  assert.match(await complete("sign", "demo", "model", "--mood", ""), /calm[^]*loud/);
  assert.equal(await readFile(mark, "utf8"), "x");
});

test("configured plugins are there when they are needed, and only then", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin("demo.js", signerSource());
  await configure(bench, path);
  assertStatus(await bench.run(["sign", "demo", "model"]), 0, "sign demo");
  await bench.plugin("demo.js", `${signerSource()}\n// changed`);
  assertFault(await bench.run(["sign", "demo", "model"]), 3, "PLUGIN_DIGEST_MISMATCH");
  // A method of the program's own does not depend on them.
  const own = ["sign", "key", "model", "--private-key", "key.pem"];
  assertStatus(await bench.run(own), 0, "sign key");
});

test("a configured source and witness are found by the names that are used", async () => {
  await using bench = await pluginBench();
  const source = await bench.plugin("source.js", sourceSource(`yield file("a", "b");`));
  const witness = await bench.plugin(
    "witness.js",
    WITNESS.replace('name: "demo",', 'name: "witness",'),
  );
  await configure(bench, source, witness);
  assertStatus(await bench.run(["digest", "demo:x"]), 0, "digest");
  const sign = ["sign", "key", "demo:x", "--private-key", "key.pem"];
  const witnessed = await bench.run([...sign, "--witness", "demo", "--demo-url", "u"]);
  assertStatus(witnessed, 0, "witness");
});

test("one that cannot be loaded is no obstacle to the others, and is told of", async () => {
  await using bench = await pluginBench();
  const [broken, good] = [
    await bench.plugin("broken.js", "throw 1;"),
    await bench.plugin("good.js", signerSource()),
  ];
  await configure(bench, broken, good);
  const signed = await bench.run(["sign", "demo", "model"]);
  assertStatus(signed, 0, "sign demo");
  assert.match(signed.stderr, /warning: passed over: .*broken\.js/);
  assertFault(await bench.run(["sign", "other", "model"]), 3, "PLUGIN_UNLOADABLE");
  const page = await bench.run(["plugin", "list"]);
  assertStatus(page, 3, "list as a page");
  assert.match(page.stdout, /hint: --log-level debug /);
  const list = await bench.run(["plugin", "list", "--format", "json"]);
  assertStatus(list, 3, "list");
  const { plugins, unusable } = JSON.parse(list.stdout);
  assert.deepEqual(plugins.at(-1).name, "demo");
  assert.deepEqual(unusable.map(({ path, code }: { path: string; code: string }) => [path, code]), [
    [broken, "PLUGIN_UNLOADABLE"],
  ]);
});

test("a configuration that cannot be used is told of by help and the list, and ends other runs", async () => {
  await using bench = await pluginBench();
  await bench.write({ "config/model-signing/config.json": "{" });
  assertFault(await bench.run(["sign", "demo", "model"]), 3, "PLUGIN_CONFIGURATION");
  const help = await bench.run(["sign", "key", "--help"]);
  assertStatus(help, 0, "help");
  assert.match(help.stderr, /config\.json/);
  const list = await bench.run(["plugin", "list"]);
  assertStatus(list, 3, "list");
  assert.match(list.stdout, /PLUGIN_CONFIGURATION/);
});

test("readUserConfig() refuses what is malformed, and what anybody could change", async () => {
  await using bench = await pluginBench();
  const reading = async (text: string) => {
    await bench.write({ "config/model-signing/config.json": text });
    return await readUserConfig(bench.config);
  };
  for (
    const text of [
      "",
      "[]",
      "{",
      '{"plugin": []}',
      '{"plugins": {}}',
      '{"plugins": [1]}',
      '{"plugins": [{"path": "/x.js"}]}',
      '{"plugins": [{"path": "/x.js", "sha256": "ABC"}]}',
      `{"plugins": [{"path": 1, "sha256": "${"0".repeat(64)}"}]}`,
      `{"plugins": [{"path": "/x.js", "sha256": "${"0".repeat(64)}", "args": []}]}`,
      '{"plugins": [], "plugins": []}',
    ]
  ) await assert.rejects(reading(text), { code: "PLUGIN_CONFIGURATION" }, text);
  assert.deepEqual(await reading("{}"), { plugins: [] });
  await chmod(bench.config, 0o666);
  await assert.rejects(readUserConfig(bench.config), { code: "PLUGIN_UNSAFE" });
});

test("plugin list tells built-in, named and configured plugins, and where the configuration is", async () => {
  await using bench = await pluginBench();
  const named = await bench.plugin("named.js", signerSource());
  const configured = await bench.plugin(
    "configured.js",
    sourceSource("").replace('name: "demo"', 'name: "air"'),
  );
  await configure(bench, configured);
  const args = ["plugin", "list", "--plugin", named, "--format", "json"];
  const outcome = await bench.run(args);
  assertStatus(outcome, 0, "list");
  const { configuration, plugins } = JSON.parse(outcome.stdout);
  assert.equal(configuration, bench.config);
  const origins = plugins.map((plugin: { name: string; origin: { kind: string; path?: string } }) =>
    [plugin.name, plugin.origin.kind, plugin.origin.path].filter(Boolean).join(" ")
  );
  assert.ok(origins.includes("key built-in"));
  assert.ok(origins.includes(`demo module ${named}`));
  assert.ok(origins.includes(`air module ${configured}`));
  const text = (await bench.run(["plugin", "list", "--plugin", named])).stdout;
  for (const part of ["sign demo", "demo:", named, bench.config]) {
    assert.ok(text.includes(part), text);
  }
});

test("plugins come from the command line only", async () => {
  await using bench = await pluginBench();
  const path = await bench.plugin("demo.js", signerSource());
  const env = { MODEL_SIGNING_PLUGIN: path, MODEL_SIGNING_PLUGIN_EXEC: path };
  const outcome = await bench.run(["sign", "demo", "model"], { env });
  assert.equal(outcome.status, 2);
  const json = await bench.run(["digest", "model", "--json", JSON.stringify({ plugin: [path] })]);
  assertFault(json, 2, "USAGE");
});

test("what a plugin forgot to bundle is not taken from the current folder or the model", async () => {
  await using bench = await pluginBench();
  const mark = join(bench.path, "mark");
  const trap = `import { writeFileSync } from "node:fs"; writeFileSync(${
    JSON.stringify(mark)
  }, "");`;
  for (const folder of ["", "model/"]) {
    await bench.write({
      [`${folder}helper.js`]: trap,
      [`${folder}node_modules/helper/package.json`]: '{"type": "module", "main": "index.js"}',
      [`${folder}node_modules/helper/index.js`]: trap,
    });
  }
  const imports = [
    `import "./helper.js";`,
    `import "helper";`,
    `await import("./helper.js");`,
    `await import("helper");`,
  ];
  for (const [index, line] of imports.entries()) {
    const path = await bench.plugin(`p${index}.js`, `${line}\n${signerSource()}`);
    for (const [cwd, model] of [[bench.path, "model"], [join(bench.path, "model"), "weights"]]) {
      const outcome = await bench.run(["digest", model!, "--plugin", path], { cwd: cwd! });
      assertFault(outcome, 3, "PLUGIN_UNLOADABLE");
      assert.match(outcome.stderr, /hint: .*bundle/);
    }
  }
  const env = { NODE_PATH: join(bench.path, "node_modules") };
  const path = await bench.plugin("demo.js", signerSource());
  assertFault(
    await bench.run(["sign", "demo", "model", "--plugin", path], { env }),
    3,
    "PLUGIN_UNSAFE",
  );
  assert.ok(!existsSync(mark));
});
