import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { keyHint, publicKeyFromDer, verifyBytes } from "../../../core/keys.ts";
import type { Interaction } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { answering } from "../../support/plugin_programs.ts";
import {
  assertFails,
  folder,
  keepingLogger,
  PAE,
  person,
  program,
  providerOf,
  signWith,
} from "./_programs.ts";

/** Sends what this expression is as a debug line, then signs. */
function telling(expression: string, helloArguments = ""): string {
  return `hello(${helloArguments})
for request in frames():
    print(json.dumps(${expression}), file=sys.stderr)
    send(signed(request))`;
}

/** What a program told by `telling` says about itself. */
async function told(
  code: string,
  ...more: [settings?: Parameters<typeof signWith>[2], options?: Parameters<typeof signWith>[3]]
): Promise<unknown> {
  const logger = keepingLogger();
  await signWith(code, { logger }, ...more);
  const line = logger.lines.find((line) => line.includes('plugin "demo": '));
  return JSON.parse(line!.slice(line!.indexOf('": ') + 3));
}

test("a program signs the payload that it finds as a file", async () => {
  const { signature, publicKey, material } = await signWith(answering("signed(request)"));
  const key = publicKeyFromDer(publicKey);
  assert.ok(verifyBytes(key, PAE, signature));
  assert.deepEqual(material, { kind: "public-key", hint: keyHint(key) });
});

test("a program that asks for digests gets no file, and the digests that it asked for", async () => {
  const signer = `signer={**HELLO["signer"], "payload": ["sha256", "sha512"]}`;
  const payload = await told(telling(`{**request["payload"], "files": os.listdir(".")}`, signer));
  const digest = (name: string) => createHash(name).update(PAE).digest("hex");
  assert.deepEqual(payload, {
    bytes: PAE.length,
    sha256: digest("sha256"),
    sha512: digest("sha512"),
    files: [],
  });
});

test("a program gets its settings: secrets as they are, paths absolute", async () => {
  const options = `signer={**HELLO["signer"], "options": [
    {"name": "pin", "type": "string", "secret": True, "description": "x"},
    {"name": "key", "type": "file", "description": "x"},
    {"name": "chain", "type": "file", "repeatable": True, "description": "x"},
    {"name": "slot", "type": "integer", "description": "x"}]}`;
  const settings = {
    pin: new Secret("1234"),
    key: "k.pem",
    chain: ["/a.pem", "b.pem"],
    slot: 3,
  };
  assert.deepEqual(await told(telling(`request["settings"]`, options), settings), {
    pin: "1234",
    key: `${process.cwd()}/k.pem`,
    chain: ["/a.pem", `${process.cwd()}/b.pem`],
    slot: 3,
  });
});

test("a program runs in an empty folder of its own, which is gone afterwards", async () => {
  const { cwd, files, mode } = await told(
    `found = {"cwd": os.getcwd(), "files": os.listdir("."), "mode": os.stat(".").st_mode & 0o777}\n` +
      telling("found"),
  ) as { cwd: string; files: string[]; mode: number };
  assert.deepEqual(files, []);
  assert.equal(mode, 0o700);
  assert.ok(!existsSync(cwd));
});

test("a program gets a scrubbed environment, and the variables that it declares", async () => {
  const environment = {
    PATH: `:.:bin:${process.env["PATH"]}`,
    HOME: "/home/somebody",
    LC_ALL: "C.UTF-8",
    MODEL_SIGNING_PASSWORD: "hunter2",
    AWS_SECRET_ACCESS_KEY: "hunter2",
    VAULT_TOKEN: "declared",
    BUN_OPTIONS: "--preload=x",
    LD_PRELOAD: "",
  };
  const found = await told(
    telling("dict(os.environ)", `environment=["VAULT_TOKEN", "NOT_SET"]`),
    {},
    { environment },
  ) as Record<string, string>;
  assert.equal(found["VAULT_TOKEN"], "declared");
  assert.equal(found["HOME"], "/home/somebody");
  for (const [name, value] of Object.entries(found)) {
    assert.ok(!value.includes("hunter2"), name);
    assert.ok(!/^(?:MODEL_SIGNING_|BUN_|AWS_)/.test(name), name);
  }
});

