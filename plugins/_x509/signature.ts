/** Signatures on certificates and revocation lists. */

import { constants, type KeyObject } from "node:crypto";
import { signatureHolds } from "../../core/keys.ts";
import { verifyP521Sha256 } from "../_envelope/mod.ts";
import type { AlgorithmIdentifier, SignedData } from "./certificate.ts";
import { parseAlgorithm } from "./certificate.ts";
import { context, DerError, DerReader, oid, readOnly, smallInteger, TAG } from "../_der/mod.ts";
import { type CertificateKey, RSASSA_PSS } from "./public_key.ts";

/** How something was signed. */
export type SignatureScheme = {
  /** Such as `ECDSA with SHA-256`. */
  readonly name: string;
  readonly keyType: "ec" | "rsa" | "ed25519";
  /** Null where the algorithm hashes by itself. */
  readonly digest: "md5" | "sha1" | "sha256" | "sha384" | "sha512" | null;
  /** Salt length in bytes, for RSASSA-PSS. */
  readonly saltLength?: number;
  /** The digest by name, when it is one that can be forged. */
  readonly weak?: string;
};

type Digest = NonNullable<SignatureScheme["digest"]>;

const DIGEST_NAMES: Readonly<Record<Digest, string>> = {
  md5: "MD5",
  sha1: "SHA-1",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};

const DIGESTS: Readonly<Record<string, Digest>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

const MGF1 = "1.2.840.113549.1.1.8";

const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
  "1.2.840.10045.4.1": scheme("ec", "sha1"),
  "1.2.840.10045.4.3.2": scheme("ec", "sha256"),
  "1.2.840.10045.4.3.3": scheme("ec", "sha384"),
  "1.2.840.10045.4.3.4": scheme("ec", "sha512"),
  "1.2.840.113549.1.1.4": scheme("rsa", "md5"),
  "1.2.840.113549.1.1.5": scheme("rsa", "sha1"),
  "1.2.840.113549.1.1.11": scheme("rsa", "sha256"),
  "1.2.840.113549.1.1.12": scheme("rsa", "sha384"),
  "1.2.840.113549.1.1.13": scheme("rsa", "sha512"),
  "1.3.101.112": { name: "Ed25519", keyType: "ed25519", digest: null },
};

/** The scheme that an algorithm identifier names; undefined when it is not known. */
export function signatureScheme(algorithm: AlgorithmIdentifier): SignatureScheme | undefined {
  if (algorithm.id !== RSASSA_PSS) return SCHEMES[algorithm.id];
  try {
    const { digest, saltLength } = pssParameters(algorithm.parameters);
    return { ...scheme("rsa", digest), name: `RSA-PSS with ${DIGEST_NAMES[digest]}`, saltLength };
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Whether the signature was made with this key, as {@link signatureScheme} says. Weak digests verify too. */
export async function verifySigned(signed: SignedData, issuer: CertificateKey): Promise<boolean> {
  const found = signatureScheme(signed.algorithm);
  if (found === undefined || "refused" in issuer) return false;
  if (issuer.key.asymmetricKeyType !== found.keyType) return false;
  if (issuer.pss && !allowsPss(issuer.pss.parameters, found)) return false;
  if (
    found.digest === "sha256" &&
    issuer.key.asymmetricKeyDetails?.namedCurve === "secp521r1"
  ) return await verifyP521Sha256(issuer.key, signed.tbs, signed.signature);
  return verifyNatively(signed, found, issuer.key);
}

function verifyNatively(signed: SignedData, found: SignatureScheme, key: KeyObject): boolean {
  const { saltLength } = found;
  const options = saltLength === undefined
    ? key
    : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return signatureHolds(found.digest, signed.tbs, options, signed.signature);
}

function scheme(keyType: "ec" | "rsa", digest: Digest): SignatureScheme {
  const weak = digest === "md5" || digest === "sha1";
  return {
    name: `${keyType === "ec" ? "ECDSA" : "RSA"} with ${DIGEST_NAMES[digest]}`,
    keyType,
    digest,
    ...(weak ? { weak: DIGEST_NAMES[digest] } : {}),
  };
}

/** RFC 4055 1.2: a restricted key signs with its own digest and with at least its salt length. */
function allowsPss(restriction: Uint8Array | undefined, used: SignatureScheme): boolean {
  if (used.saltLength === undefined) return false;
  if (restriction === undefined) return true;
  try {
    const { digest, saltLength } = pssParameters(restriction);
    return digest === used.digest && used.saltLength >= saltLength;
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** RFC 4055 3.1. The mask must use the same digest, as RFC 8017 8.1 recommends and `node:crypto` presumes. */
function pssParameters(
  der: Uint8Array | undefined,
): { readonly digest: Digest; readonly saltLength: number } {
  const what = "the RSASSA-PSS parameters";
  if (der === undefined) throw new DerError(`${what} are missing`);
  const reader = readOnly(der, TAG.sequence, what);
  const [hash, mask, salt, trailer] = [0, 1, 2, 3].map((number) => {
    const member = reader.optional(context(number, "constructed"), what);
    return member && new DerReader(member.content);
  });
  reader.end(what);
  const digest = hash ? DIGESTS[parseAlgorithm(hash, what).id] : "sha1";
  const mgf = mask && parseAlgorithm(mask, what);
  const maskDigest = mgf
    ? DIGESTS[
      oid(
        readOnly(mgf.parameters ?? new Uint8Array(), TAG.sequence, what)
          .read(TAG.oid, what).content,
      )
    ]
    : "sha1";
  if (digest === undefined || digest !== maskDigest || (mgf && mgf.id !== MGF1)) {
    throw new DerError(`${what} name digests that are not supported`);
  }
  if (trailer && smallInteger(trailer.read(TAG.integer, what).content, what) !== 1) {
    throw new DerError(`${what} name an unknown trailer`);
  }
  const saltLength = salt ? smallInteger(salt.read(TAG.integer, what).content, what) : 20;
  return { digest, saltLength };
}
