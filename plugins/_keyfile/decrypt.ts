/**
 * Decrypting private keys.
 *
 * The runtimes do not agree on which encryptions they read (Deno has no 3DES for keys, Bun neither scrypt
 * nor HMAC-SHA-512), so PKCS#8 keys under PBES2 and traditional PEM keys are decrypted here, from the
 * primitives that they share.
 */

import { Buffer } from "node:buffer";
import { createDecipheriv, createHash, pbkdf2Sync, scryptSync } from "node:crypto";
import { type Element, elements, integerValue, oidText, sequence, TAG } from "../_der/mod.ts";

/** What came of an attempt. `wrong-password` includes keys that are damaged: the two look the same. */
export type Decrypted =
  | { readonly kind: "key"; readonly der: Uint8Array }
  | { readonly kind: "wrong-password" }
  | { readonly kind: "unsupported"; readonly what: string };

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";

/** RFC 8018 B.1.2 and B.1.1. */
const PRFS: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.8": "sha224",
  "1.2.840.113549.2.9": "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

/** RFC 8018 B.2 and NIST's AES identifiers. */
const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyLength: number }>> = {
  "1.2.840.113549.3.7": { name: "des-ede3-cbc", keyLength: 24 },
  "2.16.840.1.101.3.4.1.2": { name: "aes-128-cbc", keyLength: 16 },
  "2.16.840.1.101.3.4.1.22": { name: "aes-192-cbc", keyLength: 24 },
  "2.16.840.1.101.3.4.1.42": { name: "aes-256-cbc", keyLength: 32 },
};

/** Bounds on what a key file may make us compute: OpenSSL itself asks for 2048 iterations, others up to 10^6. */
const MAX_ITERATIONS = 20_000_000;
/** Bytes written, which also bounds the memory. OpenSSL itself asks for 16 MiB. */
const MAX_SCRYPT_WORK = 1024 * 1024 * 1024;

/** Whether DER is an EncryptedPrivateKeyInfo (RFC 5958 3). */
export function isEncryptedPkcs8(der: Uint8Array): boolean {
  const parts = sequence(der);
  return parts?.length === 2 && parts[0]!.tag === TAG.sequence && parts[1]!.tag === TAG.octetString;
}

/** Decrypts an EncryptedPrivateKeyInfo to PKCS#8. */
export function decryptPkcs8(der: Uint8Array, password: string): Decrypted {
  const [algorithm, data] = sequence(der) ?? [];
  const [scheme, parameters] = inside(algorithm);
  if (oidText(scheme) !== PBES2 || !parameters || !data) {
    return { kind: "unsupported", what: "an encryption other than PBES2" };
  }
  const [derivation, encryption] = inside(parameters);
  const [cipherId, iv] = inside(encryption);
  const cipherName = oidText(cipherId) ?? "";
  const cipher = CIPHERS[cipherName];
  if (!cipher || !iv) return { kind: "unsupported", what: `the cipher ${cipherName}` };
  const key = deriveKey(derivation, Buffer.from(password, "utf8"), cipher.keyLength);
  if (!(key instanceof Uint8Array)) return key;
  return decipher(cipher.name, key, iv.content, data.content);
}

/** Decrypts the body of a traditional PEM block whose `DEK-Info` header names the cipher (RFC 1421 4.6.1.3). */
export function decryptTraditional(
  der: Uint8Array,
  dekInfo: string,
  password: string,
): Decrypted {
  const [name = "", salt = ""] = dekInfo.split(",");
  const cipher = Object.values(CIPHERS).find((known) => known.name === name.toLowerCase());
  if (!cipher || !/^[0-9A-Fa-f]{16,32}$/.test(salt)) {
    return { kind: "unsupported", what: `the cipher ${name}` };
  }
  const iv = Buffer.from(salt, "hex");
  // EVP_BytesToKey with MD5 and one iteration, salted with the first 8 bytes of the IV (OpenSSL).
  const secret = Buffer.concat([Buffer.from(password, "utf8"), iv.subarray(0, 8)]);
  let key: Uint8Array = new Uint8Array();
  let block: Uint8Array = new Uint8Array();
  while (key.length < cipher.keyLength) {
    block = createHash("md5").update(block).update(secret).digest();
    key = Buffer.concat([key, block]);
  }
  return decipher(cipher.name, key.subarray(0, cipher.keyLength), iv, der);
}

function deriveKey(
  derivation: Element | undefined,
  password: Uint8Array,
  keyLength: number,
): Uint8Array | Extract<Decrypted, { kind: "unsupported" }> {
  const [id, parameters] = inside(derivation);
  const [salt, ...rest] = inside(parameters);
  const name = oidText(id) ?? "";
  const unsupported = { kind: "unsupported", what: `the key derivation ${name}` } as const;
  if (salt?.tag !== TAG.octetString) return unsupported;
  const numbers = rest.filter(({ tag }) => tag === TAG.integer)
    .map((element) => integerValue(element) ?? Number.POSITIVE_INFINITY);
  if (name === PBKDF2) {
    const [iterations = 0] = numbers;
    const prf = rest.find(({ tag }) => tag === TAG.sequence);
    // RFC 8018 A.2: HMAC with SHA-1 when none is named.
    const digest = prf ? PRFS[oidText(inside(prf)[0]) ?? ""] : "sha1";
    if (!digest || iterations < 1 || iterations > MAX_ITERATIONS) return unsupported;
    return pbkdf2Sync(password, salt.content, iterations, keyLength, digest);
  }
  if (name === SCRYPT) {
    const [cost = 0, blockSize = 0, parallelization = 0] = numbers;
    const work = 128 * cost * blockSize * parallelization;
    if (!(work > 0 && work <= MAX_SCRYPT_WORK)) return unsupported;
    try {
      const maxmem = 2 * MAX_SCRYPT_WORK;
      return scryptSync(password, salt.content, keyLength, {
        cost,
        blockSize,
        parallelization,
        maxmem,
      });
    } catch {
      // RFC 7914 6: the cost is a power of 2 and bounded by the block size.
      return unsupported;
    }
  }
  return unsupported;
}

function inside(element: Element | undefined): readonly Element[] {
  return (element && elements(element.content)) ?? [];
}

function decipher(name: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Decrypted {
  try {
    const der = name === "aes-192-cbc"
      ? aes192Cbc(key, iv, data)
      : runtimeCipher(name, key, iv, data);
    // About one wrong password in 256 leaves valid padding, but not DER.
    return sequence(der) ? { kind: "key", der } : { kind: "wrong-password" };
  } catch {
    return { kind: "wrong-password" };
  }
}

function runtimeCipher(
  name: string,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
): Uint8Array {
  const cipher = createDecipheriv(name, key, iv);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** CBC put together from single blocks (NIST SP 800-38A 6.2): Deno has AES-192 only like this. */
function aes192Cbc(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createDecipheriv("aes-192-ecb", key, null);
  cipher.setAutoPadding(false);
  const plain = Buffer.concat([cipher.update(data), cipher.final()]);
  const before = Buffer.concat([iv, data]);
  for (let at = 0; at < plain.length; at++) plain[at]! ^= before[at]!;
  // RFC 5652 6.3.
  const padding = plain.at(-1) ?? 0;
  if (padding < 1 || padding > 16 || plain.subarray(-padding).some((byte) => byte !== padding)) {
    throw new Error("malformed padding");
  }
  return plain.subarray(0, -padding);
}
