/** The parts of a signature file, taken out without any code of ours. */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";

/** A statement as it stands in the payload. */
export type RawStatement = {
  readonly subject: readonly [
    { readonly name: string; readonly digest: { readonly sha256: string } },
  ];
  readonly predicate: {
    readonly resources: readonly {
      readonly name: string;
      readonly digest: string;
      readonly algorithm: string;
    }[];
    readonly serialization: {
      readonly method: string;
      readonly hash_type: string;
      readonly ignore_paths?: readonly string[];
    };
  };
};

/** The bytes that were signed, and the signature. */
export type RawEnvelope = {
  readonly payload: Uint8Array;
  readonly payloadType: string;
  readonly signature: Uint8Array;
};

/** The envelope of a signature file. */
export function rawEnvelope(path: string): RawEnvelope {
  const { dsseEnvelope } = JSON.parse(readFileSync(path, "utf8"));
  return {
    payload: Buffer.from(dsseEnvelope.payload, "base64"),
    payloadType: dsseEnvelope.payloadType,
    signature: Buffer.from(dsseEnvelope.signatures[0].sig, "base64"),
  };
}

/** The statement of a signature file. */
export function signedStatement(path: string): RawStatement {
  return JSON.parse(Buffer.from(rawEnvelope(path).payload).toString("utf8"));
}
