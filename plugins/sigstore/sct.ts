/** Signed certificate timestamps: proof that a certificate was submitted to a log (RFC 6962 3). */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { hex } from "../../core/encoding.ts";
import type { Issue, IssueCode } from "../../core/errors.ts";
import {
  context,
  DerError,
  DerReader,
  encode,
  encodeSequence,
  oid,
  readOnly,
  TAG,
} from "../_der/mod.ts";
import { printable } from "../../core/text.ts";
import { type Certificate, isoTime } from "../_x509/mod.ts";
import { contains } from "./members.ts";
import { verifiesWith } from "./signature.ts";
import type { Log } from "./trusted_root.ts";

/** Extension of a certificate that holds its timestamps (RFC 6962 3.3). */
export const SCT_LIST = "1.3.6.1.4.1.11129.2.4.2";

/** One timestamp. */
type Sct = {
  /** Lowercase hex. */
  readonly logId: string;
  readonly time: Date;
  /** The time as it was signed. */
  readonly timestamp: Uint8Array;
  readonly extensions: Uint8Array;
  /** TLS code points (RFC 5246 7.4.1.4.1). */
  readonly hash: number;
  readonly algorithm: number;
  readonly signature: Uint8Array;
};

/** What the timestamps of a certificate prove. */
export type SctResult =
  /** The time is that of the first timestamp by a trusted log. */
  | { readonly ok: true; readonly logs: readonly Log[]; readonly time: Date }
  | { readonly ok: false; readonly issue: Issue };

/** RFC 5246 7.4.1.4.1; RFC 6962 2.1.4 allows ECDSA and RSA, both with SHA-256. */
const SHA256 = 4;
const ALGORITHMS: Readonly<Record<string, number>> = { rsa: 1, ec: 3 };

/** Timestamps in one certificate. Fulcio embeds one. */
const MAX_SCTS = 16;

/** Thrown for a list that is not well-formed. */
class SctError extends Error {}

/**
 * Verifies the timestamps that are embedded in a certificate. At least one must be by a log that is trusted;
 * one by a trusted log that does not hold is refused even when another holds.
 *
 * Findings: `SCT_MISSING`, `SCT_INVALID`.
 *
 * @param issuer the certificate above, as the path has it
 */
export function verifyScts(
  leaf: Certificate,
  issuer: Certificate,
  logs: readonly Log[],
): SctResult {
  const extension = leaf.rawExtensions.find(({ id }) => id === SCT_LIST);
  if (!extension) {
    return failed("SCT_MISSING", "the certificate does not say that it is in a certificate log");
  }
  let scts: readonly Sct[];
  let precertificate: Uint8Array;
  try {
    scts = parseList(readOctets(extension.value));
    precertificate = withoutScts(leaf.tbs);
  } catch (error) {
    if (!(error instanceof SctError || error instanceof DerError)) throw error;
    return failed(
      "SCT_INVALID",
      `the certificate's log timestamps are malformed: ${error.message}`,
    );
  }
  const issuerKeyHash = createHash("sha256").update(issuer.publicKeyInfo.der).digest();
  const proven: { readonly log: Log; readonly time: Date }[] = [];
  for (const sct of scts) {
    const known = logs.filter(({ id }) => id === sct.logId);
    if (known.length === 0) continue;
    const name = printable(known[0]!.baseUrl);
    const signed = signedBytes(sct, issuerKeyHash, precertificate);
    // A log may be listed twice, with periods that follow each other.
    const signers = known.filter((log) => hasSigned(log, sct, signed));
    if (signers.length === 0) {
      return failed("SCT_INVALID", `the certificate's timestamp by ${name} does not hold`);
    }
    const log = signers.find(({ validFor }) => contains(validFor, sct.time));
    if (!log) {
      return failed(
        "SCT_INVALID",
        `${name} logged the certificate at ${isoTime(sct.time)}, when it was not trusted`,
      );
    }
    if (sct.time > leaf.notAfter) {
      return failed(
        "SCT_INVALID",
        `${name} logged the certificate at ${isoTime(sct.time)}, after it had expired on ${
          isoTime(leaf.notAfter)
        }: it was backdated`,
      );
    }
    proven.push({ log, time: sct.time });
  }
  const [first] = proven;
  if (!first) {
    return failed("SCT_MISSING", "the certificate is in no certificate log that is trusted");
  }
  return { ok: true, logs: proven.map(({ log }) => log), time: first.time };
}

