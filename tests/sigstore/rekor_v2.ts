/** A transparency log with the interface of Rekor v2: hashedrekord entries, no time, no promise. */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import type { JsonObject } from "../../core/json.ts";
import { pae } from "../../core/dsse.ts";
import { checkpoint, noteKeyId, type NoteSigner } from "./checkpoint.ts";
import {
  digestFor,
  type Entry,
  keyDetails,
  keyOfCertificate,
  keyOfSpki,
  loggedBody,
  requireSigned,
} from "./entry.ts";
import {
  type Asked,
  bytesAt,
  json,
  objectAt,
  objectIn,
  refused,
  type Reply,
  textAt,
} from "./http.ts";
import { newKey, sha256, spoiled } from "./keys.ts";
import { BusyTree } from "./merkle.ts";

/** The log. */
export class RekorV2 {
  readonly signer: NoteSigner;
  readonly #path: string;
  readonly #tree = new BusyTree();
  readonly #bodies = new Map<string, number>();

  /**
   * @param host its name, in checkpoints and of its key
   * @param path where it answers
   */
  constructor(host: string, path: string) {
    const key = newKey("Ed25519");
    this.signer = { name: host, keyId: noteKeyId(host, key), key };
    this.#path = path;
  }

  /** Answers a request below its path. */
  answer({ method, url, body }: Asked, lie: string | undefined): Reply {
    if (method !== "POST" || url.pathname !== `${this.#path}/api/v2/log/entries`) {
      throw refused(404, "Not Found");
    }
    const logged = loggedBody(entryOf(objectIn(body)), lie);
    const known = this.#bodies.get(logged.toString("latin1"));
    if (known !== undefined) {
      throw refused(
        409,
        `an equivalent entry already exists in the transparency log with index ${known}`,
      );
    }
    const index = this.#tree.append(logged);
    this.#bodies.set(logged.toString("latin1"), index);
    return json(this.#rendered(logged, index, lie), 201);
  }

  #rendered(body: Buffer, index: number, lie: string | undefined): unknown {
    const { kind, apiVersion } = JSON.parse(body.toString("utf8"));
    const proof = this.#tree.prove(index);
    const [first = Buffer.alloc(32), ...rest] = proof.hashes;
    const hashes = lie === "bad-proof" ? [spoiled(first), ...rest] : proof.hashes;
    const keyId = lie === "other-log" ? spoiled(this.signer.keyId) : this.signer.keyId;
    const badCheckpoint = lie === "bad-checkpoint" ? lie : undefined;
    return {
      logIndex: String(proof.index + (lie === "wrong-index" ? 1 : 0)),
      logId: { keyId: keyId.toString("base64") },
      kindVersion: { kind, version: apiVersion },
      // Its gateway writes the members that it never sets, too.
      integratedTime: "0",
      inclusionPromise: null,
      inclusionProof: {
        logIndex: String(proof.index),
        rootHash: proof.root.toString("base64"),
        treeSize: String(proof.size),
        hashes: hashes.map((hash) => hash.toString("base64")),
        checkpoint: {
          envelope: checkpoint(this.signer.name, proof, this.signer, badCheckpoint),
        },
      },
      canonicalizedBody: body.toString("base64"),
    };
  }
}

function entryOf(asked: JsonObject): Entry {
  if ("hashedRekordRequestV002" in asked) {
    const request = objectAt(asked, "hashedRekordRequestV002");
    const digest = bytesAt(request, "digest");
    const { key, verifier } = verifierOf(objectAt(request, "signature", "verifier"));
    const bytes = bytesAt(request, "signature", "content");
    requireSigned(digest, key, bytes);
    const signature = bytes.toString("base64");
    const algorithm = keyDetails(key).replace(/^.*_SHA_/, "SHA2_");
    return {
      signature,
      body: {
        apiVersion: "0.0.2",
        kind: "hashedrekord",
        spec: {
          hashedRekordV002: {
            data: { algorithm, digest: digest.toString("base64") },
            signature: { content: signature, verifier },
          },
        },
      },
    };
  }
  return dsseEntry(objectAt(asked, "dsseRequestV002"));
}

function dsseEntry(request: JsonObject): Entry {
  const envelope = objectAt(request, "envelope");
  const payload = bytesAt(envelope, "payload");
  const [verifierJson, signatureJson] = [request["verifiers"], envelope["signatures"]].map(only);
  const { key, verifier } = verifierOf(verifierJson!);
  const bytes = bytesAt(signatureJson!, "sig");
  requireSigned(digestFor(key, pae(textAt(envelope, "payloadType"), payload)), key, bytes);
  const signature = bytes.toString("base64");
  return {
    signature,
    body: {
      apiVersion: "0.0.2",
      kind: "dsse",
      spec: {
        dsseV002: {
          payloadHash: { algorithm: "SHA2_256", digest: sha256(payload).toString("base64") },
          signatures: [{ content: signature, verifier }],
        },
      },
    },
  };
}

/** The only object in a list. */
function only(list: JsonObject[string] | undefined): JsonObject {
  if (Array.isArray(list) && list.length === 1) return objectAt({ it: list[0]! }, "it");
  throw refused(400, "there is not one verifier and one signature");
}

function verifierOf(verifier: JsonObject): { readonly key: KeyObject; readonly verifier: unknown } {
  const member = "x509Certificate" in verifier ? "x509Certificate" : "publicKey";
  const rawBytes = bytesAt(verifier, member, "rawBytes");
  const key = member === "publicKey" ? keyOfSpki(rawBytes) : keyOfCertificate(rawBytes);
  if (textAt(verifier, "keyDetails") !== keyDetails(key)) {
    throw refused(400, "keyDetails does not fit the key");
  }
  return {
    key,
    verifier: { keyDetails: keyDetails(key), [member]: { rawBytes: rawBytes.toString("base64") } },
  };
}
