/** Checkpoints: a log's signed word on its size and root (C2SP tlog-checkpoint, in C2SP signed-note). */

import { Buffer } from "node:buffer";
import { MemberError } from "./members.ts";
import { verifiesWith } from "./signature.ts";
import type { Log } from "./trusted_root.ts";

/** A checkpoint, parsed and not verified. */
export type Checkpoint = {
  readonly origin: string;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  /** What the signatures are over: the text with the newline at its end. */
  readonly text: Uint8Array;
  readonly signatures: readonly {
    /** The signer's name. */
    readonly name: string;
    /** First four bytes of the key's identifier, lowercase hex. */
    readonly keyHint: string;
    readonly signature: Uint8Array;
  }[];
};

/** UTF-16 units of a checkpoint. One with ten cosigning witnesses has about 1,500. */
const MAX_LENGTH = 64 * 1024;

/** Signatures on a checkpoint: the log's own and those of witnesses. */
const MAX_SIGNATURES = 100;

/** Parses a checkpoint. Throws MemberError. */
export function parseCheckpoint(note: string): Checkpoint {
  if (note.length > MAX_LENGTH) throw new MemberError("the checkpoint is too long");
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new MemberError("the checkpoint has no signatures");
  const text = note.slice(0, split + 1);
  const [origin = "", size = "", root = "", ...rest] = text.split("\n");
  // What follows the root are extension lines, and one empty string after the last newline.
  if (origin === "" || rest.at(-1) !== "" || !/^(?:0|[1-9][0-9]{0,15})$/.test(size)) {
    throw new MemberError("the checkpoint is malformed");
  }
  const rootHash = Buffer.from(root, "base64");
  if (rootHash.length !== 32 || rootHash.toString("base64") !== root) {
    throw new MemberError("the checkpoint has no root hash of 32 bytes");
  }
  return {
    origin,
    treeSize: Number(size),
    rootHash,
    text: Buffer.from(text, "utf8"),
    signatures: parseSignatures(note.slice(split + 2)),
  };
}

/** Whether the log has signed the checkpoint, as the origin that it names. */
export function isSignedBy(checkpoint: Checkpoint, log: Log): boolean {
  const { origin, text } = checkpoint;
  return checkpoint.signatures.some(({ name, keyHint, signature }) =>
    // Rekor v1 adds the number of its tree.
    (origin === name || origin.startsWith(`${name} - `)) &&
    log.id.startsWith(keyHint) && verifiesWith(log, text, signature)
  );
}

/** Lines of `— NAME BASE64`, where the bytes are four of the key's identifier and then the signature. */
function parseSignatures(lines: string): Checkpoint["signatures"] {
  if (!lines.endsWith("\n")) throw new MemberError("the checkpoint is cut off");
  const signatures = lines.slice(0, -1).split("\n").map((line) => {
    const [, name, base64] = /^\u2014 ([^ +]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    const bytes = Buffer.from(base64 ?? "", "base64");
    if (name === undefined || bytes.length < 5 || bytes.toString("base64") !== base64) {
      throw new MemberError("the checkpoint has a malformed signature line");
    }
    return { name, keyHint: bytes.toString("hex", 0, 4), signature: bytes.subarray(4) };
  });
  if (signatures.length > MAX_SIGNATURES) {
    throw new MemberError(`the checkpoint has more than ${MAX_SIGNATURES} signatures`);
  }
  return signatures;
}
