/** What is trusted: certificate authorities, logs and timestamp authorities (Sigstore's TrustedRoot message). */

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { hex } from "../../core/encoding.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { keyAlgorithm, publicKeyFromDer } from "../../core/keys.ts";
import { quote } from "../../core/text.ts";
import { type Certificate, parseCertificate } from "../_x509/mod.ts";
import {
  bytesOf,
  MemberError,
  objectOf,
  objectsOf,
  type Period,
  periodOf,
  textOf,
} from "./members.ts";

/**
 * A transparency log, or a certificate transparency log.
 *
 * @internal
 */
export type Log = {
  readonly baseUrl: string;
  /** Lowercase hex. */
  readonly id: string;
  readonly key: KeyObject;
  /** What ECDSA and RSA signatures of the log are made over; null for Ed25519, which hashes by itself. */
  readonly digest: "sha256" | "sha384" | "sha512" | null;
  readonly validFor: Period;
};

/**
 * A certificate or timestamp authority with its certificates.
 *
 * @internal
 */
export type Authority = {
  /** What people call it: its address, or its name. */
  readonly name: string;
  readonly uri: string;
  /** The last of its chain, which is trusted. */
  readonly anchor: Certificate;
  /** The others: below the anchor, for a timestamp authority down to its own. */
  readonly others: readonly Certificate[];
  readonly validFor: Period;
};

/** Everything that a TrustedRoot message holds. */
export type TrustedRoot = {
  readonly certificateAuthorities: readonly Authority[];
  readonly transparencyLogs: readonly Log[];
  readonly certificateLogs: readonly Log[];
  readonly timestampAuthorities: readonly Authority[];
  /**
   * Logs and authorities in the message that are not trusted, and why: a key without a validity start, an
   * algorithm that is not known.
   */
  readonly refused: readonly string[];
};

/** The message's media types end with its version: `;version=0.1`, or `.v0.2+json`. */
const MEDIA_TYPE =
  /^application\/vnd\.dev\.sigstore\.trustedroot(?:\+json;version=0\.[12]|\.v0\.[12]\+json)$/;

/** Values in one file of trust: the production root has about 200. */
const MAX_TRUST_VALUES = 100_000;

/** Entries of one kind: a signature is tried against each. The production root has two logs. */
const MAX_TRUSTED = 200;

/**
 * Parses a TrustedRoot message.
 *
 * @param name names it in messages: its path
 * @throws {ModelSigningError} `TRUST_MALFORMED`
 */
export function parseTrustedRoot(bytes: Uint8Array, name: string): TrustedRoot {
  return fromTrustFile(name, () => trustedRootOf(parseTrustJson(bytes)));
}

/** Parses JSON of a file of trust. Throws JsonError. */
export function parseTrustJson(bytes: Uint8Array): Json {
  return parseJson(bytes, MAX_TRUST_VALUES);
}

/** Runs a parser of a file of trust and says which file was wrong. */
export function fromTrustFile<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof JsonError) throw malformed(name, `it is not valid JSON: ${error.message}`);
    if (error instanceof MemberError) throw malformed(name, error.message);
    throw error;
  }
}

/** Reads a TrustedRoot message. Throws MemberError. */
export function trustedRootOf(json: Json): TrustedRoot {
  const root = objectOf(json, "the trusted root");
  const mediaType = textOf(root["mediaType"], "mediaType");
  if (!MEDIA_TYPE.test(mediaType)) {
    throw new MemberError(
      `its media type is ${quote(mediaType)}, expected a Sigstore trusted root`,
    );
  }
  const refused: string[] = [];
  /** Keeps what can be used: one new kind of key must not make the rest of a root unusable. */
  function kept<T>(member: string, read: (item: JsonObject, where: string) => T): readonly T[] {
    const items = objectsOf(root[member], member);
    if (items.length > MAX_TRUSTED) throw new MemberError(`${member} has ${items.length} entries`);
    return items.flatMap((item, index) => {
      try {
        return [read(item, `${member}[${index}]`)];
      } catch (error) {
        if (!(error instanceof MemberError)) throw error;
        refused.push(error.message);
        return [];
      }
    });
  }
  return {
    certificateAuthorities: kept("certificateAuthorities", authorityOf),
    transparencyLogs: kept("tlogs", logOf),
    certificateLogs: kept("ctlogs", logOf),
    timestampAuthorities: kept("timestampAuthorities", authorityOf),
    refused,
  };
}

