/** The DSSE envelope's pre-authentication encoding: what a signature really covers. */

import { Buffer } from "node:buffer";

/** `payloadType` of every envelope of the format. */
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** `standard` as DSSE defines it; `legacy` as the Python tool 0.2.0 made it. */
export type PaeForm = "standard" | "legacy";

/** `DSSEv1 SP len(type) SP type SP len(payload) SP payload`, lengths in bytes, decimal (DSSE protocol 1.0). */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, "utf8");
  const head = `DSSEv1 ${type.length} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head, "utf8"), payload]);
}

/**
 * The defective encoding of bundles with predicate type `https://model_signing/Digests/v0.1`: a capital V,
 * and the payload as Python prints a bytes object (OMS 4). Only ever verified, never made.
 */
export function legacyPae(payloadType: string, payload: Uint8Array): Uint8Array {
  const length = Buffer.byteLength(payloadType, "utf8");
  const head = `DSSEV1 ${length} ${payloadType} ${payload.length} `;
  return pythonBytesLiteral(Buffer.from(head, "utf8"), payload);
}

/**
 * `repr(bytes)` behind `head`: single quotes, unless the bytes hold a single quote and no double quote. Made
 * byte by byte and in one piece: the payload is not authenticated yet, and as text a large one could exceed
 * the longest string.
 */
function pythonBytesLiteral(head: Uint8Array, bytes: Uint8Array): Uint8Array {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  const forms = new Uint8Array(256 * 4);
  const lengths = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    lengths[byte] = Buffer.from(pythonByte(byte, quote)).copy(forms, 4 * byte);
  }
  let length = head.length + `b${quote}${quote}`.length;
  for (let index = 0; index < bytes.length; index++) length += lengths[bytes[index]!]!;
  const literal = Buffer.allocUnsafe(length);
  literal.set(head);
  let at = head.length + literal.write(`b${quote}`, head.length);
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index]!;
    const end = 4 * byte + lengths[byte]!;
    for (let from = 4 * byte; from < end; from++) literal[at++] = forms[from]!;
  }
  literal.write(quote, at);
  return literal;
}

function pythonByte(byte: number, quote: string): string {
  const character = String.fromCharCode(byte);
  if (character === "\\" || character === quote) return `\\${character}`;
  if (character === "\n") return "\\n";
  if (character === "\r") return "\\r";
  if (character === "\t") return "\\t";
  if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, "0")}`;
  return character;
}