function hasSigned(log: Log, { hash, algorithm, signature }: Sct, signed: Uint8Array): boolean {
  return hash === SHA256 && algorithm === ALGORITHMS[log.key.asymmetricKeyType ?? ""] &&
    verifiesWith(log, signed, signature);
}

/** The SignedCertificateTimestampList inside the extension's OCTET STRING. */
function readOctets(value: Uint8Array): Uint8Array {
  const reader = new DerReader(value);
  const { content } = reader.read(TAG.octetString, "the list");
  reader.end("the list");
  return content;
}

function parseList(bytes: Uint8Array): readonly Sct[] {
  const outer = new TlsReader(bytes);
  const list = new TlsReader(outer.vector());
  outer.end();
  const scts: Sct[] = [];
  while (!list.done) {
    if (scts.length === MAX_SCTS) throw new SctError(`there are more than ${MAX_SCTS}`);
    scts.push(parseSct(new TlsReader(list.vector())));
  }
  if (scts.length === 0) throw new SctError("there is none");
  return scts;
}

function parseSct(reader: TlsReader): Sct {
  const version = reader.number(1);
  if (version !== 0) throw new SctError(`one is of version ${version + 1}`);
  const logId = hex(reader.bytes(32));
  const timestamp = reader.bytes(8);
  const milliseconds = Number(Buffer.from(timestamp).readBigUInt64BE());
  // What a Date can hold.
  if (milliseconds > 8.64e15) throw new SctError("a time is out of range");
  const extensions = reader.vector();
  const [hash, algorithm] = [reader.number(1), reader.number(1)];
  const signature = reader.vector();
  reader.end();
  return { logId, time: new Date(milliseconds), timestamp, extensions, hash, algorithm, signature };
}

/** RFC 6962 3.2: version 1, certificate_timestamp, precert_entry. */
function signedBytes(sct: Sct, issuerKeyHash: Uint8Array, tbs: Uint8Array): Uint8Array {
  const { timestamp, extensions } = sct;
  return Buffer.concat([
    ...[Buffer.of(0, 0), timestamp, Buffer.of(0, 1), issuerKeyHash],
    ...[bigEndian(tbs.length, 3), tbs, bigEndian(extensions.length, 2), extensions],
  ]);
}

/** The signed part as the log saw it: all but the extension that its answer was put into. */
function withoutScts(tbs: Uint8Array): Uint8Array {
  const reader = readOnly(tbs, TAG.sequence, "the certificate");
  const parts: Uint8Array[] = [];
  while (!reader.done) {
    const { tag, content, whole } = reader.next("the certificate");
    if (tag !== context(3, "constructed")) parts.push(whole);
    else {
      const kept = otherExtensions(content);
      if (kept.length > 0) parts.push(encode(tag, encodeSequence(...kept)));
    }
  }
  return encodeSequence(...parts);
}

function otherExtensions(content: Uint8Array): readonly Uint8Array[] {
  const list = readOnly(content, TAG.sequence, "the extensions");
  const kept: Uint8Array[] = [];
  while (!list.done) {
    const { content, whole } = list.read(TAG.sequence, "an extension");
    if (oid(new DerReader(content).read(TAG.oid, "an extension").content) !== SCT_LIST) {
      kept.push(whole);
    }
  }
  return kept;
}

/** Reads what TLS structures are made of (RFC 5246 4). */
class TlsReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  bytes(length: number): Uint8Array {
    if (this.#offset + length > this.#bytes.length) throw new SctError("one is cut off");
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  number(length: 1 | 2): number {
    return Buffer.from(this.bytes(length)).readUIntBE(0, length);
  }

  /** Bytes with a length of two bytes before them. */
  vector(): Uint8Array {
    return this.bytes(this.number(2));
  }

  end(): void {
    if (!this.done) throw new SctError("one has trailing data");
  }
}

function bigEndian(value: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

function failed(code: IssueCode, message: string): SctResult {
  return { ok: false, issue: { code, message } };
}