test("a program learns the model's path only if it asks and the user allows", async () => {
  const modelPath = () => "/models/mine";
  const asks = `wants=["model-path", "moon"]`;
  const model = `request.get("model")`;
  assert.equal(await told(telling(model, asks), {}, { modelPath }), "/models/mine");
  assert.equal(await told(telling(model, asks), {}, { modelPath: () => undefined }), null);
  assert.equal(await told(telling(model), {}, { modelPath }), null);
});

test("a program that lies about the algorithm is refused", async () => {
  for (const name of ["ed25519", "rsa-pkcs1-sha256", "ecdsa-p384-sha384", "EC P-256", "none"]) {
    const lying = answering(`signed(request, algorithm=${JSON.stringify(name)})`);
    await assertFails(signWith(lying), "PLUGIN_ALGORITHM");
  }
});

test("a program whose signature does not hold is refused", async () => {
  for (
    const change of [
      `signature=base64.b64encode(b"x" * 70).decode()`,
      `signature=base64.b64encode(openssl("dgst", "-sha256", "-sign", "key.pem", given=b"other")).decode()`,
      `certificates=[base64.b64encode(b"no certificate").decode()]`,
    ]
  ) await assertFails(signWith(answering(`signed(request, ${change})`)), "PLUGIN_SIGNATURE");
});

test("a program whose answer has another shape is refused", async () => {
  for (
    const change of [
      "signature='!'",
      "signature=''",
      "signature=None",
      "signature=[1]",
      "signature='AAA'",
      "publicKey=1",
      "algorithm=None",
      "certificates=[]",
      "certificates=['AAAA'] * 20",
      "certificates='AAAA'",
      "type='verified'",
    ]
  ) await assertFails(signWith(answering(`signed(request, ${change})`)), "PLUGIN_RESULT");
});

test("a program that crashes, floods or breaks the protocol while it signs is told of", async () => {
  const cases: readonly (readonly [string, Parameters<typeof assertFails>[1]])[] = [
    ["sys.exit(3)", "PLUGIN_CRASHED"],
    ["os.kill(os.getpid(), signal.SIGKILL)", "PLUGIN_CRASHED"],
    ["(lambda: 1 / 0)()", "PLUGIN_CRASHED"],
    // What it has started holds the pipes open for longer than anybody would wait.
    ['subprocess.Popen(["sleep", "99"]) and os._exit(0)', "PLUGIN_CRASHED"],
    ["print('garbage') or {'type': 'x'}", "PLUGIN_PROTOCOL"],
    ["{'type': 'signed', 'id': 99}", "PLUGIN_PROTOCOL"],
    ["{'type': 'signed'}", "PLUGIN_PROTOCOL"],
    ["{'type': 'prompt', 'id': 99, 'prompt': 1, 'kind': 'line', 'text': 'x'}", "PLUGIN_PROTOCOL"],
    ["{'type': 'prompt', 'id': 1, 'prompt': 1, 'kind': 'riddle', 'text': 'x'}", "PLUGIN_PROTOCOL"],
    ["{'type': 'prompt', 'id': 1, 'kind': 'line', 'text': 'x'}", "PLUGIN_PROTOCOL"],
    ["{'type': 'tell', 'id': 1, 'text': 'x' * 600}", "PLUGIN_PROTOCOL"],
    ["{'type': 'progress', 'id': 1}", "PLUGIN_PROTOCOL"],
    ["{'type': 'signed', 'id': 1, 'x': 'x' * 70000}", "PLUGIN_FLOODED"],
    [
      "[send({'type': 'progress', 'id': 1, 'text': 'x' * 400}) for _ in range(10000)]",
      "PLUGIN_FLOODED",
    ],
  ];
  for (const [expression, code] of cases) {
    await assertFails(signWith(answering(expression)), code);
  }
});

