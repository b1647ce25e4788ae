/** A transparency log with the interface of Rekor v1: entries of the kinds dsse, hashedrekord and intoto. */

import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import { canonicalJson } from "./canonical_json.ts";
import { checkpoint, type NoteSigner, spkiKeyId } from "./checkpoint.ts";
import { loggedBody } from "./entry.ts";
import { type Asked, json, objectIn, Refused, type Reply } from "./http.ts";
import { newKey, signWith, spoiled } from "./keys.ts";
import { BusyTree, leafHash } from "./merkle.ts";
import { proposedEntry } from "./rekor_v1_entry.ts";

/** Entries of earlier shards, which the public index counts and the tree does not. */
const EARLIER_ENTRIES = 4_163_431;

const TREE_ID = "0d9d1b2e4a6c8f10";

type Logged = {
  readonly body: Buffer;
  readonly integratedTime: number;
  readonly index: number;
  readonly uuid: string;
};

/** The log. */
export class RekorV1 {
  readonly signer: NoteSigner;
  readonly #origin: string;
  readonly #tree = new BusyTree();
  readonly #entries: Logged[] = [];

  /** @param host name in checkpoints */
  constructor(host: string) {
    const key = newKey("P-256");
    this.signer = { name: host, keyId: spkiKeyId(key), key };
    this.#origin = `${host} - ${BigInt(`0x${TREE_ID}`)}`;
  }

  /** Answers a request below `/api/v1`. */
  answer(asked: Asked, lie: string | undefined): Reply {
    const { method, url, body } = asked;
    const [, uuid] = /^\/api\/v1\/log\/entries\/([0-9a-f]+)$/.exec(url.pathname) ?? [];
    if (method === "GET" && uuid !== undefined) return this.#get(uuid);
    if (method === "POST" && url.pathname === "/api/v1/log/entries") {
      return this.#post(objectIn(body), lie);
    }
    throw refusedBy(404, "not found");
  }

  #get(uuid: string): Reply {
    // An id without the tree's prefix names the same entry.
    const entry = this.#entries.find((each) => each.uuid.endsWith(uuid) && uuid.length >= 64);
    if (!entry) throw refusedBy(404, "entry not found");
    return json({ [entry.uuid]: this.#rendered(entry, undefined) });
  }

  #post(proposed: JsonObject, lie: string | undefined): Reply {
    const body = loggedBody(proposedEntry(proposed), lie);
    const equal = this.#entries.find((each) => each.body.equals(body));
    if (equal) {
      throw new Refused(json(
        {
          code: 409,
          message:
            `an equivalent entry already exists in the transparency log with UUID ${equal.uuid}`,
        },
        409,
        { location: `/api/v1/log/entries/${equal.uuid}` },
      ));
    }
    const entry = this.#append(body);
    return json({ [entry.uuid]: this.#rendered(entry, lie) }, 201, {
      location: `/api/v1/log/entries/${entry.uuid}`,
    });
  }

  #append(body: Buffer): Logged {
    const entry = {
      body,
      integratedTime: Math.floor(Date.now() / 1000),
      index: this.#tree.append(body),
      uuid: TREE_ID + leafHash(body).toString("hex"),
    };
    this.#entries.push(entry);
    return entry;
  }

  #rendered({ body, integratedTime, index }: Logged, lie: string | undefined): unknown {
    const promised = {
      body: body.toString("base64"),
      integratedTime: integratedTime - (lie === "wrong-time" ? 60 * 60 : 0),
      logID: (lie === "other-log" ? spoiled(this.signer.keyId) : this.signer.keyId).toString("hex"),
      logIndex: EARLIER_ENTRIES + index,
    };
    const set = signWith(this.signer.key, Buffer.from(canonicalJson(promised)));
    const proof = this.#tree.prove(index);
    const [first = Buffer.alloc(32), ...rest] = proof.hashes;
    const hashes = lie === "bad-proof" ? [spoiled(first), ...rest] : proof.hashes;
    return {
      ...promised,
      logIndex: promised.logIndex + (lie === "wrong-index" ? 1 : 0),
      attestation: {},
      verification: {
        signedEntryTimestamp: (lie === "bad-set" ? spoiled(set) : set).toString("base64"),
        inclusionProof: {
          checkpoint: checkpoint(
            this.#origin,
            proof,
            this.signer,
            lie === "bad-checkpoint" ? lie : undefined,
          ),
          hashes: hashes.map((hash) => hash.toString("hex")),
          logIndex: proof.index,
          rootHash: proof.root.toString("hex"),
          treeSize: proof.size,
        },
      },
    };
  }
}

function refusedBy(code: number, message: string): Refused {
  return new Refused(json({ code, message }, code));
}
