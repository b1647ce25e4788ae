import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { keySigner } from "../../../plugins/key/mod.ts";

const UNSUITABLE: Readonly<Record<string, () => KeyObject>> = {
  "an RSA key of 1024 bits": () => generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey,
  "a key that cannot sign": () => generateKeyPairSync("x25519").privateKey,
  "a public key": () => generateKeyPairSync("ed25519").publicKey,
  "a secret key": () => createSecretKey(new Uint8Array(32)),
};

for (const [what, key] of Object.entries(UNSUITABLE)) {
  test(`keySigner() refuses ${what} before anything is hashed`, () => {
    assert.throws(
      () => keySigner({ privateKey: key() }),
      (error) => error instanceof ModelSigningError && error.code === "KEY_UNSUPPORTED",
    );
  });
}