test("a program that dies between hello and its request is told of", async () => {
  await using place = await folder();
  const mark = `${place.path}/mark`;
  const code = `first = not os.path.exists(${JSON.stringify(mark)})
open(${JSON.stringify(mark)}, "w").close()
hello()
if not first: sys.exit(5)
sys.stdin.read()`;
  const provider = await providerOf("signer", await program(place, code));
  const { signer } = await provider.open({}, {});
  await sleep(200);
  await assertFails(signer.sign(PAE, {}), "PLUGIN_CRASHED");
  await signer[Symbol.asyncDispose]();
});

test("a program that says another hello when it is used is refused", async () => {
  await using place = await folder();
  const code = `hello(version=str(time.time()))\nsys.stdin.read()`;
  const provider = await providerOf("signer", await program(place, code));
  await assertFails(provider.open({}, {}), "PLUGIN_PROTOCOL");
});

test("a program that does not end is ended at the timeout, with everything that it started", async () => {
  await using place = await folder();
  const mark = `${place.path}/alive`;
  const code = `hello()
for request in frames():
    subprocess.Popen(["sh", "-c", "sleep 2; touch ${mark}"])
    time.sleep(60)`;
  const run = { timeout: 500 };
  const provider = await providerOf("signer", await program(place, code));
  const { signer } = await provider.open({}, run);
  await assertFails(signer.sign(PAE, run), "PLUGIN_TIMEOUT");
  await signer[Symbol.asyncDispose]();
  await sleep(2500);
  assert.ok(!existsSync(mark));
});

test("a program is told to cancel, and is ended when it does not listen", async () => {
  const listening = `hello()
for request in frames():
    if request["type"] == "cancel":
        send({"type": "error", "id": request["id"], "code": "ABORTED", "message": "x"})`;
  for (
    const code of [listening, "hello()\nfor request in frames(): pass", "hello()\ntime.sleep(60)"]
  ) {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 700);
    await assertFails(signWith(code, { signal: abort.signal }), "ABORTED");
  }
});

test("a program's own errors come through with code and hint; foreign codes do not", async () => {
  const failing = (code: string, more = "") =>
    answering(
      `{"type": "error", "id": request["id"], "code": ${code}, "message": "no card"${more}}`,
    );
  const message = await assertFails(
    signWith(failing(`"PLUGIN_CARD_MISSING"`)),
    "PLUGIN_CARD_MISSING",
  );
  assert.match(message, /no card/);
  // Nobody has aborted it, so it is the program that did.
  assert.match(await assertFails(signWith(failing(`"ABORTED"`)), "ABORTED"), /plugin "demo"/);
  for (const code of [`"USAGE"`, `"plugin_x"`, "1", "None", `"PLUGIN_" + "X" * 99`]) {
    await assertFails(signWith(failing(code)), "PLUGIN_FAILED");
  }
  await assertFails(signWith(answering(`{"type": "error", "id": request["id"]}`)), "PLUGIN_FAILED");
});

test("a program asks the person through the host, and its name stands before what it says", async () => {
  const code = `hello()
stream = frames()
request = next(stream)
def ask(number, kind, text):
    send({"type": "prompt", "id": request["id"], "prompt": number, "kind": kind, "text": text})
    answer = next(stream)
    assert answer["prompt"] == number and answer["id"] == request["id"], answer
    return answer
send({"type": "tell", "id": request["id"], "text": "Touch\\u001b[2J the key"})
answers = [ask(1, "secret", "PIN:"), ask(2, "line", "Name:"), ask(3, "confirm", "Sure?"), ask(4, "line", "More?")]
print(json.dumps([a.get("value", a.get("error")) for a in answers]), file=sys.stderr)
send(signed(request))
sys.stdin.read()`;
  const logger = keepingLogger();
  const interaction = person("1234", "me", "yes");
  await signWith(code, { logger, interaction });
  assert.ok(
    logger.lines.some((line) => line.endsWith('["1234", "me", true, "INTERACTION_UNAVAILABLE"]')),
  );
  assert.equal(interaction.heard[0], 'plugin "demo": Touch\\u{1b}[2J the key');
  for (const heard of interaction.heard) assert.match(heard, /^plugin "demo": /);
});

