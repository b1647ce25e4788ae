/** PEM blocks (RFC 7468), with the headers of encrypted traditional keys (RFC 1421). */

import { Buffer } from "node:buffer";

/** One block of a PEM file. */
export type PemBlock = {
  /** What stands after BEGIN. */
  readonly label: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly der: Uint8Array;
};

const BEGIN = /-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n/g;

/** Every block in a file; text between blocks is skipped, as other tools do. Empty for anything else. */
export function pemBlocks(bytes: Uint8Array): readonly PemBlock[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const found: PemBlock[] = [];
  // An expression for whole blocks would search the rest of the file for the end of each one.
  for (const { index, 0: line, 1: label } of text.matchAll(BEGIN)) {
    const start = index + line.length;
    const end = text.indexOf("-----", start);
    const last = `-----END ${label}-----`;
    if (end < 0 || !text.startsWith(last, end)) continue;
    const headers: Record<string, string> = {};
    const body = text.slice(start, end).split(/\r?\n/).filter((row) => {
      const header = /^([A-Za-z-]+): (.*)$/.exec(row);
      if (header) headers[header[1]!.toLowerCase()] = header[2]!;
      return !header;
    });
    found.push({
      label: label!,
      headers,
      der: new Uint8Array(Buffer.from(body.join(""), "base64")),
    });
  }
  return found;
}
