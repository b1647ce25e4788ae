/** Public keys out of the attributes of objects. */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { publicKeyFromDer } from "../../core/keys.ts";
import {
  DerError,
  elements,
  encode,
  encodeInteger,
  encodeOid,
  encodeSequence,
  oidText,
  refusedCurve,
  TAG,
} from "../_der/mod.ts";
import { ATTRIBUTE, KEY_TYPE } from "./constants.ts";
import { readInteger } from "./layout.ts";
import type { TokenObject, View } from "./objects.ts";

/** A public key, why it cannot be used, as a noun phrase, or undefined when the object does not tell. */
export type ReadKey = { readonly key: KeyObject } | { readonly refused: string } | undefined;

/** Bytes of a coordinate, by curve. */
const COORDINATE_BYTES: Readonly<Record<string, number>> = {
  "1.2.840.10045.3.1.7": 32,
  "1.3.132.0.34": 48,
  "1.3.132.0.35": 66,
};

const ED25519 = "1.3.101.112";
const ED25519_BYTES = 32;

const PRINTABLE_STRING = 0x13;

/** Reads a key of class public key, or of class private key where it tells its public half, as for RSA. */
export function readPublicKey(view: View, { handle }: TokenObject): ReadKey {
  const attribute = (type: bigint) => view.cryptoki.attribute(view.session, handle, type);
  const type = attribute(ATTRIBUTE.keyType);
  if (type === undefined || (type.length !== 4 && type.length !== 8)) {
    return { refused: "a key without a type" };
  }
  try {
    switch (readInteger(type)) {
      case KEY_TYPE.rsa:
        return rsaKey(attribute(ATTRIBUTE.modulus), attribute(ATTRIBUTE.publicExponent));
      case KEY_TYPE.ec:
        return ecKey(attribute(ATTRIBUTE.ecParams), attribute(ATTRIBUTE.ecPoint));
      case KEY_TYPE.ecEdwards:
        return edwardsKey(attribute(ATTRIBUTE.ecParams), attribute(ATTRIBUTE.ecPoint));
      default:
        return { refused: `a key of the PKCS#11 type 0x${readInteger(type).toString(16)}` };
    }
  } catch (error) {
    if (error instanceof DerError) return { refused: "a malformed public key" };
    throw error;
  }
}

function rsaKey(modulus: Uint8Array | undefined, exponent: Uint8Array | undefined): ReadKey {
  if (modulus === undefined || exponent === undefined) return undefined;
  const key = encodeSequence(encodeInteger(modulus), encodeInteger(exponent));
  return imported(
    encodeSequence(encodeOid("1.2.840.113549.1.1.1"), encode(TAG.null)),
    key,
  );
}

function ecKey(parameters: Uint8Array | undefined, point: Uint8Array | undefined): ReadKey {
  if (parameters === undefined || point === undefined) return undefined;
  const [curve] = elements(parameters) ?? [];
  const refused = refusedCurve(curve);
  if (refused !== undefined) return { refused };
  const bytes = COORDINATE_BYTES[oidText(curve) ?? ""]!;
  return imported(
    encodeSequence(encodeOid("1.2.840.10045.2.1"), parameters),
    unwrapped(point, 1 + 2 * bytes),
  );
}

/** PKCS#11 Mechanisms 3.0 2.3.5: the curve is an identifier, or the name of RFC 8032 as a PrintableString. */
function edwardsKey(parameters: Uint8Array | undefined, point: Uint8Array | undefined): ReadKey {
  if (parameters === undefined || point === undefined) return undefined;
  const [curve] = elements(parameters) ?? [];
  const name = oidText(curve) ??
    (curve?.tag === PRINTABLE_STRING ? Buffer.from(curve.content).toString("latin1") : "");
  if (name !== ED25519 && name !== "edwards25519") {
    return { refused: "a key on another Edwards curve" };
  }
  return imported(encodeSequence(encodeOid(ED25519)), unwrapped(point, ED25519_BYTES));
}

/**
 * The point itself. PKCS#11 Mechanisms 2.40 2.3.3 wraps it in an OCTET STRING; many modules did not, and 3.0 lets
 * Edwards keys do either. The lengths tell which.
 */
function unwrapped(point: Uint8Array, length: number): Uint8Array {
  if (point.length === length) return point;
  const [octets, ...rest] = elements(point) ?? [];
  if (octets?.tag !== TAG.octetString || octets.content.length !== length || rest.length > 0) {
    throw new DerError("the point is not of the curve");
  }
  return octets.content;
}

function imported(algorithm: Uint8Array, key: Uint8Array): ReadKey {
  const der = encodeSequence(algorithm, encode(TAG.bitString, Buffer.of(0), key));
  try {
    return { key: publicKeyFromDer(der) };
  } catch {
    return { refused: "a malformed public key" };
  }
}
