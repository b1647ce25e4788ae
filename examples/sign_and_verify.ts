/** Signs a folder with a key and verifies it: the library in five lines. */

import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import {
  fileSystemSource,
  hasherFactory,
  keySigner,
  keyVerifier,
  readBundleFile,
  signModel,
  verifyModel,
  writeFileAtomically,
} from "../mod.ts";
import { sampleModel } from "./sample_model.ts";

await using model = await sampleModel();
const signature = join(model.path, "model.sig");
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const hasher = hasherFactory();
const source = await fileSystemSource(model.path, { signature });
const { bytes } = await signModel({ source, hasher, signer: keySigner({ privateKey }) });
await writeFileAtomically(signature, bytes);

const bundle = await readBundleFile(signature);
const verifier = keyVerifier({ publicKeys: [publicKey] });
const report = await verifyModel({ bundle, source, hasher, verifier });
console.log(report.verdict, report.coverage.files, "files");
