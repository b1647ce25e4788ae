/** `sign pkcs11-key` and `sign pkcs11-certificate`, on SoftHSM. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { compiledBinary } from "../support/binary.ts";
import { cli, programCommand, programEnvironment } from "../support/cli.ts";
import { assertFault, assertStatus, assertVerdict } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";
import { onTerminal } from "../support/pty.ts";
import { hsmTest, PIN } from "../support/softhsm.ts";
import { TsaServer } from "../support/tsa_server.ts";
import { OLD_SIGNATURE, type Workbench, workbench } from "../support/workbench.ts";
import { reply, tsaCertificate } from "../plugins/_rfc3161/_authority.ts";

const WRONG_PIN = "16180339";

/** Arguments that sign the model. */
function sign(method: "key" | "certificate", uri: string): readonly string[] {
  return ["sign", `pkcs11-${method}`, "model", "--pkcs11-uri", uri];
}

async function verifies(
  folder: Workbench,
  publicKey: string,
  more: readonly string[] = [],
): Promise<void> {
  const args = ["verify", "key", "model", "--public-key", publicKey, "--signature", "model.sig"];
  const verified = await cli([...args, "--format", "json", ...more], { cwd: folder.path });
  assertVerdict(verified, "verified", 0, []);
}

// The other types: tests/interop/pkcs11_test.ts.
for (const type of ["RSA 2048", "Ed25519"]) {
  hsmTest(`sign pkcs11-key signs with ${type}, and verify key accepts it`, async (hsm) => {
    await using folder = await workbench();
    hsm.key("release", { type });
    const env = { ...hsm.env, PKCS11_PIN: PIN };
    const signed = await cli(sign("key", hsm.uri("object=release")), { cwd: folder.path, env });
    assertStatus(signed, 0, type);
    assert.match(signed.stdout, /^SIGNED/);
    await verifies(folder, hsm.publicKey("release"));
  });
}

hsmTest("the compiled program signs with a key in a token", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release", { alwaysAuthenticate: true });
  const signed = await cli(sign("key", hsm.uri("object=release")), {
    cwd: folder.path,
    env: { ...hsm.env, PKCS11_PIN: PIN },
    program: [compiledBinary()],
  });
  assertStatus(signed, 0, "compiled");
  await verifies(folder, hsm.publicKey("release"));
});

hsmTest("a module that crashes leaves the old signature and nothing else", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  await folder.write({ "model.sig": OLD_SIGNATURE });
  const before = readdirSync(folder.path);
  const uri = `pkcs11:object=release?module-path=${hsm.shim({ CRASH: 1 })}`;
  const { status } = await cli(sign("key", uri), {
    cwd: folder.path,
    env: { ...hsm.env, PKCS11_PIN: PIN },
  });
  assert.notEqual(status, 0);
  assert.deepEqual(readdirSync(folder.path), before);
  assert.equal(readFileSync(join(folder.path, "model.sig"), "utf8"), OLD_SIGNATURE);
});

hsmTest("sign pkcs11-certificate takes the certificate from the token or a file", async (hsm) => {
  await using folder = await workbench();
  using pki = new Pki();
  const root = pki.root();
  const intermediate = pki.intermediate(root);
  const leaf = pki.leaf(intermediate);
  hsm.importKey(leaf.key, "release", "01");
  const env = { ...hsm.env, PKCS11_PIN: PIN };
  const cwd = folder.path;
  const args = [
    ...sign("certificate", hsm.uri("object=release")),
    ...["--certificate-chain", intermediate.certificate],
  ];
  const verify = [
    ...["verify", "certificate", "model", "--signature", "model.sig", "--format", "json"],
    ...["--certificate-chain", root.certificate],
  ];
  const none = await cli(args, { cwd, env });
  assertFault(none, 3, "PKCS11_CERTIFICATE");
  assert.match(none.stderr, /hint: .* --signing-certificate$/m);
  const fromFile = await cli([...args, "--signing-certificate", leaf.certificate], { cwd, env });
  assertStatus(fromFile, 0, "certificate in a file");
  assertVerdict(await cli(verify, { cwd }), "verified", 0, []);
  hsm.importCertificate(leaf.certificate, "release", "01");
  assertStatus(await cli(args, { cwd, env }), 0, "certificate in the token");
  assertVerdict(await cli(verify, { cwd }), "verified", 0, []);
});

