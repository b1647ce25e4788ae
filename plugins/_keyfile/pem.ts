/** PEM blocks (RFC 7468), with the headers of encrypted traditional keys (RFC 1421). */

import { Buffer } from "node:buffer";

/** One block of a PEM file. */
export type PemBlock = {
  /** What stands after BEGIN. */
  readonly label: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly der: Uint8Array;
  /** The block as it stands, for parsers that take PEM. */
  readonly text: string;
};

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([\s\S]*?)-----END \1-----/g;

/** Every block in a file; text between blocks is skipped, as other tools do. Empty for anything else. */
export function pemBlocks(bytes: Uint8Array): readonly PemBlock[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return [...text.matchAll(BLOCK)].map(([block, label, content]) => {
    const headers: Record<string, string> = {};
    const body = content!.split(/\r?\n/).filter((line) => {
      const header = /^([A-Za-z-]+): (.*)$/.exec(line);
      if (header) headers[header[1]!.toLowerCase()] = header[2]!;
      return !header;
    });
    return {
      label: label!,
      headers,
      der: new Uint8Array(Buffer.from(body.join(""), "base64")),
      text: `${block}\n`,
    };
  });
}
