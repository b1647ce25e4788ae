/** A transparency log that takes anything, at any time: what no honest log would enter has to be refused, too. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { canonicalJson } from "../sigstore/canonical_json.ts";
import { checkpoint, noteKeyId, type NoteSigner, spkiKeyId } from "../sigstore/checkpoint.ts";
import { newKey, pem, signWith } from "../sigstore/keys.ts";
import { BusyTree } from "../sigstore/merkle.ts";
import { base64, type Loose } from "./bundles.ts";

/** Entries of the trees before the one that is written to. */
const EARLIER_ENTRIES = 1000;

/** The log. */
export class AnyLog {
  readonly version: 1 | 2;
  readonly signer: NoteSigner;
  readonly #tree = new BusyTree();

  /** @param name its host */
  constructor(version: 1 | 2, name: string = `log${version}.example`) {
    this.version = version;
    const key = newKey(version === 1 ? "P-256" : "Ed25519");
    const keyId = version === 1 ? spkiKeyId(key) : noteKeyId(name, key);
    this.signer = { name, key, keyId };
  }

  /** The log in a trusted root. */
  get trusted(): Loose {
    const { name, key, keyId } = this.signer;
    return {
      baseUrl: `https://${name}`,
      hashAlgorithm: "SHA2_256",
      publicKey: {
        rawBytes: base64(key.spki),
        keyDetails: this.version === 1 ? "PKIX_ECDSA_P256_SHA_256" : "PKIX_ED25519",
        validFor: { start: "2020-01-01T00:00:00Z" },
      },
      logId: { keyId: base64(keyId) },
    };
  }

  /** Enters a body and gives the entry as a bundle has it. */
  enter(body: Loose, time: Date = new Date()): Loose {
    const bytes = Buffer.from(typeof body === "string" ? body : canonicalJson(body));
    const { signer, version } = this;
    const proof = this.#tree.prove(this.#tree.append(bytes));
    const origin = version === 1 ? `${signer.name} - 1234` : signer.name;
    const logIndex = proof.index + (version === 1 ? EARLIER_ENTRIES : 0);
    const integratedTime = Math.floor(time.getTime() / 1000);
    const promised = canonicalJson({
      body: base64(bytes),
      integratedTime,
      logID: signer.keyId.toString("hex"),
      logIndex,
    });
    return {
      logIndex: String(logIndex),
      logId: { keyId: base64(signer.keyId) },
      kindVersion: { kind: body.kind, version: body.apiVersion },
      ...(version === 1
        ? {
          integratedTime: String(integratedTime),
          inclusionPromise: {
            signedEntryTimestamp: base64(signWith(signer.key, Buffer.from(promised))),
          },
        }
        : {}),
      inclusionProof: {
        logIndex: String(proof.index),
        rootHash: base64(proof.root),
        treeSize: String(proof.size),
        hashes: proof.hashes.map(base64),
        checkpoint: { envelope: checkpoint(origin, proof, signer, undefined) },
      },
      canonicalizedBody: base64(bytes),
    };
  }
}

/** Kinds of entries. */
export type EntryKind =
  | "dsse 0.0.1"
  | "dsse 0.0.2"
  | "intoto 0.0.2"
  | "hashedrekord 0.0.1"
  | "hashedrekord 0.0.2";

/** What an entry is about. */
export type EntryFields = {
  /** Of an envelope. */
  readonly payload?: Uint8Array;
  /** What the signature is over. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
  /** DER. */
  readonly certificate: Uint8Array;
  /** DER of the key, for entries without a certificate. */
  readonly publicKey?: Uint8Array;
  /** Of `signed`. Default SHA-256. */
  readonly digest?: "sha256" | "sha384" | "sha512";
};

/** The body of an entry. */
export function entryBody(kind: EntryKind, fields: EntryFields): Loose {
  const { payload = Buffer.alloc(0), signed, signature, certificate, publicKey } = fields;
  const { digest = "sha256" } = fields;
  const [name, apiVersion] = kind.split(" ");
  const of = (bytes: Uint8Array) => createHash(digest).update(bytes).digest();
  const hash = (bytes: Uint8Array) => ({ algorithm: digest, value: of(bytes).toString("hex") });
  const proto = (bytes: Uint8Array) => ({
    algorithm: `SHA2_${digest.slice(3)}`,
    digest: base64(of(bytes)),
  });
  const text = base64(
    Buffer.from(publicKey ? pem("PUBLIC KEY", publicKey) : pem("CERTIFICATE", certificate)),
  );
  const verifier = publicKey
    ? { publicKey: { rawBytes: base64(publicKey) }, keyDetails: "PKIX_ECDSA_P256_SHA_256" }
    : { x509Certificate: { rawBytes: base64(certificate) }, keyDetails: "PKIX_ECDSA_P256_SHA_256" };
  const sig = base64(signature);
  const specs: Readonly<Record<EntryKind, Loose>> = {
    "dsse 0.0.1": {
      envelopeHash: hash(Buffer.from("as it was uploaded")),
      payloadHash: hash(payload),
      signatures: [{ signature: sig, verifier: text }],
    },
    "dsse 0.0.2": {
      dsseV002: { payloadHash: proto(payload), signatures: [{ content: sig, verifier }] },
    },
    "intoto 0.0.2": {
      content: {
        envelope: {
          payloadType: "application/vnd.in-toto+json",
          signatures: [{ publicKey: text, sig: base64(Buffer.from(sig)) }],
        },
        hash: hash(Buffer.from("as it was uploaded")),
        payloadHash: hash(payload),
      },
    },
    "hashedrekord 0.0.1": {
      data: { hash: hash(signed) },
      signature: { content: sig, publicKey: { content: text } },
    },
    "hashedrekord 0.0.2": {
      hashedRekordV002: { data: proto(signed), signature: { content: sig, verifier } },
    },
  };
  return { apiVersion, kind: name, spec: specs[kind] };
}