hsmTest("the PIN is asked for without echo, once, and never shown", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  const args = [...sign("key", hsm.uri("object=release")), "--log-level", "debug"];
  const prompt = (pin: string) =>
    onTerminal(args, {
      cwd: folder.path,
      env: hsm.env,
      steps: [{ after: "PIN of token", send: `${pin}\r` }],
    });
  const wrong = await prompt(WRONG_PIN);
  assert.equal(wrong.status, 3, wrong.terminal);
  assert.match(wrong.terminal, /\[PKCS11_PIN\]/);
  assert.equal(wrong.terminal.split("PIN of token").length, 2);
  assert.ok(hsm.wrongPinWasTried());
  const right = await prompt(PIN);
  assert.equal(right.status, 0, right.terminal);
  // The warning stands before the prompt.
  assert.match(right.terminal, /a wrong PIN was entered[\s\S]*PIN of token/);
  for (const { terminal, stdout, echoes } of [wrong, right]) {
    assert.ok(!/16180339|27182818/.test(terminal + stdout));
    assert.ok(echoes);
  }
});

hsmTest("without a terminal and a PIN nothing hangs, and no attempt is made", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  const command = [...programCommand(), ...sign("key", hsm.uri("object=release"))];
  const { status, stderr } = spawnSync("setsid", ["--wait", ...command], {
    cwd: folder.path,
    env: programEnvironment(hsm.env),
    encoding: "utf8",
  });
  assert.equal(status, 3, stderr);
  assert.match(stderr, /\[PKCS11_PIN\]/);
  assert.ok(!hsm.wrongPinWasTried());
});

hsmTest("a wrong PIN ends with 3, is tried once, and leaves the old signature", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  await folder.write({ "model.sig": OLD_SIGNATURE });
  const args = [...sign("key", hsm.uri("object=release")), "--log-level", "debug"];
  const env = { ...hsm.env, PKCS11_PIN: WRONG_PIN };
  const outcome = await cli(args, { cwd: folder.path, env });
  assertFault(outcome, 3, "PKCS11_PIN");
  assert.ok(!outcome.stderr.includes(WRONG_PIN));
  assert.ok(hsm.wrongPinWasTried());
  assert.equal(readFileSync(join(folder.path, "model.sig"), "utf8"), OLD_SIGNATURE);
});

hsmTest("the PIN comes from the URI or its file before the environment", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  await folder.write({ "pin.txt": `${PIN}\n` });
  const env = { ...hsm.env, PKCS11_PIN: WRONG_PIN };
  for (const query of [`pin-value=${PIN}`, `pin-source=file:${folder.path}/pin.txt`]) {
    const args = [...sign("key", hsm.uri("object=release", `&${query}`)), "--log-level", "debug"];
    const outcome = await cli(args, { cwd: folder.path, env });
    assertStatus(outcome, 0, query);
    assert.ok(!(outcome.stdout + outcome.stderr).includes(PIN));
  }
  assert.ok(!hsm.wrongPinWasTried());
});

hsmTest("a module is found by name in --module-path, which must be absolute", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  const cwd = folder.path;
  const env = { ...hsm.env, PKCS11_PIN: PIN };
  const args = sign("key", "pkcs11:token=hsm;object=release?module-name=softhsm2");
  const directory = dirname(hsm.module);
  assertStatus(
    await cli([...args, "--module-path", `${cwd},${directory}`], { cwd, env }),
    0,
    "name",
  );
  const absent = await cli(sign("key", "pkcs11:?module-name=no-such-module"), { cwd, env });
  assertFault(absent, 3, "PKCS11_MODULE_NOT_FOUND");
  assert.match(absent.stderr, /hint: --module-path /);
  for (const path of [".", hsm.module]) {
    assertFault(await cli([...args, "--module-path", path], { cwd, env }), 3, "PKCS11_MODULE");
  }
  writeFileSync(join(cwd, "open.so"), "", { mode: 0o666 });
  spawnSync("chmod", ["o+w", join(cwd, "open.so")]);
  const open = `pkcs11:object=release?module-path=${cwd}/open.so`;
  const refused = await cli(sign("key", open), { cwd, env });
  assertFault(refused, 3, "PKCS11_MODULE");
  assert.match(refused.stderr, /hint: .*chmod/);
});

