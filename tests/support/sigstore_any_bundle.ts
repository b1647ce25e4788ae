/**
 * Sigstore bundles of every version and content. Models are signed in one form, which core reads; this reads everything
 * else that Sigstore clients write, and that the conformance suite of Sigstore asks for.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type Parsed, parsed, Refusal } from "../../core/errors.ts";
import { JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_VALUES } from "../../core/limits.ts";
import { excerpt } from "../../core/text.ts";
import {
  type DigestName,
  envelopeContent,
  type SignedContent,
} from "../../plugins/sigstore/content.ts";
import type { WitnessedSignature } from "../../plugins/sigstore/evidence_checks.ts";
import {
  bytesOf,
  MemberError,
  objectOf,
  objectsOf,
  textOf,
} from "../../plugins/sigstore/members.ts";
import { digestContent, messageContent } from "./sigstore_message.ts";

/** A signature with all that a bundle says about it. */
export type AnyEntity = WitnessedSignature & {
  /** DER of the certificate that signed. Undefined for a bundle that names a key. */
  readonly certificate: Uint8Array | undefined;
};

/** What was signed: its bytes, or only their SHA-256. */
export type Artifact =
  | { readonly bytes: Uint8Array }
  | { readonly sha256: Uint8Array };

/** Values in a statement that nobody vouches for yet. One about 1,000 artifacts has about 10,000. */
const MAX_STATEMENT_VALUES = 1_000_000;

/** `…bundle+json;version=0.1` and later `…bundle.v0.3+json`. */
const MEDIA_TYPE =
  /^application\/vnd\.dev\.sigstore\.bundle(?:\+json;version=0\.([123])|\.v0\.([123])\+json)$/;

/**
 * Parses a bundle over an artifact. An envelope's statement (in-toto) must name a digest of the artifact
 * among its subjects, which is checked here and is worth something only once the signature is verified.
 *
 * Findings: `BUNDLE_TOO_LARGE`, `BUNDLE_MALFORMED`, `BUNDLE_MEDIA_TYPE`, `BUNDLE_MATERIAL`,
 * `ENVELOPE_SIGNATURES`, `SIGNATURE_INVALID` for an artifact that the envelope is not about.
 */
export function parseSigstoreBundle(bytes: Uint8Array, artifact: Artifact): Parsed<AnyEntity> {
  return parsed(() => {
    if (bytes.length > MAX_BUNDLE_BYTES) {
      throw new Refusal("BUNDLE_TOO_LARGE", `the bundle has ${bytes.length} bytes`);
    }
    try {
      return entityOf(objectOf(parseJson(bytes, MAX_BUNDLE_VALUES), "the bundle"), artifact);
    } catch (error) {
      if (!(error instanceof MemberError || error instanceof JsonError)) throw error;
      throw new Refusal("BUNDLE_MALFORMED", `the bundle is malformed: ${error.message}`);
    }
  });
}

function entityOf(bundle: JsonObject, artifact: Artifact): AnyEntity {
  const mediaType = textOf(bundle["mediaType"], "mediaType");
  const [, parameter, suffix] = MEDIA_TYPE.exec(mediaType) ?? [];
  const version = parameter ?? suffix;
  if (version === undefined) {
    throw new Refusal("BUNDLE_MEDIA_TYPE", `the bundle's media type is ${excerpt(mediaType)}`);
  }
  const material = objectOf(bundle["verificationMaterial"], "verificationMaterial");
  const timestamps = material["timestampVerificationData"];
  const stamps = timestamps === undefined || timestamps === null
    ? []
    : objectsOf(objectOf(timestamps, "timestamps")["rfc3161Timestamps"], "rfc3161Timestamps");
  const tlogEntries = objectsOf(material["tlogEntries"], "tlogEntries");
  // Bundles of v0.1 promise inclusion, from v0.2 on they prove it.
  const proofRequired = version !== "1";
  if (
    !proofRequired && tlogEntries.some(({ inclusionPromise }) => inclusionPromise === undefined)
  ) {
    throw new MemberError("a log entry of a v0.1 bundle has no inclusion promise");
  }
  return {
    content: contentOf(bundle, artifact),
    certificate: certificateOf(material, version),
    tlogEntries,
    timestamps: stamps.map((item, index) =>
      bytesOf(item["signedTimestamp"], `timestamps[${index}]`)
    ),
    proofRequired,
  };
}

