/**
 * What the tool is about, on real files: signs a folder with a key, verifies it, tampers with it and shows the
 * rejection; then signs without a key, through a Sigstore of its own. Run it with `deno task demo`.
 */

import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { appendFile, copyFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startSigstore } from "../tests/support/sigstore.ts";
import { sampleModel } from "./sample_model.ts";

const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

/** What Deno, unlike Bun, has to be told to run a program. */
const RUN = "bun" in process.versions ? [] : ["run", "-A"];

/** Runs a command of the tool as a user would type it, and stops the demo when it ends otherwise than expected. */
function run(folder: string, line: string, expected: number): void {
  console.log(`\n$ model-signing ${line}`);
  const args = line.replaceAll("\\\n", " ").split(/ +/);
  const { status } = spawnSync(process.execPath, [...RUN, MAIN, ...args], {
    cwd: folder,
    stdio: "inherit",
  });
  console.log(`(exit status ${status})`);
  if (status !== expected) throw new Error(`exit status ${status}, expected ${expected}`);
}

/** Signs and verifies with a key, and shows that tampering is found. */
async function withKey(): Promise<void> {
  await using model = await sampleModel();
  const folder = dirname(model.path);

  console.log("A model, and a new key:");
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyPem = privateKey.export({ type: "pkcs8", format: "pem" });
  await writeFile(join(folder, "key.pem"), keyPem, { mode: 0o600 });
  await writeFile(join(folder, "key.pub"), publicKey.export({ type: "spki", format: "pem" }));

  run(folder, "sign key tiny-model --private-key key.pem --signature tiny-model.sig", 0);
  run(folder, "verify key tiny-model --public-key key.pub --signature tiny-model.sig", 0);

  console.log("\nSomebody appends one byte to the weights and drops a file into the folder:");
  await appendFile(join(model.path, "weights", "model-00001-of-00002.safetensors"), "!");
  await writeFile(join(model.path, "backdoor.py"), "import os\n");
  run(folder, "verify key tiny-model --public-key key.pub --signature tiny-model.sig", 1);

  console.log("\nThe tampered model was rejected.");
}

/** Signs with an identity instead, and verifies without the instance that it was signed through. */
async function withoutKey(): Promise<void> {
  await using model = await sampleModel();
  const folder = dirname(model.path);
  await using sigstore = await startSigstore();

  console.log(`
Now without a key to keep: who signs proves an identity, and Sigstore certifies it for this one signature
and logs it. What follows uses a throw-away Sigstore on this machine (${sigstore.url}):
nothing leaves the machine, nothing is published, and the instance ends with this demo.

dev@example.com has logged in there. Usually a browser opens for that; here the token is in a file:`);
  await writeFile(join(folder, "token"), await sigstore.token(), { mode: 0o600 });
  await copyFile(sigstore.trustConfig, join(folder, "sigstore.json"));
  run(
    folder,
    "sign tiny-model --signature tiny-model.sig --trust-config sigstore.json \\\n" +
      "    --identity-token @token",
    0,
  );

  await sigstore.stop();
  console.log(
    "\nThe instance is gone now. Verifying asks nobody, the proofs are in the signature:",
  );
  const verify = (identity: string) =>
    "verify tiny-model --signature tiny-model.sig --trust-config sigstore.json \\\n" +
    `    --identity ${identity} --identity-provider ${sigstore.issuer}`;
  run(folder, verify("dev@example.com"), 0);

  console.log("\nWhoever expects somebody else does not take it:");
  run(folder, verify("ops@example.com"), 1);

  console.log(`
The signature counts as dev@example.com's, and as nobody else's.
"deno task sigstore" runs such an instance for as long as you like, browser login included.`);
}

await withKey();
await withoutKey();
