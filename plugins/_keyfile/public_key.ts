/** Public keys in files. */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm } from "../../core/keys.ts";
import { quote } from "../../core/text.ts";
import { sequence, TAG } from "./der.ts";
import { pemBlocks } from "./pem.ts";

const LABELS: ReadonlySet<string> = new Set(["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"]);

/**
 * Reads a public key: PEM or DER, as SubjectPublicKeyInfo, PKCS#1, or out of a certificate (whose validity
 * is of no interest here).
 *
 * @param name names the key in messages: its path
 * @throws {ModelSigningError} `KEY_MALFORMED`, `KEY_UNSUPPORTED`
 */
export function readPublicKey(bytes: Uint8Array, name: string): KeyObject {
  const der = findKey(bytes, name);
  let key: KeyObject;
  try {
    key = importKey(der);
  } catch (error) {
    throw new ModelSigningError("KEY_MALFORMED", `cannot read public key ${quote(name)}`, {
      hint: `supported are ${ACCEPTED_KEYS}, with named curves`,
      cause: error,
    });
  }
  const found = keyAlgorithm(key);
  if ("refused" in found) {
    throw new ModelSigningError(
      "KEY_UNSUPPORTED",
      `public key ${quote(name)} is ${found.refused}, expected ${ACCEPTED_KEYS}`,
    );
  }
  return key;
}

function findKey(bytes: Uint8Array, name: string): Uint8Array {
  const blocks = pemBlocks(bytes);
  if (blocks.length === 0) return bytes;
  const [key, second] = blocks.filter(({ label }) => LABELS.has(label));
  if (second) {
    throw new ModelSigningError("KEY_MALFORMED", `${quote(name)} holds more than one public key`);
  }
  if (key) return key.der;
  const isPrivate = blocks.some(({ label }) => label.endsWith("PRIVATE KEY"));
  throw new ModelSigningError(
    "KEY_MALFORMED",
    `${quote(name)} holds ${isPrivate ? "a private key, expected a public one" : "no public key"}`,
    isPrivate ? { hint: "extract it with: openssl pkey -in KEY -pubout -out PUBLIC_KEY" } : {},
  );
}

/** SubjectPublicKeyInfo starts with a SEQUENCE and a BIT STRING, PKCS#1 with two INTEGERs. */
function importKey(der: Uint8Array): KeyObject {
  const parts = sequence(der) ?? [];
  if (parts.length === 3) return new X509Certificate(Buffer.from(der)).publicKey;
  const type = parts[0]?.tag === TAG.integer ? "pkcs1" : "spki";
  return createPublicKey({ key: Buffer.from(der), format: "der", type });
}