hsmTest(
  "a token or key that is missing or ambiguous ends with 3 and names what there is",
  async (hsm) => {
    await using folder = await workbench();
    hsm.key("release", { id: "01" });
    hsm.key("nightly", { id: "02" });
    const cwd = folder.path;
    const env = { ...hsm.env, PKCS11_PIN: PIN };
    const token = await cli(
      sign("key", `pkcs11:token=other?module-path=${hsm.module}`),
      { cwd, env },
    );
    assertFault(token, 3, "PKCS11_TOKEN");
    assert.match(token.stderr, /"hsm"/);
    for (const path of ["object=other", "id=%03", ""]) {
      const key = await cli(sign("key", hsm.uri(path).replace(";?", "?")), { cwd, env });
      assertFault(key, 3, "PKCS11_OBJECT");
      assert.match(key.stderr, /"release".*"nightly"|"nightly".*"release"/);
    }
    assert.ok(!existsSync(join(cwd, "model.sig")));
  },
);

hsmTest("a URI that is malformed is wrong usage, and repeats no PIN", async (hsm) => {
  await using folder = await workbench();
  for (const end of [";object=a", ";unknown=a", ";id=%0"]) {
    const uri = `pkcs11:object=a${end}?pin-value=${PIN}`;
    const outcome = await cli(sign("key", uri), { cwd: folder.path, env: hsm.env });
    assertFault(outcome, 2, "USAGE_PKCS11_URI");
    assert.ok(!outcome.stderr.includes(PIN));
  }
});

hsmTest("what names code to load comes from the command line only", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  const cwd = folder.path;
  const uri = hsm.uri("object=release");
  const env = { ...hsm.env, PKCS11_PIN: PIN, MODEL_SIGNING_PKCS11_URI: uri };
  assertFault(await cli(["sign", "pkcs11-key", "model"], { cwd, env }), 2, "USAGE");
  for (const json of [{ pkcs11_uri: uri }, { module_path: ["/usr/lib"] }]) {
    const args = ["sign", "pkcs11-key", "model", "--json", JSON.stringify(json)];
    assertFault(await cli(args, { cwd, env: hsm.env }), 2, "USAGE");
  }
  const directories = { ...hsm.env, PKCS11_PIN: PIN, MODEL_SIGNING_MODULE_PATH: "relative" };
  const ignored = await cli(sign("key", uri), { cwd, env: directories });
  assertStatus(ignored, 0, "MODEL_SIGNING_MODULE_PATH");
  assert.match(ignored.stderr, /MODEL_SIGNING_MODULE_PATH is ignored/);
});

hsmTest("a timestamp authority is asked, and its absence means no signature", async (hsm) => {
  await using folder = await workbench();
  hsm.key("release");
  const cwd = folder.path;
  const env = { ...hsm.env, PKCS11_PIN: PIN };
  const args = sign("key", hsm.uri("object=release"));
  const nowhere = await cli([...args, "--tsa-url", "http://127.0.0.1:9/"], { cwd, env });
  assertFault(nowhere, 3, "NETWORK_UNREACHABLE");
  assertFault(await cli([...args, "--tsa-url", "ftp://a.example"], { cwd, env }), 2, "USAGE");
  assert.ok(!existsSync(join(cwd, "model.sig")));
  using pki = new Pki();
  const root = pki.root();
  const tsa = tsaCertificate(pki, root);
  await using server = await TsaServer.start((query) => reply(pki, tsa, query));
  assertStatus(await cli([...args, "--tsa-url", server.url.href], { cwd, env }), 0, "with a TSA");
  await verifies(folder, hsm.publicKey("release"), [
    ...["--tsa-certificate-chain", root.certificate, "--require-timestamp"],
  ]);
});
