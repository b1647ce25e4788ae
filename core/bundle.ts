/**
 * The signature file: a Sigstore bundle (v0.3) with a DSSE envelope.
 *
 * Reading accepts the older forms that OMS 1 lists; writing produces the current one only.
 */

import { Buffer } from "node:buffer";
import { PAYLOAD_TYPE } from "./dsse.ts";
import { base64 } from "./encoding.ts";
import { ModelSigningError, type Parsed, parsed, Refusal } from "./errors.ts";
import { type Json, JsonError, type JsonObject, parseJson } from "./json.ts";
import {
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_VALUES,
  MAX_CERTIFICATE_BYTES,
  MAX_CHAIN_LENGTH,
  MAX_HINT_LENGTH,
  MAX_SIGNATURE_BYTES,
} from "./limits.ts";
import { members } from "./members.ts";
import { copied, excerpt } from "./text.ts";

const { object, list, text, only, malformed } = members("BUNDLE_MALFORMED");

/** `mediaType` of what we write. */
export const BUNDLE_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** Bytes; whole groups of three, so that only the last are padded. */
const ENCODED_AT_A_TIME = 3 * 64 * 1024;

/** The signed payload with its signature. Bytes as they stand in the file, never re-serialised. */
export type Envelope = {
  readonly payloadType: typeof PAYLOAD_TYPE;
  readonly payload: Uint8Array;
  /** Raw signature: DER for ECDSA. */
  readonly signature: Uint8Array;
};

/** Who claims to have signed. Nothing here is trusted. */
export type VerificationMaterial =
  | {
    readonly kind: "public-key";
    /** SHA-256 of the public key's PEM text, lowercase hex. Absent in bundles before 1.1.0. */
    readonly hint?: string;
    /** PEM text of the public key, in bundles before 1.1.0. Never used as a key. */
    readonly rawBytes?: Uint8Array;
  }
  | {
    readonly kind: "certificate-chain";
    /** DER, leaf first. */
    readonly certificates: readonly [Uint8Array, ...Uint8Array[]];
  }
  | {
    readonly kind: "certificate";
    /** DER. Sigstore's form; with no log entries also the Go tool's for a leaf without chain. */
    readonly certificate: Uint8Array;
  };

/** A bundle, parsed and not yet verified. */
export type Bundle = {
  readonly mediaType: string;
  readonly material: VerificationMaterial;
  /** Transparency log entries as the bundle has them; the Sigstore verifier parses them. */
  readonly tlogEntries: readonly JsonObject[];
  /** RFC 3161 responses, DER. */
  readonly timestamps: readonly Uint8Array[];
  readonly envelope: Envelope;
};

/**
 * Parses a signature file. Never throws for what is in it.
 *
 * Findings: `BUNDLE_TOO_LARGE`, `BUNDLE_MALFORMED`, `BUNDLE_MEDIA_TYPE`, `BUNDLE_MATERIAL`,
 * `ENVELOPE_PAYLOAD_TYPE`, `ENVELOPE_SIGNATURES`.
 */
export function parseBundle(bytes: Uint8Array): Parsed<Bundle> {
  return parsed(() => {
    if (bytes.length > MAX_BUNDLE_BYTES) {
      throw new Refusal(
        "BUNDLE_TOO_LARGE",
        `the signature has ${bytes.length} bytes, more than the limit of ${MAX_BUNDLE_BYTES}`,
      );
    }
    if (bytes.length === 0) throw malformed("the signature file is empty");
    const root = object(strictJson(bytes), "the bundle");
    if (root["messageSignature"] !== undefined && root["dsseEnvelope"] === undefined) {
      throw malformed("it signs the bytes of a file (as cosign sign-blob does), not a model");
    }
    only(root, ["mediaType", "verificationMaterial", "dsseEnvelope"], "the bundle");
    const mediaType = bundleMediaType(root["mediaType"]);
    const material = object(root["verificationMaterial"], "verificationMaterial");
    return {
      mediaType,
      material: parseMaterial(material),
      tlogEntries: list(material["tlogEntries"] ?? [], "tlogEntries")
        .map((entry, index) => object(entry, `tlogEntries[${index}]`)),
      timestamps: parseTimestamps(material["timestampVerificationData"]),
      envelope: parseEnvelope(object(root["dsseEnvelope"], "dsseEnvelope")),
    };
  });
}