/** The signer's certificate; undefined when the bundle names a key. */
function certificateOf(material: JsonObject, version: string): Uint8Array | undefined {
  const { publicKey, certificate, x509CertificateChain: chain } = material;
  if ([publicKey, certificate, chain].filter((given) => given !== undefined).length !== 1) {
    throw new Refusal(
      "BUNDLE_MATERIAL",
      "the verification material does not name exactly one signer",
    );
  }
  if (publicKey !== undefined) return undefined;
  if (certificate !== undefined) {
    return bytesOf(objectOf(certificate, "certificate")["rawBytes"], "certificate");
  }
  if (version === "3") {
    // The message's own rule: whoever signs must not choose the chain.
    throw new Refusal(
      "BUNDLE_MATERIAL",
      "a v0.3 bundle has a certificate chain, expected one certificate",
    );
  }
  const [leaf] = objectsOf(objectOf(chain, "chain")["certificates"], "certificates");
  return bytesOf(leaf?.["rawBytes"], "certificates[0]");
}

function contentOf(bundle: JsonObject, artifact: Artifact): SignedContent {
  const { messageSignature: message, dsseEnvelope: envelope } = bundle;
  if ((message === undefined) === (envelope === undefined)) {
    throw new MemberError("it holds not exactly one of messageSignature and dsseEnvelope");
  }
  return message === undefined
    ? envelopeOf(objectOf(envelope, "dsseEnvelope"), artifact)
    : messageOf(objectOf(message, "messageSignature"), artifact);
}

function messageOf(message: JsonObject, artifact: Artifact): SignedContent {
  const signature = bytesOf(message["signature"], "signature");
  const claimed = message["messageDigest"];
  if (claimed !== undefined) {
    const { algorithm, digest } = objectOf(claimed, "messageDigest");
    if (
      algorithm === "SHA2_256" &&
      Buffer.compare(bytesOf(digest, "digest"), sha256Of(artifact)) !== 0
    ) throw otherArtifact("the bundle names another digest than the artifact has");
  }
  return "bytes" in artifact
    ? messageContent(artifact.bytes, signature)
    : digestContent(artifact.sha256, signature);
}

function envelopeOf(envelope: JsonObject, artifact: Artifact): SignedContent {
  const signatures = objectsOf(envelope["signatures"], "signatures");
  if (signatures.length !== 1) {
    throw new Refusal("ENVELOPE_SIGNATURES", `the envelope has ${signatures.length} signatures`);
  }
  const payloadType = textOf(envelope["payloadType"], "payloadType");
  const payload = bytesOf(envelope["payload"], "payload");
  if (payloadType !== "application/vnd.in-toto+json") {
    throw new MemberError(`the payload type is ${excerpt(payloadType)}, expected in-toto`);
  }
  const digests = digestsOf(artifact);
  const statement = objectOf(parseJson(payload, MAX_STATEMENT_VALUES), "the statement");
  // in-toto: an artifact is meant when any of its digests is named; npm names SHA-512 alone.
  const named = objectsOf(statement["subject"], "subject").some((subject) => {
    const digest = objectOf(subject["digest"], "digest");
    return digests.some(([name, expected]) => digest[name] === expected);
  });
  if (!named) throw otherArtifact("the statement is not about the artifact");
  return envelopeContent({
    payloadType,
    payload,
    signature: bytesOf(signatures[0]!["sig"], "sig"),
  });
}

/** The digests of an artifact that can be known, in hex. */
function digestsOf(artifact: Artifact): readonly (readonly [DigestName, string])[] {
  if ("sha256" in artifact) return [["sha256", Buffer.from(artifact.sha256).toString("hex")]];
  const names = ["sha256", "sha384", "sha512"] as const;
  return names.map((name) => [name, createHash(name).update(artifact.bytes).digest("hex")]);
}

function sha256Of(artifact: Artifact): Uint8Array {
  return "sha256" in artifact
    ? artifact.sha256
    : createHash("sha256").update(artifact.bytes).digest();
}

function otherArtifact(message: string): Refusal {
  return new Refusal("SIGNATURE_INVALID", message);
}
