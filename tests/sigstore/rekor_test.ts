import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPublicKey, generateKeyPairSync, sign, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pae } from "../../core/dsse.ts";
import type { Loose } from "../support/bundles.ts";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";
import {
  type Answer,
  certified,
  derOf,
  logHashedRekord,
  logHashedRekordV2,
  post,
  sha256,
} from "./_client.ts";

/** An entry of either version in one form; bytes are bytes. */
type Entry = {
  readonly body: Buffer;
  readonly logId: Buffer;
  readonly logIndex: number;
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: string;
};

function entryV1({ json }: Answer): Entry & { readonly raw: Loose } {
  const [raw]: Loose[] = Object.values(json);
  const { inclusionProof: proof } = raw.verification;
  const hex = (text: string) => Buffer.from(text, "hex");
  return {
    raw,
    body: Buffer.from(raw.body, "base64"),
    logId: hex(raw.logID),
    logIndex: raw.logIndex,
    index: proof.logIndex,
    size: proof.treeSize,
    root: hex(proof.rootHash),
    hashes: proof.hashes.map(hex),
    checkpoint: proof.checkpoint,
  };
}

function entryV2({ json }: Answer): Entry {
  const proof = json.inclusionProof;
  const base64 = (text: string) => Buffer.from(text, "base64");
  return {
    body: base64(json.canonicalizedBody),
    logId: base64(json.logId.keyId),
    logIndex: Number(json.logIndex),
    index: Number(proof.logIndex),
    size: Number(proof.treeSize),
    root: base64(proof.rootHash),
    hashes: proof.hashes.map(base64),
    checkpoint: proof.checkpoint.envelope,
  };
}

/** RFC 9162 2.1.3.2. */
function proves({ body, index, size, root, hashes }: Entry): boolean {
  let [fn, sn] = [index, size - 1];
  let hash = sha256(Buffer.of(0), body);
  for (const sibling of hashes) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      hash = sha256(Buffer.of(1), sibling, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn >> 1, sn >> 1];
    } else hash = sha256(Buffer.of(1), hash, sibling);
    [fn, sn] = [fn >> 1, sn >> 1];
  }
  return sn === 0 && hash.equals(root);
}

/** The log in the trusted root that an entry names. */
function logOf(sigstore: Sigstore, { logId }: Entry): Loose {
  const { tlogs } = JSON.parse(readFileSync(sigstore.trustedRoot, "utf8"));
  return tlogs.find((log: Loose) => log.logId.keyId === logId.toString("base64"));
}

function keyOf(log: Loose): ReturnType<typeof createPublicKey> {
  const key = Buffer.from(log.publicKey.rawBytes, "base64");
  return createPublicKey({ key, format: "der", type: "spki" });
}

/** Whether the log has signed the entry's tree. */
function checkpointHolds(sigstore: Sigstore, entry: Entry): boolean {
  const [note = "", signatures = ""] = entry.checkpoint.split("\n\n");
  const [, size, root] = note.split("\n");
  const log = logOf(sigstore, entry);
  return Number(size) === entry.size && root === entry.root.toString("base64") &&
    signatures.split("\n").some((line) => {
      const bytes = Buffer.from(line.split(" ")[2] ?? "", "base64");
      const digest = log.publicKey.keyDetails === "PKIX_ED25519" ? null : "sha256";
      return bytes.subarray(0, 4).equals(entry.logId.subarray(0, 4)) &&
        verify(digest, Buffer.from(`${note}\n`), keyOf(log), bytes.subarray(4));
    });
}

function promiseHolds(sigstore: Sigstore, entry: Entry & { readonly raw: Loose }): boolean {
  const { body, integratedTime, logID, logIndex, verification } = entry.raw;
  const promised =
    `{"body":"${body}","integratedTime":${integratedTime},"logID":"${logID}","logIndex":${logIndex}}`;
  return verify(
    "sha256",
    Buffer.from(promised),
    keyOf(logOf(sigstore, entry)),
    Buffer.from(verification.signedEntryTimestamp, "base64"),
  );
}

test("Rekor v1 promises, proves and signs every entry of a growing tree", async () => {
  await using sigstore = await startSigstore();
  const signer = await certified(sigstore);
  for (let count = 0; count < 8; count++) {
    const answer = await logHashedRekord(sigstore, signer, `content ${count}`);
    assert.equal(answer.status, 201);
    const entry = entryV1(answer);
    assert.ok(proves(entry));
    assert.ok(entry.hashes.length > 1);
    assert.ok(checkpointHolds(sigstore, entry));
    assert.ok(promiseHolds(sigstore, entry));
    assert.ok(entry.logIndex > entry.index, "the public index counts earlier shards");
  }
});