/**
 * The bundle as bytes, in the current form.
 *
 * @throws {ModelSigningError} `BUNDLE_TOO_LARGE_TO_WRITE` when no verifier of ours would read it
 */
export function writeBundle(bundle: Omit<Bundle, "mediaType">): Uint8Array {
  const { envelope } = bundle;
  const payloadLength = Math.ceil(envelope.payload.length / 3) * 4;
  requireBundleSize(payloadLength);
  const timestamps = bundle.timestamps.map((der) => ({ signedTimestamp: base64(der) }));
  const before = JSON.stringify({
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: {
      ...writeMaterial(bundle.material),
      tlogEntries: bundle.tlogEntries,
      ...(timestamps.length > 0
        ? { timestampVerificationData: { rfc3161Timestamps: timestamps } }
        : {}),
    },
  });
  const after = JSON.stringify({
    payloadType: envelope.payloadType,
    signatures: [{ sig: base64(envelope.signature) }],
  });
  const head = Buffer.from(`${before.slice(0, -1)},"dsseEnvelope":{"payload":"`);
  const tail = Buffer.from(`",${after.slice(1)}}`);
  requireBundleSize(head.length + payloadLength + tail.length);
  // Not as one text: that and its copies would be most of the memory that signing takes.
  const bytes = Buffer.alloc(head.length + payloadLength + tail.length);
  head.copy(bytes);
  let at = head.length;
  for (let start = 0; start < envelope.payload.length; start += ENCODED_AT_A_TIME) {
    const some = envelope.payload.subarray(start, start + ENCODED_AT_A_TIME);
    at += bytes.write(base64(some), at, "latin1");
  }
  tail.copy(bytes, at);
  return bytes;
}

/**
 * Refuses a bundle of which so many bytes are known that no verifier of ours would read it.
 *
 * @throws {ModelSigningError} `BUNDLE_TOO_LARGE_TO_WRITE`
 */
export function requireBundleSize(length: number): void {
  if (length < MAX_BUNDLE_BYTES) return;
  throw new ModelSigningError(
    "BUNDLE_TOO_LARGE_TO_WRITE",
    `the signature would have ${length} bytes or more, expected less than ${MAX_BUNDLE_BYTES}`,
    { hint: "sign with a larger shard size, or split the model" },
  );
}

function bundleMediaType(value: Json | undefined): string {
  const mediaType = text(value, "mediaType");
  if (mediaType !== BUNDLE_MEDIA_TYPE) {
    throw new Refusal(
      "BUNDLE_MEDIA_TYPE",
      `the bundle's media type is ${excerpt(mediaType)}, expected "${BUNDLE_MEDIA_TYPE}"`,
    );
  }
  return mediaType;
}

function parseMaterial(material: JsonObject): VerificationMaterial {
  const kinds = ["publicKey", "x509CertificateChain", "certificate"].filter((kind) =>
    material[kind] !== undefined
  );
  if (kinds.length !== 1) {
    throw new Refusal(
      "BUNDLE_MATERIAL",
      `the verification material names ${
        kinds.length === 0 ? "no signer" : `several signers (${kinds.join(", ")})`
      }, expected one of publicKey, x509CertificateChain and certificate`,
    );
  }
  if (material["publicKey"] !== undefined) {
    return parsePublicKey(object(material["publicKey"], "publicKey"));
  }
  if (material["certificate"] !== undefined) {
    return {
      kind: "certificate",
      certificate: certificate(material["certificate"], "certificate"),
    };
  }
  const chain = object(material["x509CertificateChain"], "x509CertificateChain");
  const [leaf, ...rest] = list(chain["certificates"], "certificates")
    .map((entry, index) => certificate(entry, `certificates[${index}]`));
  if (leaf === undefined) throw malformed("the certificate chain is empty");
  if (rest.length >= MAX_CHAIN_LENGTH) {
    throw malformed(
      `the certificate chain has ${rest.length + 1} certificates, more than ${MAX_CHAIN_LENGTH}`,
    );
  }
  return { kind: "certificate-chain", certificates: [leaf, ...rest] };
}

