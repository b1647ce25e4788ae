/** What an authority signs: which digest it saw, and when (TSTInfo, RFC 3161 2.4.2). */

import { Buffer } from "node:buffer";
import { hex } from "../../core/encoding.ts";
import {
  boolean,
  context,
  DerError,
  DerReader,
  type Element,
  integer,
  oid,
  readOnly,
  smallInteger,
  TAG,
  time,
} from "../_der/mod.ts";
import {
  type AlgorithmIdentifier,
  type GeneralName,
  parseAlgorithm,
  parseGeneralName,
  parseRawExtensions,
} from "../_x509/mod.ts";

/** The content of a token. */
export type TstInfo = {
  /** Dotted identifier of the policy that the token was made under. */
  readonly policy: string;
  readonly imprint: { readonly algorithm: AlgorithmIdentifier; readonly digest: Uint8Array };
  /** Lowercase hex of the encoding. */
  readonly serial: string;
  /** Cut to whole milliseconds. */
  readonly time: Date;
  /** The whole INTEGER, DER. */
  readonly nonce?: Uint8Array;
  /** What the authority calls itself. */
  readonly authority?: GeneralName;
};

/** Reads a TSTInfo. Throws DerError. */
export function readTstInfo(der: Uint8Array): TstInfo {
  const what = "the content";
  const reader = readOnly(der, TAG.sequence, what);
  const version = smallInteger(reader.read(TAG.integer, "the version").content, "the version");
  if (version !== 1) throw new DerError(`it is of version ${version}, expected 1`);
  const policy = oid(reader.read(TAG.oid, "the policy").content);
  const imprint = readImprint(reader);
  const serial = integer(
    reader.read(TAG.integer, "the serial number").content,
    "the serial number",
  );
  const generated = genTime(reader.read(TAG.generalizedTime, "the time"));
  const accuracy = reader.optional(TAG.sequence, "the accuracy");
  if (accuracy) checkAccuracy(new DerReader(accuracy.content));
  const ordering = reader.optional(TAG.boolean, "the ordering");
  if (ordering) boolean(ordering.content);
  const nonce = reader.optional(TAG.integer, "the nonce");
  if (nonce) integer(nonce.content, "the nonce");
  const authority = reader.optional(context(0, "constructed"), "the authority's name");
  const extensions = reader.optional(context(1, "constructed"), "the extensions");
  reader.end(what);
  if (extensions) checkExtensions(new DerReader(extensions.content));
  return {
    policy,
    imprint,
    serial: hex(serial),
    time: generated,
    ...(nonce ? { nonce: nonce.whole } : {}),
    ...(authority ? { authority: readName(authority) } : {}),
  };
}

function readImprint(reader: DerReader): TstInfo["imprint"] {
  const what = "the imprint";
  const imprint = reader.enter(TAG.sequence, what);
  const algorithm = parseAlgorithm(imprint, "the imprint's algorithm");
  const digest = imprint.read(TAG.octetString, what).content;
  imprint.end(what);
  return { algorithm, digest };
}

/**
 * RFC 3161 2.4.2 allows any fraction of a second, which certificates do not have. Zeros at its end are
 * forbidden, but there are authorities that write them.
 */
function genTime({ tag, content, whole }: Element): Date {
  const text = Buffer.from(content).toString("latin1");
  const fraction = /^[0-9]{14}\.([0-9]+)Z$/.exec(text)?.[1];
  if (fraction === undefined) return time({ tag, content, whole }, "the time");
  const seconds = time({ tag, content: Buffer.from(`${text.slice(0, 14)}Z`), whole }, "the time");
  return new Date(seconds.getTime() + Number(fraction.slice(0, 3).padEnd(3, "0")));
}

/** How exact the time is. Nothing is decided by it. */
function checkAccuracy(reader: DerReader): void {
  const what = "the accuracy";
  const seconds = reader.optional(TAG.integer, what);
  const millis = reader.optional(context(0, "primitive"), what);
  const micros = reader.optional(context(1, "primitive"), what);
  reader.end(what);
  for (const part of [seconds, millis, micros]) if (part) smallInteger(part.content, what);
}

function readName({ content }: Element): GeneralName {
  const reader = new DerReader(content);
  const name = parseGeneralName(reader.next("the authority's name"));
  reader.end("the authority's name");
  return name;
}

/** No extension is known here, so none may be critical. */
function checkExtensions(list: DerReader): void {
  const critical = parseRawExtensions(list).find((extension) => extension.critical);
  if (critical) {
    throw new DerError(`it has the critical extension ${critical.id}, which is unknown`);
  }
}
