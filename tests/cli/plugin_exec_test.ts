/** Plugins that are programs, as a user finds and starts them. */

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { cp, mkdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { kill } from "../support/cli.ts";
import { assertFault, assertStatus, assertVerdict } from "../support/outcome.ts";
import { type PluginBench, pluginBench } from "../support/plugin_bench.ts";
import { answering, programSource } from "../support/plugin_programs.ts";
import { onTerminal } from "../support/pty.ts";

/** A program `demo` that runs this code. */
async function demo(bench: PluginBench, code = answering("signed(request)")): Promise<string> {
  const key = await readFile(join(bench.path, "key.pem"), "utf8");
  return await bench.plugin("model-signing-plugin-demo", programSource(code, key), 0o755);
}

function onPath(...folders: readonly string[]): { readonly PATH: string } {
  return { PATH: [...folders, process.env["PATH"]].join(delimiter) };
}

test("a program on PATH signs, and the key method verifies what it made", async () => {
  await using bench = await pluginBench();
  await demo(bench);
  const env = onPath(join(bench.path, "plugins"));
  assertStatus(await bench.run(["sign", "demo", "model"], { env }), 0, "sign");
  const verify = ["verify", "key", "model", "--public-key", "key.pub", "--signature", "model.sig"];
  assertStatus(await bench.run(verify), 0, "verify");
});

test("a program is named with --plugin-exec, and a built-in name wins", async () => {
  await using bench = await pluginBench();
  const path = await demo(bench);
  assertStatus(await bench.run(["sign", "demo", "model", "--plugin-exec", path]), 0, "sign");
  const mark = join(bench.path, "mark");
  const marking = programSource(`open(${JSON.stringify(mark)}, "w")`);
  const key = await bench.plugin("model-signing-plugin-key", marking, 0o755);
  const env = onPath(join(bench.path, "plugins"));
  const sign = ["sign", "key", "model", "--private-key", "key.pem"];
  assertStatus(await bench.run(sign, { env }), 0, "built in");
  assert.ok(!existsSync(mark));
  const taken = await bench.plugin(
    "key",
    programSource(`hello(name="key")\nsys.stdin.read()`),
    0o755,
  );
  assertFault(await bench.run([...sign, "--plugin-exec", taken]), 3, "PLUGIN_TAKEN");
  assert.ok(existsSync(key));
});

test("no program of the current folder, of the model, or of a relative PATH entry is started", async () => {
  await using bench = await pluginBench();
  const mark = join(bench.path, "mark");
  const marking = programSource(`open(${JSON.stringify(mark)}, "w")`);
  const path = await bench.plugin("model-signing-plugin-demo", marking, 0o755);
  for (const folder of ["", "model", "bin"]) {
    await mkdir(join(bench.path, folder), { recursive: true });
    await cp(path, join(bench.path, folder, "model-signing-plugin-demo"));
  }
  for (const PATH of ["", ".", "bin", "./model", bench.path, `:${process.env["PATH"]}`]) {
    const outcome = await bench.run(["sign", "demo", "model"], {
      env: { PATH: `${PATH}${delimiter}${process.env["PATH"]}` },
    });
    assert.equal(outcome.status, 2, `${PATH}: ${outcome.stderr}`);
  }
  const inside = onPath(join(bench.path, "model"));
  assertFault(await bench.run(["sign", "demo", "model"], { env: inside }), 3, "PLUGIN_UNSAFE");
  const given = ["sign", "demo", "model", "--plugin-exec"];
  assertFault(await bench.run([...given, "./model-signing-plugin-demo"]), 2, "USAGE_PLUGIN_PATH");
  const named = join(bench.path, "model", "model-signing-plugin-demo");
  assertFault(await bench.run([...given, named]), 3, "PLUGIN_UNSAFE");
  assert.ok(!existsSync(mark));
});

test("a program that misbehaves leaves no signature, no folder, and an error that names it", async () => {
  await using bench = await pluginBench();
  const temporary = join(bench.path, "tmp");
  await mkdir(temporary);
  const cases: readonly (readonly [string, string, RegExp?])[] = [
    ["sys.exit(1)", "PLUGIN_CRASHED", /hint: --log-level debug /],
    [answering("sys.exit(1)"), "PLUGIN_CRASHED"],
    [answering("time.sleep(60)"), "PLUGIN_TIMEOUT", /hint: --timeout /],
    [answering("sys.stdout.write('x' * 99999)"), "PLUGIN_FLOODED"],
    [answering("signed(request, algorithm='ed25519')"), "PLUGIN_ALGORITHM"],
    [answering("signed(request, signature='AAAA')"), "PLUGIN_SIGNATURE"],
    [answering("{'type': 'signed', 'id': 1}"), "PLUGIN_RESULT", /hint: .* plugin check /],
    [answering("print('hello') or {}"), "PLUGIN_PROTOCOL"],
    [
      answering("{'type': 'error', 'id': 1, 'code': 'PLUGIN_DEMO', 'message': '\\x1b[2J'}"),
      "PLUGIN_DEMO",
    ],
  ];
  for (const [code, expected, hint] of cases) {
    const path = await demo(bench, code);
    const outcome = await bench.run(["sign", "demo", "model", "--plugin-exec", path, "-t", "2"], {
      env: { TMPDIR: temporary },
    });
    assertFault(outcome, 3, expected);
    if (hint !== undefined) assert.match(outcome.stderr, hint);
    assert.match(outcome.stderr, /plugin "(?:demo|.*model-signing-plugin-demo)"/);
    assert.ok(!outcome.stderr.includes("\x1b"));
    assert.ok(!existsSync(join(bench.path, "model.sig")));
    const left = readdirSync(temporary).filter((name) => name.startsWith("model-signing"));
    assert.deepEqual(left, [], expected);
  }
});

test("what a program wrote before it failed to say hello is shown at debug level", async () => {
  await using bench = await pluginBench();
  const path = await demo(bench, "sys.stderr.write('no card reader'); sys.exit(1)");
  const sign = ["sign", "demo", "model", "--plugin-exec", path];
  for (const more of [["--log-level", "debug"], ["--log_level=DEBUG"]]) {
    const outcome = await bench.run([...sign, ...more]);
    assert.equal(outcome.status, 3);
    assert.match(outcome.stderr, /debug: .*no card reader/);
  }
  assert.ok(!(await bench.run(sign)).stderr.includes("card"));
});

test("Ctrl-C ends the program, too", async () => {
  await using bench = await pluginBench();
  const pids = join(bench.path, "pid");
  const path = await demo(
    bench,
    answering(
      `[open(${JSON.stringify(pids)}, "w").write(str(os.getpid())),
        send({"type": "progress", "id": 1, "text": "waiting"}), time.sleep(60)]`,
    ),
  );
  const outcome = await bench.run(["sign", "demo", "model", "--plugin-exec", path], {
    step: { after: "waiting", act: kill("SIGINT") },
  });
  assertFault(outcome, 3, "ABORTED");
  const pid = Number(await readFile(pids, "utf8"));
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("a program's options are flags, in help and completion once it has been started", async () => {
  await using bench = await pluginBench();
  const option = `{"name": "slot", "type": "integer", "description": "slot of the key"}`;
  const path = await demo(
    bench,
    answering(
      "print(request['settings'], file=sys.stderr) or signed(request)",
      `signer={**HELLO["signer"], "options": [${option}]}`,
    ),
  );
  const plugin = ["--plugin-exec", path];
  assert.match((await bench.run([...plugin, "sign", "demo", "--help"])).stderr, /plugin list/);
  const args = ["sign", "demo", "model", ...plugin, "--slot", "7", "--log-level", "debug"];
  const signed = await bench.run(args);
  assertStatus(signed, 0, "sign");
  assert.match(signed.stderr, /\{'slot': 7\}/);
  assertFault(await bench.run(["sign", "demo", "model", ...plugin, "--slot", "x"]), 2, "USAGE");
  const env = onPath(join(bench.path, "plugins"));
  assert.match((await bench.run(["sign", "demo", "--help"], { env })).stdout, /--slot INTEGER/);
  // By the name of its file, without being started.
  const names = await bench.run(["completion", "bash", "sign", "de"], { env });
  assert.match(names.stdout, /demo/);
  const completed = await bench.run(["completion", "bash", ...plugin, "sign", "demo", "m", "--sl"]);
  assert.match(completed.stdout, /--slot/);
});

test("a program learns the model's path with --plugin-allow only", async () => {
  await using bench = await pluginBench();
  const path = await demo(
    bench,
    answering(
      `print("model:", request.get("model"), file=sys.stderr) or signed(request)`,
      `wants=["model-path"]`,
    ),
  );
  const sign = ["sign", "demo", "model", "--plugin-exec", path, "--log-level", "debug"];
  assert.match((await bench.run(sign)).stderr, /model: None/);
  const allowed = await bench.run([...sign, "--plugin-allow", "model-path"]);
  assert.ok(allowed.stderr.includes(`model: ${join(bench.path, "model")}`), allowed.stderr);
  assertFault(await bench.run([...sign, "--plugin-allow", "everything"]), 2, "USAGE");
});

test("a program's verifier decides", async () => {
  await using bench = await pluginBench();
  await bench.run(["sign", "key", "model", "--private-key", "key.pem"]);
  const check = (status: string, more = "") =>
    `{"id": "signature", "status": "${status}", "detail": "x"${more}}`;
  const verifier = (checks: string, more = "") =>
    `hello(verifier={"summary": "x", "options": [], "payload": ["sha256"]})
for request in frames():
    send({"type": "verified", "id": request["id"], "checks": [${checks}]${more}})`;
  const verify = ["verify", "demo", "model", "--signature", "model.sig", "--format", "json"];
  const yes = await demo(bench, verifier(check("passed"), `, "identity": {"name": "me"}`));
  assertVerdict(await bench.run([...verify, "--plugin-exec", yes]), "verified", 0, []);
  const issue = `, "issue": {"code": "PLUGIN_DEMO_NO", "message": "no"}`;
  const no = await demo(bench, verifier(check("failed", issue)));
  const refused = await bench.run([...verify, "--plugin-exec", no]);
  assertVerdict(refused, "rejected", 1, ["PLUGIN_DEMO_NO"]);
  const bad = await demo(bench, verifier(`{"id": "x"}`));
  assertFault(await bench.run([...verify, "--plugin-exec", bad]), 3, "PLUGIN_RESULT");
});

test("a program's question is asked at the terminal, with its name before it", async () => {
  await using bench = await pluginBench();
  const path = await demo(
    bench,
    `hello()
stream = frames()
request = next(stream, None)
if request:
    send({"type": "tell", "id": 1, "text": "Touch the key"})
    send({"type": "prompt", "id": 1, "prompt": 1, "kind": "secret", "text": "PIN:"})
    if next(stream)["value"] == "1234":
        send(signed(request))
sys.stdin.read()`,
  );
  const result = await onTerminal(["sign", "demo", "model", "--plugin-exec", path], {
    cwd: bench.path,
    env: bench.env,
    steps: [{ after: "PIN: ", send: "1234\r" }],
  });
  assert.equal(result.status, 0, result.terminal);
  assert.match(result.terminal, /plugin "demo": Touch the key\r\nplugin "demo": PIN: /);
  assert.ok(!result.terminal.includes("1234"));
});
