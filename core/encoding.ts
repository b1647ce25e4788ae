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

/** PEM: 64 columns, one newline at the end (RFC 7468). */
export function pem(label: string, der: Uint8Array): string {
  const lines = base64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The same memory: payloads have up to 190 MB. */
function view({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
