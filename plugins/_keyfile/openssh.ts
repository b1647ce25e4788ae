/** Telling apart the keys of OpenSSH, whose forms are not read. */

import { Buffer } from "node:buffer";

/** What a private key file of OpenSSH begins with (PROTOCOL.key). */
const MAGIC = "openssh-key-v1\0";

/** Strings before the public key: cipher, key derivation and its options. */
const HEADER_STRINGS = 3;

/** The type of a private key in OpenSSH's own form, such as `ssh-ed25519`; undefined when it cannot be told. */
export function opensshKeyType(content: Uint8Array): string | undefined {
  const bytes = Buffer.from(content);
  let at = MAGIC.length;
  if (bytes.toString("latin1", 0, at) !== MAGIC) return undefined;
  const next = (): string => {
    const start = at + 4;
    at = start + bytes.readUInt32BE(at);
    return bytes.toString("latin1", start, at);
  };
  try {
    for (let index = 0; index < HEADER_STRINGS; index++) next();
    // The number of keys, then the length of the public key, which begins with its type.
    at += 8;
    const type = next();
    return /^[a-z0-9@.-]{1,64}$/.test(type) ? type : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Whether `ssh-keygen` writes keys of a type in a form that other programs read: of Ed25519 it knows only its own. */
export function isConvertible(type: string): boolean {
  return type === "ssh-rsa" || /^ecdsa-sha2-nistp[0-9]{3}$/.test(type);
}
