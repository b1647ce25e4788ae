/** Public keys of certificates. */

import type { KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import { hex } from "../../core/encoding.ts";
import { keyAlgorithm, publicKeyFromDer } from "../../core/keys.ts";
import type { SubjectPublicKeyInfo } from "./certificate.ts";

/** A certificate's key, ready to verify with, or why it is refused, as a noun phrase. */
export type CertificateKey =
  | {
    readonly key: KeyObject;
    /** Such as `EC P-256`. */
    readonly name: string;
    /** Set for RSA keys whose certificate restricts them to RSASSA-PSS; the parameters, if it names any. */
    readonly pss?: { readonly parameters?: Uint8Array };
  }
  | { readonly refused: string };

/** Object identifier of RSASSA-PSS, as a key's and as a signature's algorithm (RFC 4055). */
export const RSASSA_PSS = "1.2.840.113549.1.1.10";

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const ED25519 = "1.3.101.112";

/** Refused by name here, because the runtimes differ in what they can load. */
const OTHER_ALGORITHMS: Readonly<Record<string, string>> = {
  "1.2.840.10040.4.1": "a DSA key",
  "1.3.101.110": "an X25519 key",
  "1.3.101.111": "an X448 key",
  "1.3.101.113": "an Ed448 key",
};

/** Curves by the encoding of their identifier, hex; an entry that is not P-… is refused. */
const CURVES: Readonly<Record<string, string>> = {
  "06082a8648ce3d030107": "P-256",
  "06052b81040022": "P-384",
  "06052b81040023": "P-521",
  "06052b8104000a": "secp256k1",
  "06052b81040021": "secp224r1",
};

const cache = new WeakMap<SubjectPublicKeyInfo, CertificateKey>();

/** The key of a certificate. RSA keys that are restricted to RSASSA-PSS are fine here: a CA may have one. */
export function certificateKey(info: SubjectPublicKeyInfo): CertificateKey {
  let found = cache.get(info);
  if (found === undefined) cache.set(info, found = load(info));
  return found;
}

/** Such as `EC P-256`, `RSA-PSS 3072` or `an Ed448 key`, for reports. */
export function certificateKeyName(info: SubjectPublicKeyInfo): string {
  const found = certificateKey(info);
  return "refused" in found ? found.refused : found.name;
}

function load(info: SubjectPublicKeyInfo): CertificateKey {
  const { id, parameters } = info.algorithm;
  if (id === EC_PUBLIC_KEY) {
    const encoded = hex(parameters ?? new Uint8Array());
    const curve = CURVES[encoded];
    if (!curve?.startsWith("P-")) {
      return {
        refused: encoded.startsWith("06")
          ? `an EC key on the curve ${curve ?? "with the identifier " + encoded}`
          : "an EC key without a named curve",
      };
    }
    return imported(info.der);
  }
  if (id === RSASSA_PSS) {
    // BoringSSL, and so Bun, does not load such keys: hand it the same key without the restriction.
    const found = imported(asRsaEncryption(info.key));
    return "refused" in found ? found : {
      ...found,
      name: found.name.replace("RSA", "RSA-PSS"),
      pss: parameters === undefined ? {} : { parameters },
    };
  }
  if (id === RSA_ENCRYPTION || id === ED25519) return imported(info.der);
  return { refused: OTHER_ALGORITHMS[id] ?? `a key of the algorithm ${id}` };
}

function imported(der: Uint8Array): CertificateKey {
  let key: KeyObject;
  try {
    key = publicKeyFromDer(der);
  } catch {
    return { refused: "a malformed public key" };
  }
  const found = keyAlgorithm(key);
  return "refused" in found ? found : { key, name: found.algorithm.name };
}

/** SubjectPublicKeyInfo with the algorithm rsaEncryption around the same RSAPublicKey (RFC 8017 A.1). */
function asRsaEncryption(rsaPublicKey: Uint8Array): Uint8Array {
  const algorithm = Buffer.from("300d06092a864886f70d0101010500", "hex");
  const bits = element(0x03, Buffer.concat([Buffer.of(0), rsaPublicKey]));
  return element(0x30, Buffer.concat([algorithm, bits]));
}

function element(tag: number, content: Uint8Array): Uint8Array {
  const size = content.length;
  const length = size < 0x80
    ? [size]
    : size < 0x100
    ? [0x81, size]
    : size < 0x10000
    ? [0x82, size >> 8, size & 0xff]
    : [0x83, size >> 16, (size >> 8) & 0xff, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}
