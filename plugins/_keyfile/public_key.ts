/** Public keys in files. */

import { Buffer } from "node:buffer";
import { createPublicKey, type KeyObject } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm } from "../../core/keys.ts";
import { quote } from "../../core/text.ts";
import { context, elements, refusedAlgorithm, sequence, TAG } from "../_der/mod.ts";
import { pemBlocks } from "../_input/mod.ts";
import { isConvertible } from "./openssh.ts";
import { refuseUtf16 } from "./utf16.ts";

const SSH_TO_PEM = "ssh-keygen -e -m PKCS8 -f KEY.pub > key.pem";

const LABELS: ReadonlySet<string> = new Set(["PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"]);

/**
 * Reads a public key: PEM or DER, as SubjectPublicKeyInfo, PKCS#1, or out of a certificate (whose validity
 * is of no interest here).
 *
 * @param name names the key in messages: its path
 * @throws {ModelSigningError} `KEY_MALFORMED`, `KEY_UNSUPPORTED`
 */
export function readPublicKey(bytes: Uint8Array, name: string): KeyObject {
  const found = findKey(bytes, name);
  const der = certificateKey(found) ?? found;
  const refused = refusedAlgorithm(sequence(der)?.[0]);
  if (refused !== undefined) throw unsupported(name, refused);
  const type = structure(der);
  if (type === undefined) {
    throw new ModelSigningError(
      "KEY_MALFORMED",
      `${quote(name)} is not a public key or certificate in PEM or DER form`,
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(der), format: "der", type });
  } catch (error) {
    throw new ModelSigningError("KEY_MALFORMED", `cannot read public key ${quote(name)}`, {
      hint: `supported are ${ACCEPTED_KEYS}, with named curves`,
      cause: error,
    });
  }
  const algorithm = keyAlgorithm(key);
  if ("refused" in algorithm) throw unsupported(name, algorithm.refused);
  return key;
}

function findKey(bytes: Uint8Array, name: string): Uint8Array {
  const blocks = pemBlocks(bytes);
  if (blocks.length === 0) {
    refuseUtf16(bytes, name);
    const ssh = sshType(bytes);
    if (ssh === undefined) return bytes;
    throw new ModelSigningError(
      "KEY_MALFORMED",
      `${quote(name)} is a public key of the type ${ssh} in the form of SSH, expected PEM or DER`,
      isConvertible(ssh) ? { hint: `convert it with: ${SSH_TO_PEM}` } : {},
    );
  }
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

/** The type that a line of `id_TYPE.pub` begins with (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4). */
function sshType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 32)).toString("latin1");
  return /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp[0-9]{3}) /.exec(head)?.[1];
}

/** SubjectPublicKeyInfo is a SEQUENCE and a BIT STRING, PKCS#1 two INTEGERs. Bun takes private keys, too. */
function structure(der: Uint8Array): "spki" | "pkcs1" | undefined {
  const [first, second, ...rest] = sequence(der) ?? [];
  if (rest.length > 0) return undefined;
  if (first?.tag === TAG.sequence && second?.tag === TAG.bitString) return "spki";
  return first?.tag === TAG.integer && second?.tag === TAG.integer ? "pkcs1" : undefined;
}

/** The SubjectPublicKeyInfo of a certificate (RFC 5280 4.1); undefined when `der` is something else. */
function certificateKey(der: Uint8Array): Uint8Array | undefined {
  const [certificate, algorithm, signature] = sequence(der) ?? [];
  if (algorithm?.tag !== TAG.sequence || signature?.tag !== TAG.bitString) return undefined;
  const fields = elements(certificate?.content ?? new Uint8Array()) ?? [];
  // After the version, which may be absent: serial number, algorithm, issuer, validity, subject.
  return fields[fields[0]?.tag === context(0, "constructed") ? 6 : 5]?.whole;
}

function unsupported(name: string, what: string): ModelSigningError {
  return new ModelSigningError(
    "KEY_UNSUPPORTED",
    `public key ${quote(name)} is ${what}, expected ${ACCEPTED_KEYS}`,
  );
}
