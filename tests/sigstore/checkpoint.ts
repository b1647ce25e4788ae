/** Checkpoints: a tree's size and head in a signed note (C2SP tlog-checkpoint, C2SP signed-note). */

import { Buffer } from "node:buffer";
import type { InclusionProof } from "./merkle.ts";
import { type Key, newKey, sha256, signWith, spoiled } from "./keys.ts";

/** Who signs. */
export type NoteSigner = {
  /** Name in the signature line. */
  readonly name: string;
  /** The log's id; the signature line begins with its first four bytes. */
  readonly keyId: Buffer;
  readonly key: Key;
};

/** Key id of Rekor v1's logs: the digest of the key (RFC 6962 3.2). */
export function spkiKeyId(key: Key): Buffer {
  return sha256(key.spki);
}

/** Key id of an Ed25519 key in signed notes, which Rekor v2's logs go by as a whole. */
export function noteKeyId(name: string, key: Key): Buffer {
  // The last 32 bytes of the structure are the key (RFC 8410 4).
  return sha256(name, "\n", Buffer.of(1), key.spki.subarray(-32));
}

/** Signs a tree's head. */
export function checkpoint(
  origin: string,
  { size, root }: InclusionProof,
  signer: NoteSigner,
  lie: "bad-checkpoint" | undefined,
): string {
  const note = `${origin}\n${size}\n${root.toString("base64")}\n`;
  const right = signWith(signer.key, Buffer.from(note, "utf8"));
  const signature = lie === undefined ? right : spoiled(right);
  return `${note}\n${line(WITNESS, signWith(WITNESS.key, Buffer.from(note)))}${
    line(signer, signature)
  }`;
}

/** Somebody whom nobody trusts; notes may carry signatures of strangers. */
const WITNESS: NoteSigner = (() => {
  const name = "witness.example.com";
  const key = newKey("Ed25519");
  return { name, key, keyId: noteKeyId(name, key) };
})();

function line({ name, keyId }: NoteSigner, signature: Uint8Array): string {
  const encoded = Buffer.concat([keyId.subarray(0, 4), signature]).toString("base64");
  return `\u2014 ${name} ${encoded}\n`;
}
