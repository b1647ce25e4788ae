/** Entries of Rekor v1: what a client proposes is checked, and becomes the body that is logged. */

import { Buffer } from "node:buffer";
import { isObject, type JsonObject } from "../../core/json.ts";
import { pae } from "../../core/dsse.ts";
import { digestFor, type Entry, keyOfPem, requireSigned } from "./entry.ts";
import { bytesAt, objectAt, objectIn, refused, textAt } from "./http.ts";
import { sha256 } from "./keys.ts";

/** Makes an entry of what a client proposes. Throws Refused. */
export function proposedEntry(proposed: JsonObject): Entry {
  const kind = `${textAt(proposed, "kind")} ${textAt(proposed, "apiVersion")}`;
  switch (kind) {
    case "hashedrekord 0.0.1":
      return hashedRekord(objectAt(proposed, "spec"));
    case "dsse 0.0.1":
      return dsse(objectAt(proposed, "spec", "proposedContent"));
    case "intoto 0.0.2":
      return intoto(objectAt(proposed, "spec", "content"));
    default:
      throw refused(400, "the kind of entry is not supported");
  }
}

function hashedRekord(spec: JsonObject): Entry {
  const value = textAt(spec, "data", "hash", "value");
  const algorithm = textAt(spec, "data", "hash", "algorithm");
  const content = bytesAt(spec, "signature", "content");
  const publicKey = bytesAt(spec, "signature", "publicKey", "content");
  const lengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
  if (!/^[0-9a-f]+$/.test(value) || value.length !== lengths[algorithm]) {
    throw refused(400, "the digest is malformed");
  }
  requireSigned(Buffer.from(value, "hex"), keyOfPem(publicKey.toString("latin1")), content);
  const signature = content.toString("base64");
  return {
    signature,
    body: {
      apiVersion: "0.0.1",
      kind: "hashedrekord",
      spec: {
        data: { hash: { algorithm, value } },
        signature: { content: signature, publicKey: { content: publicKey.toString("base64") } },
      },
    },
  };
}

function dsse(content: JsonObject): Entry {
  const text = textAt(content, "envelope");
  const envelope = objectIn(Buffer.from(text, "utf8"));
  const payload = bytesAt(envelope, "payload");
  const signed = pae(textAt(envelope, "payloadType"), payload);
  const { verifiers } = content;
  const [verifier, ...more] = Array.isArray(verifiers) ? verifiers : [];
  if (typeof verifier !== "string" || more.length > 0) {
    throw refused(400, "verifiers has not one entry");
  }
  const key = keyOfPem(Buffer.from(verifier, "base64").toString("latin1"));
  const bytes = bytesAt(onlySignature(envelope), "sig");
  requireSigned(digestFor(key, signed), key, bytes);
  const signature = bytes.toString("base64");
  return {
    signature,
    body: {
      apiVersion: "0.0.1",
      kind: "dsse",
      spec: {
        envelopeHash: hash(Buffer.from(text, "utf8")),
        payloadHash: hash(payload),
        signatures: [{ signature, verifier }],
      },
    },
  };
}

/** Payload and signature are encoded twice here, and the log keeps the envelope without its payload. */
function intoto(content: JsonObject): Entry {
  const envelope = objectAt(content, "envelope");
  const payloadType = textAt(envelope, "payloadType");
  const payload = Buffer.from(bytesAt(envelope, "payload").toString("latin1"), "base64");
  const signed = onlySignature(envelope);
  const publicKey = bytesAt(signed, "publicKey");
  const sig = bytesAt(signed, "sig");
  const key = keyOfPem(publicKey.toString("latin1"));
  const bytes = Buffer.from(sig.toString("latin1"), "base64");
  requireSigned(digestFor(key, pae(payloadType, payload)), key, bytes);
  const signature = sig.toString("base64");
  const logged = { publicKey: publicKey.toString("base64"), sig: signature };
  return {
    signature,
    body: {
      apiVersion: "0.0.2",
      kind: "intoto",
      spec: {
        content: {
          envelope: { payloadType, signatures: [logged] },
          hash: objectAt(content, "hash"),
          payloadHash: hash(payload),
        },
      },
    },
  };
}

function onlySignature(envelope: JsonObject): JsonObject {
  const { signatures } = envelope;
  const [only, ...more] = Array.isArray(signatures) ? signatures : [];
  if (isObject(only) && more.length === 0) return only;
  throw refused(400, "the envelope has not one signature");
}

function hash(bytes: Uint8Array): { readonly algorithm: string; readonly value: string } {
  return { algorithm: "sha256", value: sha256(bytes).toString("hex") };
}