function parsePublicKey(key: JsonObject): VerificationMaterial {
  const hint = key["hint"];
  const rawBytes = key["rawBytes"];
  if (hint === undefined && rawBytes === undefined) {
    throw malformed("publicKey has neither hint nor rawBytes");
  }
  return {
    kind: "public-key",
    ...(hint === undefined ? {} : { hint: shortText(hint, "publicKey.hint") }),
    ...(rawBytes === undefined ? {} : { rawBytes: fromBase64(rawBytes, "publicKey.rawBytes") }),
  };
}

/** A text that is kept when the bundle is not. */
function shortText(value: Json, name: string): string {
  const found = text(value, name);
  if (found.length <= MAX_HINT_LENGTH) return copied(found);
  throw malformed(`${name} has ${found.length} characters, more than ${MAX_HINT_LENGTH}`);
}

function parseTimestamps(value: Json | undefined): readonly Uint8Array[] {
  if (value === undefined || value === null) return [];
  const data = object(value, "timestampVerificationData");
  return list(data["rfc3161Timestamps"] ?? [], "rfc3161Timestamps").map((entry, index) =>
    fromBase64(
      object(entry, `rfc3161Timestamps[${index}]`)["signedTimestamp"],
      `rfc3161Timestamps[${index}].signedTimestamp`,
    )
  );
}

function parseEnvelope(envelope: JsonObject): Envelope {
  only(envelope, ["payload", "payloadType", "signatures"], "dsseEnvelope");
  const payloadType = text(envelope["payloadType"], "payloadType");
  if (payloadType !== PAYLOAD_TYPE) {
    throw new Refusal(
      "ENVELOPE_PAYLOAD_TYPE",
      `the payload type is ${excerpt(payloadType)}, expected "${PAYLOAD_TYPE}"`,
    );
  }
  const signatures = list(envelope["signatures"], "signatures");
  if (signatures.length !== 1) {
    throw new Refusal(
      "ENVELOPE_SIGNATURES",
      `the envelope has ${signatures.length} signatures, expected exactly one`,
    );
  }
  const entry = object(signatures[0], "signatures[0]");
  only(entry, ["sig", "keyid"], "signatures[0]");
  const keyid = entry["keyid"];
  if (keyid !== undefined && keyid !== null && typeof keyid !== "string") {
    throw malformed("signatures[0].keyid is not a string");
  }
  const signature = fromBase64(entry["sig"], "signatures[0].sig");
  if (signature.length > MAX_SIGNATURE_BYTES) throw malformed("signatures[0].sig is too long");
  return { payloadType, payload: fromBase64(envelope["payload"], "payload"), signature };
}

function writeMaterial(material: VerificationMaterial): Record<string, unknown> {
  switch (material.kind) {
    case "public-key":
      return { publicKey: { hint: material.hint } };
    case "certificate-chain":
      return {
        x509CertificateChain: {
          certificates: material.certificates.map((der) => ({ rawBytes: base64(der) })),
        },
      };
    case "certificate":
      return { certificate: { rawBytes: base64(material.certificate) } };
  }
}

function strictJson(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes, MAX_BUNDLE_VALUES);
  } catch (error) {
    if (error instanceof JsonError) {
      throw malformed(`the bundle is not valid JSON: ${error.message}`);
    }
    throw error;
  }
}

function certificate(value: Json | undefined, where: string): Uint8Array {
  const der = fromBase64(object(value, where)["rawBytes"], `${where}.rawBytes`);
  if (der.length > MAX_CERTIFICATE_BYTES) {
    throw malformed(`${where} has ${der.length} bytes, more than ${MAX_CERTIFICATE_BYTES}`);
  }
  return der;
}

/** Standard alphabet with padding, nothing else: `Buffer.from` would skip what it does not know. */
function fromBase64(value: Json | undefined, where: string): Uint8Array {
  const encoded = text(value, where);
  if (encoded === "") throw malformed(`${where} is empty`);
  const foreign = encoded.search(/[^A-Za-z0-9+/]/);
  const last = encoded.slice(-4);
  // Encoding back refuses missing padding and stray bits, which stand at the end.
  const isCanonical = encoded.length % 4 === 0 &&
    (foreign === -1 || foreign >= encoded.length - 2) &&
    Buffer.from(last, "base64").toString("base64") === last;
  if (!isCanonical) throw malformed(`${where} is not valid base64`);
  return Buffer.from(encoded, "base64");
}
