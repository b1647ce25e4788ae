import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { ModelSigningError } from "../../../core/errors.ts";
import { assertFails, folder, keepingLogger, load, program } from "./_programs.ts";

/** What a program does when it is started, and the code that this means. */
async function assertRefused(
  code: string,
  expected: Parameters<typeof assertFails>[1],
): Promise<void> {
  await using place = await folder();
  await assertFails(load(await program(place, code), {}, { timeout: 5000 }), expected);
}

test("loadExecutable() learns what a program can do, and makes providers of it", async () => {
  await using place = await folder();
  const option = `{"name": "slot", "type": "integer", "description": "slot of the key"}`;
  const path = await program(
    place,
    `hello(signer={**HELLO["signer"], "options": [${option}]}, verifier=HELLO["signer"])\nsys.stdin.read()`,
  );
  const { plugin } = await load(path);
  assert.equal(plugin.name, "demo");
  assert.deepEqual(plugin.providers.map(({ kind, id }) => `${kind} ${id}`), [
    "signer demo",
    "verifier demo",
  ]);
  const [signer] = plugin.providers;
  assert.ok(signer?.kind === "signer");
  assert.deepEqual(signer.options.map(({ name, type }) => [name, type]), [["slot", "integer"]]);
});

test("loadExecutable() refuses a program that does not say hello", async () => {
  await assertRefused("sys.exit(0)", "PLUGIN_CRASHED");
  await assertRefused("sys.exit(7)", "PLUGIN_CRASHED");
  await assertRefused("os.kill(os.getpid(), signal.SIGSEGV)", "PLUGIN_CRASHED");
  await assertRefused("raise Exception('bug')", "PLUGIN_CRASHED");
  await assertRefused("send({'type': 'signed', 'id': 1})", "PLUGIN_MALFORMED");
});

test("loadExecutable() ends a program that says nothing, or too much", async () => {
  await using place = await folder();
  const silent = await program(place, "time.sleep(60)");
  await assertFails(load(silent, {}, { timeout: 300 }), "PLUGIN_TIMEOUT");
  // As a program does that writes to a pipe through a buffer.
  const buffered = await program(
    place,
    'sys.stdout.write(\'{"type": "hello"}\\n\'); time.sleep(60)',
  );
  await assert.rejects(load(buffered, {}, { timeout: 300 }), ({ hint }) => /flush/.test(hint));
  await assertRefused(
    "while True: sys.stdout.write('x' * 4096)",
    "PLUGIN_FLOODED",
  );
  await assertRefused(
    "sys.stdout.write('{' + ' ' * 70000 + '}\\n'); sys.stdout.flush(); time.sleep(9)",
    "PLUGIN_FLOODED",
  );
});

test("loadExecutable() refuses what is no frame", async () => {
  for (
    const line of [
      "hello",
      "",
      "[]",
      "null",
      "{}",
      '{"type": 1}',
      '{"type": "hello", "type": "hello"}',
      '{"type": "hello"} x',
      "[".repeat(1000),
    ]
  ) {
    await assertRefused(
      `print(${JSON.stringify(line)}); sys.stdout.flush(); time.sleep(9)`,
      "PLUGIN_PROTOCOL",
    );
  }
  await assertRefused(
    `sys.stdout.buffer.write(b'{"type": "\\xff"}\\n'); sys.stdout.flush(); time.sleep(9)`,
    "PLUGIN_PROTOCOL",
  );
});

test("loadExecutable() shows the beginning of a line that is no frame, at debug level and nowhere else", async () => {
  await using place = await folder();
  for (const line of ["debugging \u001b[31m", "[1]"]) {
    const code = `print(${
      JSON.stringify(line + "x".repeat(500))
    }); sys.stdout.flush(); time.sleep(9)`;
    const logger = keepingLogger();
    const found = load(await program(place, code), {}, { timeout: 5000, logger });
    await assert.rejects(found, (error: ModelSigningError) => {
      assert.equal(error.code, "PLUGIN_PROTOCOL");
      assert.ok(!error.message.includes("xxx"));
      return true;
    });
    const [shown, ...more] = logger.lines.filter((told) => told.includes("wrote on stdout"));
    assert.deepEqual(more, []);
    assert.match(shown ?? "", /^debug: plugin .*(?:debugging \\u\{1b\}|\[1\]x).*\.\.\."$/);
    assert.ok(shown!.length < 500);
  }
});

test("loadExecutable() refuses other versions and malformed hellos", async () => {
  const cases: readonly (readonly [string, Parameters<typeof assertFails>[1]])[] = [
    ["protocol=2", "PLUGIN_PROTOCOL"],
    ["protocol='1'", "PLUGIN_PROTOCOL"],
    ["contract=99", "PLUGIN_CONTRACT"],
    ["contract=None", "PLUGIN_CONTRACT"],
    ["name='Demo'", "PLUGIN_MALFORMED"],
    ["name='other'", "PLUGIN_MALFORMED"],
    ["version=''", "PLUGIN_MALFORMED"],
    ["signer=None", "PLUGIN_MALFORMED"],
    ["signer={}", "PLUGIN_MALFORMED"],
    ["signer={**HELLO['signer'], 'payload': 'digest'}", "PLUGIN_MALFORMED"],
    ["signer={**HELLO['signer'], 'payload': []}", "PLUGIN_MALFORMED"],
    ["signer={**HELLO['signer'], 'payload': ['md5']}", "PLUGIN_MALFORMED"],
    ["signer={**HELLO['signer'], 'options': [{'name': 'X'}]}", "PLUGIN_MALFORMED"],
    ["verifier={**HELLO['signer'], 'describes': 'yes'}", "PLUGIN_MALFORMED"],
    ["environment=['MODEL_SIGNING_PASSWORD']", "PLUGIN_MALFORMED"],
    ["environment=['BUN_OPTIONS']", "PLUGIN_MALFORMED"],
    ["environment=['lower']", "PLUGIN_MALFORMED"],
    ["environment='HOME'", "PLUGIN_MALFORMED"],
  ];
  for (const [change, code] of cases) {
    await assertRefused(`hello(${change})\nsys.stdin.read()`, code);
  }
  await assertRefused(
    "next(frames()); h = dict(HELLO); del h['signer']; send(h); sys.stdin.read()",
    "PLUGIN_MALFORMED",
  );
});

test("loadExecutable() refuses what cannot be started", async () => {
  await using place = await folder();
  const path = await program(place, "");
  await chmod(path, 0o644);
  await assert.rejects(load(path), { code: "PLUGIN_UNLOADABLE", hint: /may execute/ });
  const broken = join(place.path, "broken");
  await writeFile(broken, "#!/no/such/interpreter\n", { mode: 0o755 });
  await assertFails(load(broken), "PLUGIN_UNLOADABLE");
});

test("loadExecutable() refuses programs where others could change them, and relative paths", async () => {
  await using place = await folder();
  const path = await program(place, "hello()");
  await chmod(path, 0o777);
  await assertFails(load(path), "PLUGIN_UNSAFE");
  await chmod(path, 0o755);
  await assertFails(load(path, { outside: [place.path] }), "PLUGIN_UNSAFE");
  await assertFails(load("model-signing-plugin-demo"), "USAGE_PLUGIN_PATH");
});
