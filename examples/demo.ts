/**
 * What the tool is about, on real files: makes a key, signs a folder, verifies it, tampers with it and shows
 * the rejection. Run it with `deno task demo`.
 */

import { spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { appendFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sampleModel } from "./sample_model.ts";

const MAIN = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

/** What Deno, unlike Bun, has to be told to run a program. */
const RUN = "bun" in process.versions ? [] : ["run", "-A"];

/** Runs a command of the tool as a user would type it, and stops the demo when it ends otherwise than expected. */
function run(folder: string, line: string, expected: number): void {
  console.log(`\n$ model-signing ${line}`);
  const { status } = spawnSync(process.execPath, [...RUN, MAIN, ...line.split(" ")], {
    cwd: folder,
    stdio: "inherit",
  });
  console.log(`(exit status ${status})`);
  if (status !== expected) throw new Error(`exit status ${status}, expected ${expected}`);
}

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