test("Rekor v1 has each entry once and gives it to who asks", async () => {
  await using sigstore = await startSigstore();
  const { privateKey, chain } = await certified(sigstore);
  const content = "the same";
  const proposed = {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: sha256(content).toString("hex") } },
      signature: {
        content: sign("sha256", Buffer.from(content), privateKey).toString("base64"),
        publicKey: { content: Buffer.from(chain[0]!).toString("base64") },
      },
    },
  };
  const url = `${sigstore.url}/api/v1/log/entries`;
  const first = await post(url, proposed);
  const again = await post(url, proposed);
  assert.equal(again.status, 409);
  const location = again.headers.get("location")!;
  assert.equal(location, first.headers.get("location"));
  const response = await fetch(new URL(location, sigstore.url));
  const got = entryV1({ status: 200, headers: response.headers, json: await response.json() });
  assert.deepEqual(got.body, entryV1(first).body);
  assert.ok(proves(got));
  assert.ok(promiseHolds(sigstore, got));
});

test("Rekor v1 logs envelopes as dsse and as intoto", async () => {
  await using sigstore = await startSigstore();
  const { privateKey, chain } = await certified(sigstore);
  const payloadType = "application/vnd.in-toto+json";
  const payload = Buffer.from('{"hello":"world"}');
  const signature = sign("sha256", pae(payloadType, payload), privateKey).toString("base64");
  const certificate = Buffer.from(chain[0]!).toString("base64");
  const envelope = JSON.stringify({
    payload: payload.toString("base64"),
    payloadType,
    signatures: [{ sig: signature, keyid: "" }],
  });
  const url = `${sigstore.url}/api/v1/log/entries`;
  const dsse = await post(url, {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: { proposedContent: { envelope, verifiers: [certificate] } },
  });
  assert.equal(dsse.status, 201);
  const payloadHash = { algorithm: "sha256", value: sha256(payload).toString("hex") };
  assert.deepEqual(JSON.parse(entryV1(dsse).body.toString()), {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: {
      envelopeHash: { algorithm: "sha256", value: sha256(envelope).toString("hex") },
      payloadHash,
      signatures: [{ signature, verifier: certificate }],
    },
  });
  const twice = (text: string) => Buffer.from(text).toString("base64");
  const intoto = await post(url, {
    apiVersion: "0.0.2",
    kind: "intoto",
    spec: {
      content: {
        envelope: {
          payloadType,
          payload: twice(payload.toString("base64")),
          signatures: [{ sig: twice(signature), publicKey: certificate }],
        },
        hash: { algorithm: "sha256", value: sha256("any").toString("hex") },
      },
    },
  });
  assert.equal(intoto.status, 201);
  assert.deepEqual(
    JSON.parse(entryV1(intoto).body.toString()).spec.content.payloadHash,
    payloadHash,
  );
});

test("Rekor v2 proves and signs every entry of a growing tree", async () => {
  await using sigstore = await startSigstore();
  const signer = await certified(sigstore);
  for (let count = 0; count < 8; count++) {
    const answer = await logHashedRekordV2(sigstore, signer, `content ${count}`);
    assert.equal(answer.status, 201);
    const entry = entryV2(answer);
    assert.ok(proves(entry));
    assert.ok(entry.hashes.length > 1);
    assert.ok(checkpointHolds(sigstore, entry));
    assert.equal(entry.logIndex, entry.index);
    assert.equal(answer.json.integratedTime, "0");
  }
});

test("Rekor v2 goes by the id of its key in signed notes", async () => {
  await using sigstore = await startSigstore();
  const entry = entryV2(await logHashedRekordV2(sigstore, await certified(sigstore), "content"));
  const key = Buffer.from(logOf(sigstore, entry).publicKey.rawBytes, "base64").subarray(-32);
  const [origin] = entry.checkpoint.split("\n");
  assert.deepEqual(entry.logId, sha256(`${origin}\n\x01`, key));
});

test("Rekor v2 logs envelopes and takes bare keys", async () => {
  await using sigstore = await startSigstore();
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const payloadType = "text/plain";
  const payload = Buffer.from("payload");
  const rawBytes = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const request = (keyDetails: string) => ({
    dsseRequestV002: {
      envelope: {
        payload: payload.toString("base64"),
        payloadType,
        signatures: [{
          sig: sign("sha384", pae(payloadType, payload), privateKey).toString("base64"),
        }],
      },
      verifiers: [{ publicKey: { rawBytes }, keyDetails }],
    },
  });
  const url = `${sigstore.rekor2}/api/v2/log/entries`;
  const answer = await post(url, request("PKIX_ECDSA_P384_SHA_384"));
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.json.kindVersion, { kind: "dsse", version: "0.0.2" });
  assert.ok(proves(entryV2(answer)));
  assert.equal((await post(url, request("PKIX_ECDSA_P256_SHA_256"))).status, 400);
});

