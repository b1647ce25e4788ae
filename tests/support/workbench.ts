/** A temporary folder with a small model and a key pair in it. */

import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The folder; it is removed with everything in it at the end of its scope. */
export type Workbench = AsyncDisposable & {
  readonly path: string;
  /** Writes files, paths relative to the folder. */
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
};

/** The model's files, below `model/`. */
export const MODEL_FILES: Readonly<Record<string, string>> = {
  "model/config.json": '{"layers": 2}\n',
  "model/weights/part-1.bin": "first part of the weights\n",
  "model/weights/part-2.bin": "second part of the weights\n",
};

/** What stands in the way of a new signature, and may be replaced by it. */
export const OLD_SIGNATURE = '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}';

/** Arguments that sign the model into `model.sig`, and that verify it. */
export const SIGN: readonly string[] = ["sign", "key", "model", "--private-key", "key.pem"];
export const VERIFY: readonly string[] = [
  "verify",
  "key",
  "model",
  "--public-key",
  "key.pub",
  "--signature",
  "model.sig",
];

/** A new folder with `model/`, `key.pem`, `key.pub` and the encrypted `locked.pem` (password `hunter2`). */
export async function workbench(): Promise<Workbench> {
  const path = await mkdtemp(join(tmpdir(), "model-signing-cli-"));
  const write = async (files: Readonly<Record<string, string | Uint8Array>>) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    }
  };
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await write({
    ...MODEL_FILES,
    "key.pem": privateKey.export({ type: "pkcs8", format: "pem" }),
    "key.pub": publicKey.export({ type: "spki", format: "pem" }),
    "locked.pem": privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "hunter2",
    }),
  });
  return {
    path,
    write,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
