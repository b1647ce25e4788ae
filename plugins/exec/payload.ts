/** What is signed, in the form that a plugin asks for. */

import { createHash } from "node:crypto";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PayloadForm } from "./hello.ts";

/** The member `payload` of a request. */
export type Payload = {
  /** Of the DSSE pre-authentication encoding. */
  readonly bytes: number;
  /** Name of a file in the plugin's current folder that holds it. */
  readonly file?: string;
  readonly sha256?: string;
  readonly sha384?: string;
  readonly sha512?: string;
};

/** Digests in lowercase hex; or the bytes as a file, since those of a million files have 200 MB and no line holds them. */
export async function payloadFor(
  form: PayloadForm,
  pae: Uint8Array,
  folder: string,
  id: number,
): Promise<Payload> {
  if (form !== "pae") {
    const digests = form.map((name) => [name, createHash(name).update(pae).digest("hex")]);
    return { bytes: pae.length, ...Object.fromEntries(digests) };
  }
  const file = `payload-${id}`;
  await writeFile(join(folder, file), pae, { flag: "wx", mode: 0o600 });
  await chmod(join(folder, file), 0o400);
  return { bytes: pae.length, file };
}
