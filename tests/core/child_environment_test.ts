import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment } from "../../core/child_environment.ts";

test("childEnvironment() leaves out Bun's switches and this program's settings, in any case", () => {
  const environment = {
    PATH: "/bin",
    BUN_OPTIONS: "--preload /x.js",
    bun_be_bun: "1",
    MODEL_SIGNING_IDENTITY_TOKEN: "secret",
    PKCS11_PIN: "secret",
    NOTHING: undefined,
    BUN_INSTALL: "/bun",
  };
  assert.deepEqual(childEnvironment(environment), { PATH: "/bin", BUN_INSTALL: "/bun" });
});