test("both logs refuse signatures that do not hold, and what is no entry", async () => {
  await using sigstore = await startSigstore();
  const signer = await certified(sigstore);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (const log of [logHashedRekord, logHashedRekordV2]) {
    assert.equal((await log(sigstore, { ...signer, privateKey }, "content")).status, 400);
  }
  const v1 = `${sigstore.url}/api/v1/log/entries`;
  const v2 = `${sigstore.rekor2}/api/v2/log/entries`;
  const { content: unsigned, ...rest } = { content: derOf(signer.chain[0]!), digest: "AAAA" };
  for (
    const [url, body] of [
      [v1, {}],
      [v1, { kind: "rekord", apiVersion: "0.0.1", spec: {} }],
      [v1, { kind: "dsse", apiVersion: "0.0.1", spec: { proposedContent: { envelope: "{}" } } }],
      [v2, {}],
      [v2, { hashedRekordRequestV002: { ...rest, signature: { content: unsigned } } }],
    ] as const
  ) {
    assert.equal((await post(url, body)).status, 400, JSON.stringify(body));
  }
});

test("a lying Rekor v1 tells each of its lies and no other", async () => {
  await using sigstore = await startSigstore();
  const signer = await certified(sigstore);
  const wrong: Readonly<Record<string, (entry: Entry & { readonly raw: Loose }) => boolean>> = {
    "wrong-body": ({ body }) => !verifiesOwn(body),
    "wrong-index": (entry) => !promiseHolds(sigstore, entry),
    "wrong-time": ({ raw }) => raw.integratedTime < Date.now() / 1000 - 1800,
    "bad-set": (entry) => !promiseHolds(sigstore, entry),
    "bad-proof": (entry) => !proves(entry),
    "bad-checkpoint": (entry) => !checkpointHolds(sigstore, entry),
    "other-log": (entry) => logOf(sigstore, entry) === undefined,
  };
  const verifiesOwn = (body: Buffer) => {
    const { data, signature } = JSON.parse(body.toString()).spec;
    const digest = sha256(`content for ${current}`).toString("hex");
    return data.hash.value === digest &&
      verify(
        "sha256",
        Buffer.from(`content for ${current}`),
        createPublicKey(Buffer.from(signature.publicKey.content, "base64")),
        Buffer.from(signature.content, "base64"),
      );
  };
  let current = "";
  for (const [kind, told] of Object.entries(wrong)) {
    current = kind;
    await sigstore.fault({ service: "rekor", kind });
    const entry = entryV1(await logHashedRekord(sigstore, signer, `content for ${kind}`));
    assert.ok(told(entry), kind);
    if (kind === "other-log") continue;
    assert.equal(verifiesOwn(entry.body), kind !== "wrong-body", kind);
    assert.equal(promiseHolds(sigstore, entry), !["wrong-index", "bad-set"].includes(kind), kind);
    assert.equal(proves(entry), kind !== "bad-proof", kind);
    assert.equal(checkpointHolds(sigstore, entry), kind !== "bad-checkpoint", kind);
  }
});

test("a lying Rekor v2 tells each of its lies", async () => {
  await using sigstore = await startSigstore();
  const signer = await certified(sigstore);
  const wrong: Readonly<Record<string, (entry: Entry, content: string) => boolean>> = {
    "wrong-body": ({ body }, content) => {
      const { signature } = JSON.parse(body.toString()).spec.hashedRekordV002;
      const key = createPublicKey(signer.chain[0]!);
      return !verify("sha256", Buffer.from(content), key, Buffer.from(signature.content, "base64"));
    },
    "wrong-index": ({ index, logIndex }) => index !== logIndex,
    "bad-proof": (entry) => !proves(entry),
    "bad-checkpoint": (entry) => !checkpointHolds(sigstore, entry),
    "other-log": (entry) => logOf(sigstore, entry) === undefined,
  };
  for (const [kind, told] of Object.entries(wrong)) {
    await sigstore.fault({ service: "rekor2", kind });
    const content = `content for ${kind}`;
    assert.ok(told(entryV2(await logHashedRekordV2(sigstore, signer, content)), content), kind);
  }
});
