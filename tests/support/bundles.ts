/** Statements and bundles for tests, put together without the code that is tested. */

import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** JSON that a test may bend as it likes. */
// deno-lint-ignore no-explicit-any
export type Loose = any;

/** A key to sign with, and its public half. */
export type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

/** Media type of a bundle. */
export const MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Payload type of an envelope. */
export const PAYLOAD_TYPE = "application/vnd.in-toto+json";

/** Lowercase hex SHA-256. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** A P-256 key pair. */
export function p256(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** Hash of the public key's PEM text as `node:crypto` exports it. */
export function hintOf(publicKey: KeyObject): string {
  return sha256(publicKey.export({ type: "spki", format: "pem" }));
}

/** SHA-256 over the concatenated digests of resources. */
export function rootOf(resources: readonly Loose[]): string {
  return sha256(Buffer.from(resources.map(({ digest }) => digest).join(""), "hex"));
}

/** Resources as a statement lists them, in the order of the names given. */
export function resourcesOf(
  names: readonly string[],
  algorithm = "sha256",
): { name: string; digest: string; algorithm: string }[] {
  const length = algorithm === "blake2b" ? 2 : 1;
  return names.map((name) => ({ name, digest: sha256(name).repeat(length), algorithm }));
}

/** A statement over `names`; the root digest fits. */
export function statementOf(
  names: readonly string[],
  serialization: Loose = { method: "files", hash_type: "sha256", allow_symlinks: false },
): Loose {
  const resources = resourcesOf(names, serialization.hash_type);
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "model", digest: { sha256: rootOf(resources) } }],
    predicateType: "https://model_signing/signature/v1.0",
    predicate: { resources, serialization },
  };
}

/** A statement as the tool 0.2.0 made it. */
export function digestsStatementOf(files: Readonly<Record<string, string>>): Loose {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: Object.entries(files).map(([name, content]) => ({
      name,
      digest: { sha256: sha256(content) },
    })),
    predicateType: "https://model_signing/Digests/v0.1",
    predicate: {},
  };
}

/** JSON as bytes; a string is taken as it stands. */
export function encode(value: Loose): Uint8Array {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value), "utf8");
}

/** Base64 of bytes or of JSON. */
export function base64(value: Loose): string {
  return Buffer.from(value instanceof Uint8Array ? value : encode(value)).toString("base64");
}

/** A well-formed key bundle whose signature is any bytes. */
export function bundleOf(payload: Loose = statementOf(["a"])): Loose {
  return {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: "0".repeat(64) }, tlogEntries: [] },
    dsseEnvelope: {
      payload: base64(payload),
      payloadType: PAYLOAD_TYPE,
      signatures: [{ sig: base64(Buffer.from("signature")) }],
    },
  };
}

/** DSSE's pre-authentication encoding, from its definition. */
export function preAuthentication(payload: Uint8Array): Uint8Array {
  const head = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

/** A key bundle with a signature that was made elsewhere. */
export function bundleBy(publicKey: KeyObject, payload: Uint8Array, signature: Uint8Array): Loose {
  const bundle = bundleOf(payload);
  bundle.verificationMaterial.publicKey = { hint: hintOf(publicKey) };
  bundle.dsseEnvelope.signatures[0].sig = base64(signature);
  return bundle;
}

/** A key bundle, signed with P-256, RSA or Ed25519. */
export function signedBundle(payload: Uint8Array, { privateKey, publicKey }: KeyPair): Loose {
  const digest = publicKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  const signature = sign(digest, preAuthentication(payload), privateKey);
  return bundleBy(publicKey, payload, signature);
}
