import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import { keyHint } from "../../../core/keys.ts";
import type { Interaction } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { loadPrivateKey } from "../../../plugins/_keyfile/mod.ts";
import { sha256 } from "../../support/bundles.ts";
import { openssl, opensslKey, opensslPublicKey } from "../../support/openssl.ts";

const PEM = opensslKey("EC P-256");
const HINT = sha256(opensslPublicKey(PEM));
const PASSWORD = "pässwörd";
const ENCRYPTED = openssl(
  ["pkcs8", "-topk8", "-v2", "aes256", "-passout", `pass:${PASSWORD}`],
  PEM,
);

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "load-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<ModelSigningError> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.equal(error.code, code, error.message);
  assert.ok(!error.message.includes(PASSWORD));
  return error;
}

/** A person who is asked for a secret and for nothing else. */
function person(askSecret: Interaction["askSecret"]): Interaction {
  const unexpected = (): never => assert.fail("asked for something that is no secret");
  return {
    askSecret,
    ask: unexpected,
    confirm: unexpected,
    tell: unexpected,
    openBrowser: unexpected,
  };
}

/** Answers every prompt. */
function answering(answer: string): Interaction & { prompts: string[] } {
  const prompts: string[] = [];
  const interaction = person((prompt) => {
    prompts.push(prompt);
    return Promise.resolve(new Secret(answer));
  });
  return { prompts, ...interaction };
}

test("loadPrivateKey() reads a key that is not encrypted without asking", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "key.pem");
    writeFileSync(path, PEM);
    const interaction = answering("x");
    const settings = { "private-key": path, "password": new Secret("unused") };
    assert.equal(keyHint(await loadPrivateKey(settings, { interaction })), HINT);
    assert.deepEqual(interaction.prompts, []);
  });
});

test("loadPrivateKey() takes the password from the setting, the file or the prompt, in this order", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "key.pem");
    const good = join(folder, "good");
    const bad = join(folder, "bad");
    writeFileSync(path, ENCRYPTED);
    writeFileSync(good, `${PASSWORD}\nsecond line\n`);
    writeFileSync(bad, "wrong\n");
    const load = async (settings: Record<string, string | Secret>, answer?: string) => {
      const interaction = answer === undefined ? {} : { interaction: answering(answer) };
      return keyHint(await loadPrivateKey({ "private-key": path, ...settings }, interaction));
    };
    assert.equal(await load({ "password": new Secret(PASSWORD) }), HINT);
    assert.equal(await load({ "password": new Secret(PASSWORD), "password-file": bad }), HINT);
    assert.equal(await load({ "password-file": good }, "wrong"), HINT);
    assert.equal(await load({}, PASSWORD), HINT);
    await refused(load({ "password": new Secret("wrong") }, PASSWORD), "KEY_PASSWORD_WRONG");
    await refused(load({ "password-file": bad }, PASSWORD), "KEY_PASSWORD_WRONG");
    await refused(load({}, "wrong"), "KEY_PASSWORD_WRONG");
  });
});

test("loadPrivateKey() takes the first line of a password file, however lines end", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "key.pem");
    const file = join(folder, "password");
    writeFileSync(path, ENCRYPTED);
    const settings = { "private-key": path, "password-file": file };
    for (const content of [PASSWORD, `${PASSWORD}\n`, `${PASSWORD}\r\n`, `${PASSWORD}\nx`]) {
      writeFileSync(file, content);
      assert.equal(keyHint(await loadPrivateKey(settings, {})), HINT);
    }
    for (const content of ["", "\n", `\n${PASSWORD}`, ` ${PASSWORD}`, `${PASSWORD} `]) {
      writeFileSync(file, content);
      const { message } = await refused(loadPrivateKey(settings, {}), "KEY_PASSWORD_WRONG");
      assert.equal(message.includes("empty"), content.split("\n", 1)[0] === "");
    }
  });
});

test("loadPrivateKey() says that a password is missing when nobody can be asked", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "key.pem");
    writeFileSync(path, ENCRYPTED);
    const nobody = person(() =>
      Promise.reject(new ModelSigningError("INTERACTION_UNAVAILABLE", "there is no terminal"))
    );
    for (const options of [{}, { interaction: nobody }]) {
      const error = await refused(
        loadPrivateKey({ "private-key": path }, options),
        "KEY_PASSWORD_MISSING",
      );
      assert.ok(error.hint);
    }
    const gone = person(() => Promise.reject(new ModelSigningError("ABORTED", "given up")));
    await refused(loadPrivateKey({ "private-key": path }, { interaction: gone }), "ABORTED");
  });
});

test("loadPrivateKey() names what cannot be read", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "key.pem");
    const missing = join(folder, "missing");
    writeFileSync(path, ENCRYPTED);
    await refused(loadPrivateKey({}, {}), "USAGE");
    await refused(loadPrivateKey({ "private-key": missing }, {}), "FILE_UNREADABLE");
    await refused(loadPrivateKey({ "private-key": folder }, {}), "FILE_UNREADABLE");
    await refused(loadPrivateKey({ "private-key": "nul\0" }, {}), "FILE_UNREADABLE");
    await refused(
      loadPrivateKey({ "private-key": path, "password-file": missing }, {}),
      "FILE_UNREADABLE",
    );
  });
});
