/** The Python tool takes what we sign with keys in a token. */

import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { cli } from "../support/cli.ts";
import { assertStatus } from "../support/outcome.ts";
import { type KeyType, Pki } from "../support/pki.ts";
import { pythonTest, type PythonTool } from "../support/python_tool.ts";
import { hsmTest, PIN, type SoftHsm } from "../support/softhsm.ts";
import { ROUGH_TREE, writeTree } from "./sample_model.ts";

/** The Python tool verifies EC keys only. */
const CURVES: readonly KeyType[] = ["P-256", "P-384", "P-521"];

function bothTest(
  name: string,
  body: (hsm: SoftHsm, tool: PythonTool) => Promise<void>,
): void {
  hsmTest<[PythonTool]>(name, body, pythonTest);
}

/** Signs a model with the key `release`; Python must accept it, and reject it once a file has changed. */
async function convinces(
  hsm: SoftHsm,
  tool: PythonTool,
  { method, sign, verify }: {
    readonly method: "key" | "certificate";
    readonly sign: readonly string[];
    readonly verify: readonly string[];
  },
): Promise<void> {
  const model = writeTree(join(hsm.directory, "model"), ROUGH_TREE);
  const signature = join(hsm.directory, "model.sig");
  const uri = hsm.uri("object=release");
  const signed = await cli(
    ["sign", `pkcs11-${method}`, model, "--signature", signature, "--pkcs11_uri", uri, ...sign],
    { env: { ...hsm.env, PKCS11_PIN: PIN } },
  );
  assertStatus(signed, 0, "we sign");
  const args = ["verify", method, model, "--signature", signature, ...verify];
  assertStatus(tool.run(args), 0, "the Python tool verifies");
  appendFileSync(join(model, "config.json"), " ");
  assert.equal(tool.run(args).status, 1);
}

for (const curve of CURVES) {
  bothTest(`Python takes a signature of sign pkcs11-key by ${curve}`, async (hsm, tool) => {
    hsm.key("release", { type: `EC ${curve}` });
    const der = hsm.publicKey("release");
    using pki = new Pki();
    const pem = join(pki.directory, "key.pub");
    pki.openssl(["pkey", "-pubin", "-inform", "DER", "-in", der, "-out", pem]);
    await convinces(hsm, tool, { method: "key", sign: [], verify: ["--public_key", pem] });
  });

  bothTest(`Python takes a signature of sign pkcs11-certificate by ${curve}`, async (hsm, tool) => {
    using pki = new Pki();
    const root = pki.root({ from: -3 });
    const intermediate = pki.intermediate(root, { from: -2 });
    const leaf = pki.leaf(intermediate, { key: curve });
    hsm.importKey(leaf.key, "release", "01");
    hsm.importCertificate(leaf.certificate, "release", "01");
    await convinces(hsm, tool, {
      method: "certificate",
      sign: ["--certificate_chain", intermediate.certificate],
      verify: ["--certificate_chain", root.certificate],
    });
  });
}