test("an answer ends the request: a question that is open is taken back, and a second answer is not heard", async () => {
  const code = `hello()
request = next(frames())
send({"type": "prompt", "id": 1, "prompt": 1, "kind": "secret", "text": "PIN:"})
answer = json.dumps(signed(request))
print(answer + "\\n" + answer, flush=True)
sys.stdin.read()`;
  const { promise, resolve } = Promise.withResolvers<void>();
  const interaction: Interaction = {
    ...person(),
    askSecret: (_, signal) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => {
          resolve();
          reject(signal.reason);
        });
      }),
  };
  await signWith(code, { interaction });
  await promise;
});

test("a program that asks without end is refused, and one that asks nobody is answered", async () => {
  const asking = `hello()
stream = frames()
request = next(stream)
for number in range(100):
    send({"type": "prompt", "id": request["id"], "prompt": number, "kind": "line", "text": "again?"})
    print(next(stream).get("error"), file=sys.stderr)`;
  const interaction = person(...Array<string>(100).fill("yes"));
  await assertFails(signWith(asking, { interaction }), "PLUGIN_PROTOCOL");
  const logger = keepingLogger();
  await assertFails(signWith(asking, { logger }), "PLUGIN_PROTOCOL");
  assert.ok(logger.lines.some((line) => line.endsWith("INTERACTION_UNAVAILABLE")));
});

test("a frame of an unknown type is answered, and the work goes on", async () => {
  const code = `hello()
stream = frames()
request = next(stream)
send({"type": "weather", "id": 1, "text": "sunny"})
print(json.dumps(next(stream)), file=sys.stderr)
send(signed(request))
sys.stdin.read()`;
  const logger = keepingLogger();
  await signWith(code, { logger });
  assert.ok(logger.lines.some((line) => line.includes("PLUGIN_UNKNOWN_FRAME")));
});

test("a program's stderr is passed on at debug level, line by line, as long as it is not too much", async () => {
  const logger = keepingLogger();
  const code = `sys.stderr.write("one\\ntwo \\u001b[31m\\nthree"); sys.stderr.flush()\n` +
    answering("signed(request)");
  await signWith(code, { logger });
  const lines = logger.lines.map((line) => line.replace('debug: plugin "demo": ', ""));
  for (const line of ["one", "two \\u{1b}[31m", "three"]) {
    assert.ok(lines.includes(line), `${lines}`);
  }
  const flooded = keepingLogger();
  await signWith(
    `[sys.stderr.write("x" * 999 + "\\n") for _ in range(5000)]\n${answering("signed(request)")}`,
    { logger: flooded },
  );
  assert.ok(flooded.lines.length < 1100, `${flooded.lines.length}`);
});

test("requests are asked one after the other", async () => {
  await using place = await folder();
  const code = `hello()
for request in frames():
    time.sleep(0.05)
    send(signed(request))`;
  const provider = await providerOf("signer", await program(place, code));
  const { signer } = await provider.open({}, {});
  const payloads = [1, 2, 3].map((byte) => Uint8Array.of(byte));
  const signed = await Promise.all(payloads.map((bytes) => signer.sign(bytes, {})));
  signed.forEach(({ signature, publicKey }, index) =>
    assert.ok(verifyBytes(publicKeyFromDer(publicKey), payloads[index]!, signature))
  );
  await signer[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
});
