/** What a log entry says was signed, and whether that is this signature. */

import { Buffer } from "node:buffer";
import type { Issue } from "../../core/errors.ts";
import { type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { excerpt } from "../../core/text.ts";
import { pemBlocks } from "../_input/mod.ts";
import type { DigestName, SignedContent } from "./content.ts";
import type { LogEntry } from "./entry.ts";
import { bytesOf, MemberError, objectOf, objectsOf, textOf } from "./members.ts";

/** Values in the body of an entry: real ones have about 20. */
export const MAX_BODY_VALUES = 1000;

/** What an entry claims. */
type Claim = {
  readonly signature: Uint8Array;
  /** DER of the certificate or of the public key. */
  readonly signer: Uint8Array;
  /** Digest of the envelope's payload, or of the bytes that were signed. */
  readonly digest: {
    readonly of: "payload" | "signed";
    readonly name: DigestName;
    readonly value: Uint8Array;
  };
};

/** Kinds of entries that bind a signature, by kind and version. */
const KINDS: Readonly<Record<string, (spec: JsonObject) => Claim>> = {
  "dsse 0.0.1": dsse1,
  "dsse 0.0.2": dsse2,
  "intoto 0.0.2": intoto2,
  "hashedrekord 0.0.1": hashedrekord1,
  "hashedrekord 0.0.2": hashedrekord2,
};

/**
 * The finding unless the entry is about this signature, by this signer, over this content.
 *
 * An entry of kind `dsse` or `intoto` also holds a digest of the envelope as it was uploaded. That cannot be
 * made again from a bundle; the digests of payload and signature bind the same things.
 *
 * Findings: `TLOG_ENTRY_MALFORMED`, `TLOG_ENTRY_MISMATCH`.
 *
 * @param signer DER of the certificate, or of the public key, that the signature verifies with
 */
export function bodyIssue(
  entry: LogEntry,
  content: SignedContent,
  signer: Uint8Array,
): Issue | undefined {
  let claim: Claim;
  try {
    claim = claimOf(entry);
  } catch (error) {
    if (!(error instanceof MemberError || error instanceof JsonError)) throw error;
    const message = `the body of a log entry cannot be used: ${error.message}`;
    return { code: "TLOG_ENTRY_MALFORMED", message };
  }
  const differing = difference(claim, content, signer);
  return differing === undefined ? undefined : {
    code: "TLOG_ENTRY_MISMATCH",
    message: `the log entry is about another ${differing} than this one`,
  };
}

function claimOf({ body, kind, version }: LogEntry): Claim {
  const read = KINDS[`${kind} ${version}`];
  if (!read) {
    throw new MemberError(`entries of kind ${excerpt(`${kind} ${version}`)} are not known`);
  }
  const root = objectOf(parseJson(body, MAX_BODY_VALUES), "the body");
  if (root["kind"] !== kind || root["apiVersion"] !== version) {
    throw new MemberError("it is of another kind than the bundle says");
  }
  return read(objectOf(root["spec"], "spec"));
}

function difference(
  claim: Claim,
  content: SignedContent,
  signer: Uint8Array,
): string | undefined {
  const { of, name, value } = claim.digest;
  const expected = of === "signed" ? content.digest(name) : content.payloadDigest(name);
  if (expected === undefined) return "kind of content";
  if (!equal(expected, value)) return "content";
  if (!equal(claim.signature, content.signature)) return "signature";
  return equal(claim.signer, signer) ? undefined : "signer";
}

function dsse1(spec: JsonObject): Claim {
  const { signature, verifier } = only(spec["signatures"], "signatures");
  return {
    signature: bytesOf(signature, "signature"),
    signer: pemOf(verifier, "verifier"),
    digest: { of: "payload", ...hexDigest(spec["payloadHash"], "payloadHash") },
  };
}

function dsse2(spec: JsonObject): Claim {
  const entry = objectOf(spec["dsseV002"], "dsseV002");
  const { content, verifier } = only(entry["signatures"], "signatures");
  return {
    signature: bytesOf(content, "signature"),
    signer: verifierOf(verifier),
    digest: { of: "payload", ...protoDigest(entry["payloadHash"], "payloadHash") },
  };
}

function intoto2(spec: JsonObject): Claim {
  const content = objectOf(spec["content"], "content");
  const envelope = objectOf(content["envelope"], "envelope");
  const { sig, publicKey } = only(envelope["signatures"], "signatures");
  // This kind holds the text that stands in the envelope, which is base64 already.
  const inner = Buffer.from(bytesOf(sig, "sig")).toString("latin1");
  return {
    signature: bytesOf(inner, "sig"),
    signer: pemOf(publicKey, "publicKey"),
    digest: { of: "payload", ...hexDigest(content["payloadHash"], "payloadHash") },
  };
}

function hashedrekord1(spec: JsonObject): Claim {
  const signature = objectOf(spec["signature"], "signature");
  const publicKey = objectOf(signature["publicKey"], "publicKey");
  return {
    signature: bytesOf(signature["content"], "signature"),
    signer: pemOf(publicKey["content"], "publicKey"),
    digest: { of: "signed", ...hexDigest(objectOf(spec["data"], "data")["hash"], "hash") },
  };
}

function hashedrekord2(spec: JsonObject): Claim {
  const entry = objectOf(spec["hashedRekordV002"], "hashedRekordV002");
  const signature = objectOf(entry["signature"], "signature");
  return {
    signature: bytesOf(signature["content"], "signature"),
    signer: verifierOf(signature["verifier"]),
    digest: { of: "signed", ...protoDigest(entry["data"], "data") },
  };
}

function only(value: Json | undefined, where: string): JsonObject {
  const [first, ...rest] = objectsOf(value, where);
  if (first === undefined || rest.length > 0) {
    throw new MemberError("it has not exactly one signature");
  }
  return first;
}

/** `{ algorithm: "sha256", value: hex }` */
function hexDigest(value: Json | undefined, where: string): Omit<Claim["digest"], "of"> {
  const digest = objectOf(value, where);
  const name = textOf(digest["algorithm"], `${where}.algorithm`);
  const text = textOf(digest["value"], `${where}.value`);
  if (name !== "sha256" && name !== "sha384" && name !== "sha512") {
    throw new MemberError(`${where} is of an unknown algorithm`);
  }
  if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw new MemberError(`${where} is not lowercase hex`);
  return { name, value: Buffer.from(text, "hex") };
}

const PROTO_DIGESTS: ReadonlyMap<string, DigestName> = new Map([
  ["SHA2_256", "sha256"],
  ["SHA2_384", "sha384"],
  ["SHA2_512", "sha512"],
]);

/** `{ algorithm: "SHA2_256", digest: base64 }` */
function protoDigest(value: Json | undefined, where: string): Omit<Claim["digest"], "of"> {
  const digest = objectOf(value, where);
  const name = PROTO_DIGESTS.get(textOf(digest["algorithm"], `${where}.algorithm`));
  if (name === undefined) throw new MemberError(`${where} is of an unknown algorithm`);
  return { name, value: bytesOf(digest["digest"], `${where}.digest`) };
}

/** A verifier of Rekor v2: a certificate or a public key. */
function verifierOf(value: Json | undefined): Uint8Array {
  const verifier = objectOf(value, "verifier");
  const holder = verifier["x509Certificate"] ?? verifier["publicKey"];
  return bytesOf(objectOf(holder, "verifier")["rawBytes"], "verifier.rawBytes");
}

/** DER of the one PEM block that a base64 text holds. */
function pemOf(value: Json | undefined, where: string): Uint8Array {
  const [block, ...rest] = pemBlocks(bytesOf(value, where));
  if (block === undefined || rest.length > 0) {
    throw new MemberError(`${where} is not one PEM block`);
  }
  return block.der;
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