function logOf(log: JsonObject, where: string): Log {
  const publicKey = objectOf(log["publicKey"], `${where}.publicKey`);
  const rawBytes = bytesOf(publicKey["rawBytes"], `${where}.publicKey.rawBytes`);
  const details = textOf(publicKey["keyDetails"], `${where}.publicKey.keyDetails`);
  // A log that has always been valid would also vouch for the time before it existed.
  const validFor = periodOf(publicKey["validFor"], `${where}.publicKey.validFor`);
  const { key, digest } = logKey(rawBytes, details, where);
  const given = log["logId"];
  return {
    baseUrl: textOf(log["baseUrl"], `${where}.baseUrl`),
    id: given === undefined
      ? createHash("sha256").update(rawBytes).digest("hex")
      : hex(bytesOf(objectOf(given, `${where}.logId`)["keyId"], `${where}.logId.keyId`)),
    key,
    digest,
    validFor,
  };
}

/** What `keyDetails` may say, and the key type and digest it stands for. */
const KEY_DETAILS: Readonly<
  Record<string, { readonly name: RegExp; readonly digest: Log["digest"]; readonly pkcs1?: true }>
> = {
  PKIX_ECDSA_P256_SHA_256: { name: /^EC P-256$/, digest: "sha256" },
  PKIX_ECDSA_P384_SHA_384: { name: /^EC P-384$/, digest: "sha384" },
  PKIX_ECDSA_P521_SHA_512: { name: /^EC P-521$/, digest: "sha512" },
  PKIX_ED25519: { name: /^Ed25519$/, digest: null },
  PKIX_RSA_PKCS1V15_2048_SHA256: { name: /^RSA 2048$/, digest: "sha256" },
  PKIX_RSA_PKCS1V15_3072_SHA256: { name: /^RSA 3072$/, digest: "sha256" },
  PKIX_RSA_PKCS1V15_4096_SHA256: { name: /^RSA 4096$/, digest: "sha256" },
  PKCS1_RSA_PKCS1V5: { name: /^RSA /, digest: "sha256", pkcs1: true },
};

function logKey(bytes: Uint8Array, details: string, where: string): Pick<Log, "key" | "digest"> {
  const known = Object.hasOwn(KEY_DETAILS, details) ? KEY_DETAILS[details] : undefined;
  if (!known) throw new MemberError(`${where} has a key of the unknown kind ${quote(details)}`);
  let key: KeyObject;
  try {
    key = known.pkcs1
      ? createPublicKey({ key: Buffer.from(bytes), format: "der", type: "pkcs1" })
      : publicKeyFromDer(bytes);
  } catch {
    throw new MemberError(`${where} has a key that cannot be read`);
  }
  const found = keyAlgorithm(key);
  if (!("algorithm" in found)) throw new MemberError(`${where} has ${found.refused}`);
  if (!known.name.test(found.algorithm.name)) {
    throw new MemberError(`${where} has the key ${found.algorithm.name} and calls it ${details}`);
  }
  return { key, digest: known.digest };
}

function authorityOf(authority: JsonObject, where: string): Authority {
  const chain = objectOf(authority["certChain"], `${where}.certChain`);
  const certificates = objectsOf(chain["certificates"], `${where}.certificates`).map(
    (item, index) => certificateOf(item, `${where}.certificates[${index}]`),
  );
  const anchor = certificates.at(-1);
  if (!anchor) throw new MemberError(`${where} has no certificate`);
  const uri = authority["uri"];
  const subject = authority["subject"];
  const commonName = subject === undefined
    ? undefined
    : objectOf(subject, `${where}.subject`)["commonName"];
  const names = [uri, commonName].filter((name) => typeof name === "string" && name !== "");
  return {
    name: names[0] as string | undefined ?? "an authority without a name",
    uri: typeof uri === "string" ? uri : "",
    anchor,
    others: certificates.slice(0, -1),
    validFor: periodOf(authority["validFor"], `${where}.validFor`),
  };
}

function certificateOf(item: JsonObject, where: string): Certificate {
  const result = parseCertificate(bytesOf(item["rawBytes"], `${where}.rawBytes`));
  if (result.ok) return result.value;
  throw new MemberError(`${where}: ${result.issue.message}`);
}

function malformed(name: string, message: string): ModelSigningError {
  return new ModelSigningError(
    "TRUST_MALFORMED",
    `cannot use the trust in ${quote(name)}: ${message}`,
  );
}
