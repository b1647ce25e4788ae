/** Key files under random and mutated input: a key or a ModelSigningError, never anything else. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ModelSigningError } from "../../core/errors.ts";
import { keyAlgorithm } from "../../core/keys.ts";
import { Secret } from "../../core/secret.ts";
import { readPrivateKey, readPublicKey } from "../../plugins/_keyfile/mod.ts";
import { openssl, opensslKey, opensslPublicKey } from "../support/openssl.ts";
import { mutated } from "./_mutated.ts";

const PASSWORD = "correct horse battery staple";
const TYPES = ["EC P-256", "EC P-521", "Ed25519", "RSA 2048"];

function der(pem: string, ...args: readonly string[]): Uint8Array {
  return openssl([...args, "-outform", "DER"], pem);
}

const ENCRYPT = ["-topk8", "-iter", "10", "-passout", `pass:${PASSWORD}`];

const PRIVATE_KEYS: readonly Uint8Array[] = TYPES.map(opensslKey).flatMap((pem) => [
  openssl(["pkey"], pem),
  der(pem, "pkcs8", "-topk8", "-nocrypt"),
]).concat([
  der(opensslKey("EC P-256"), "ec"),
  der(opensslKey("RSA 2048"), "rsa", "-traditional"),
  openssl(["ec", "-aes128", "-passout", `pass:${PASSWORD}`], opensslKey("EC P-256")),
  der(opensslKey("EC P-256"), "pkcs8", ...ENCRYPT, "-v2", "aes256"),
  der(
    opensslKey("EC P-256"),
    "pkcs8",
    ...ENCRYPT.slice(0, 1),
    "-scrypt",
    "-scrypt_N",
    "16",
    ...ENCRYPT.slice(3),
  ),
]);

const PUBLIC_KEYS: readonly Uint8Array[] = TYPES.map((type) => opensslPublicKey(opensslKey(type)))
  .flatMap((pem) => [openssl(["pkey", "-pubin"], pem), der(pem, "pkey", "-pubin")])
  .concat([
    der(opensslPublicKey(opensslKey("RSA 2048")), "rsa", "-pubin", "-RSAPublicKey_out"),
    der(opensslKey("EC P-256"), "req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x"),
  ]);

function assertFault(error: unknown): void {
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.match(error.code, /^KEY_/);
  assert.ok(!`${error.message}${error.stack}${error.cause}`.includes(PASSWORD));
}

test(
  "readPrivateKey() gives an accepted key or a fault for any bytes",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(mutated(PRIVATE_KEYS), async (bytes) => {
        try {
          const key = await readPrivateKey(
            bytes,
            "key",
            () => Promise.resolve(new Secret(PASSWORD)),
          );
          assert.equal(key.type, "private");
          assert.ok("algorithm" in keyAlgorithm(key));
        } catch (error) {
          assertFault(error);
        }
      }),
      { numRuns: 400 },
    );
  },
);

test("readPublicKey() gives an accepted key or a fault for any bytes", () => {
  fc.assert(
    fc.property(mutated(PUBLIC_KEYS), (bytes) => {
      try {
        const key = readPublicKey(bytes, "key");
        assert.equal(key.type, "public");
        assert.ok("algorithm" in keyAlgorithm(key));
      } catch (error) {
        assertFault(error);
      }
    }),
    { numRuns: 1000 },
  );
});

test("readPrivateKey() and readPublicKey() refuse keys that are cut after any byte", async () => {
  for (const bytes of [PRIVATE_KEYS[1]!, PUBLIC_KEYS[1]!]) {
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      const password = () => Promise.resolve(new Secret(PASSWORD));
      await readPrivateKey(cut, "key", password).then(() => assert.fail(), assertFault);
      assert.throws(() => readPublicKey(cut, "key"), ModelSigningError);
    }
  }
});
