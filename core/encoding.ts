/** Bytes as text. */

import { Buffer } from "node:buffer";

/** Lowercase hex. */
export function hex(bytes: Uint8Array): string {
  return view(bytes).toString("hex");
}

/** Base64 in the standard alphabet, padded (RFC 4648 4). */
export function base64(bytes: Uint8Array): string {
  return view(bytes).toString("base64");
}

/** The same memory: payloads have up to 190 MB. */
function view({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
