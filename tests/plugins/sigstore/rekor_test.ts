import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { pae, PAYLOAD_TYPE } from "../../../core/dsse.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { RunOptions } from "../../../core/options.ts";
import { envelopeContent } from "../../../plugins/sigstore/content.ts";
import { parseEntry } from "../../../plugins/sigstore/entry.ts";
import type { NewEntry } from "../../../plugins/sigstore/new_entry.ts";
import { addToLog } from "../../../plugins/sigstore/rekor.ts";
import { signOnce } from "../../../plugins/sigstore/signer.ts";
import type { Service } from "../../../plugins/sigstore/signing_config.ts";
import type { Loose } from "../../support/bundles.ts";
import { type Sigstore, startSigstore } from "../../support/sigstore.ts";
import {
  assertAborts,
  assertAskedAgain,
  assertTroubles,
  faultOf,
  identityToken,
  servicesOf,
} from "./_signing.ts";

const PAYLOAD = Buffer.from('{"_type":"https://in-toto.io/Statement/v1"}');
const VERSIONS = [1, 2] as const;
const NAMES = { 1: "rekor", 2: "rekor2" } as const;

function logOf(sigstore: Sigstore, version: 1 | 2): Service {
  return servicesOf(sigstore, version).logs[0]!;
}

async function signed(sigstore: Sigstore, bytes: Uint8Array): ReturnType<typeof signOnce> {
  return await signOnce(bytes, {
    services: servicesOf(sigstore, 1),
    tokenSource: { token: () => identityToken(sigstore) },
  }, {});
}

async function newEnvelope(sigstore: Sigstore): Promise<NewEntry> {
  const { signature, material } = await signed(sigstore, pae(PAYLOAD_TYPE, PAYLOAD));
  const envelope = { payloadType: PAYLOAD_TYPE, payload: PAYLOAD, signature };
  return {
    content: envelopeContent(envelope),
    envelope: { payloadType: PAYLOAD_TYPE, payload: PAYLOAD },
    certificate: material.certificate,
  };
}

test("addToLog() gives an entry of the kind that the log's version takes", async () => {
  await using sigstore = await startSigstore();
  const envelope = await newEnvelope(sigstore);
  const cases = [
    [1, envelope, "dsse 0.0.1"],
    [2, envelope, "hashedrekord 0.0.2"],
  ] as const;
  for (const [version, entry, expected] of cases) {
    const parsed = parseEntry(await addToLog(logOf(sigstore, version), entry, {}));
    assert.ok(parsed.ok);
    const { kind, version: kindVersion, promise, integratedTime, proof } = parsed.value;
    assert.equal(`${kind} ${kindVersion}`, expected);
    assert.ok(proof && proof.hashes.length > 0);
    assert.equal(promise !== undefined, version === 1, "only Rekor v1 promises");
    assert.equal(integratedTime !== undefined, version === 1, "only Rekor v1 tells the time");
  }
});

test("addToLog() keeps the members that a bundle has, numbers as texts", async () => {
  await using sigstore = await startSigstore();
  const entry = await newEnvelope(sigstore);
  const own = [
    "logIndex",
    "logId",
    "kindVersion",
    "inclusionProof",
    "canonicalizedBody",
  ];
  const inOne = [...own, "integratedTime", "inclusionPromise"];
  for (const [version, members] of [[1, inOne], [2, own]] as const) {
    const added: Loose = await addToLog(logOf(sigstore, version), entry, {});
    assert.deepEqual(Object.keys(added).sort(), [...members].sort());
    const { inclusionProof: proof } = added;
    assert.deepEqual(
      Object.keys(proof).sort(),
      ["checkpoint", "hashes", "logIndex", "rootHash", "treeSize"],
    );
    for (const number of [added.logIndex, proof.logIndex, proof.treeSize]) {
      assert.match(number, /^[0-9]+$/);
    }
    for (const hash of [proof.rootHash, ...proof.hashes, added.logId.keyId]) {
      assert.equal(Buffer.from(hash, "base64").length, 32);
    }
  }
});

test("addToLog() ends as the network's failures say", async () => {
  await using sigstore = await startSigstore();
  const entry = await newEnvelope(sigstore);
  for (const version of VERSIONS) {
    const log = logOf(sigstore, version);
    const run = (options: RunOptions) => addToLog(log, entry, options);
    await assertTroubles(sigstore, NAMES[version], run);
    await assertAborts(sigstore, NAMES[version], run);
  }
});

test("addToLog() asks a log again that failed once", async () => {
  await using sigstore = await startSigstore();
  for (const version of VERSIONS) {
    const log = logOf(sigstore, version);
    const entries: NewEntry[] = [];
    while (entries.length < 3) entries.push(await newEnvelope(sigstore));
    await assertAskedAgain(
      sigstore,
      NAMES[version],
      () => addToLog(log, entries.pop()!, {}),
    );
  }
});

test("addToLog() fetches an entry that Rekor v1 has already", async () => {
  await using sigstore = await startSigstore();
  const log = logOf(sigstore, 1);
  const entry = await newEnvelope(sigstore);
  const first: Loose = await addToLog(log, entry, {});
  await sigstore.reset();
  const again: Loose = await addToLog(log, entry, {});
  assert.equal(again.logIndex, first.logIndex);
  assert.equal(again.canonicalizedBody, first.canonicalizedBody);
  const methods = (await sigstore.requests()).map(({ method }) => method);
  assert.deepEqual(methods, ["POST", "GET"]);
});

test("addToLog() says what to do when Rekor v2 has the entry already, or takes none any more", async () => {
  await using sigstore = await startSigstore();
  const log = logOf(sigstore, 2);
  const entry = await newEnvelope(sigstore);
  await addToLog(log, entry, {});
  const duplicate = await faultOf(addToLog(log, entry, {}));
  assert.equal(duplicate.code, "NETWORK_STATUS");
  assert.ok(duplicate.hint);
  await sigstore.fault({ service: "rekor2", kind: "status", status: 405 });
  const frozen = await faultOf(addToLog(log, entry, {}));
  assert.equal(frozen.code, "NETWORK_STATUS");
  assert.ok(frozen.hint);
});

test("addToLog() fetches an existing entry from the same log only", async () => {
  await using sigstore = await startSigstore();
  const log = logOf(sigstore, 1);
  const entry = await newEnvelope(sigstore);
  const id = "0".repeat(80);
  const locations: readonly (string | undefined)[] = [
    undefined,
    "",
    "not an address",
    `https://log.example/api/v1/log/entries/${id}`,
    `//log.example/api/v1/log/entries/${id}`,
    `${sigstore.rekor2}/api/v1/log/entries/${id}`,
    `/api/v1/log/entries/../../../../test/requests`,
    `/api/v1/log/entries/${id}/more`,
    `/api/v1/log/entries/${id.slice(1)}`,
    "/api/v1/log/entries/",
    "/elsewhere",
    `file:///api/v1/log/entries/${id}`,
  ];
  for (const location of locations) {
    await sigstore.reset();
    const headers = location === undefined ? {} : { headers: { location } };
    await sigstore.fault({
      service: "rekor",
      kind: "status",
      status: 409,
      body: "{}",
      count: 1,
      ...headers,
    });
    const error = await faultOf(addToLog(log, entry, {}));
    assert.equal(error.code, "NETWORK_RESPONSE", location);
    assert.equal((await sigstore.requests()).length, 1, location);
  }
});

test("addToLog() says that a log may refuse large envelopes", async () => {
  await using sigstore = await startSigstore();
  await sigstore.fault({ service: "rekor", kind: "status", status: 413 });
  const error = await faultOf(addToLog(logOf(sigstore, 1), await newEnvelope(sigstore), {}));
  assert.equal(error.code, "NETWORK_STATUS");
  assert.ok(error.hint);
});

test("addToLog() uploads no envelope to Rekor v1 that is too large to be written", async () => {
  await using sigstore = await startSigstore();
  const entry = await newEnvelope(sigstore);
  const payload = new Uint8Array(128 * 1024 * 1024 + 1);
  const large = { ...entry, envelope: { payloadType: PAYLOAD_TYPE, payload } };
  await sigstore.reset();
  const error = await faultOf(addToLog(logOf(sigstore, 1), large, {}));
  assert.equal(error.code, "BUNDLE_TOO_LARGE_TO_WRITE");
  assert.deepEqual(await sigstore.requests(), []);
});

test("addToLog() refuses an entry about another signature", async () => {
  await using sigstore = await startSigstore();
  const [entry, other] = [await newEnvelope(sigstore), await newEnvelope(sigstore)];
  for (const version of VERSIONS) {
    const log = logOf(sigstore, version);
    await sigstore.fault({ service: NAMES[version], kind: "wrong-body", count: 1 });
    assert.equal((await faultOf(addToLog(log, entry, {}))).code, "NETWORK_RESPONSE");
    const certified = { ...entry, certificate: other.certificate };
    // The log itself may see that the signature is not the certificate's.
    assert.match((await faultOf(addToLog(log, certified, {}))).code, /^NETWORK_/);
  }
});

/** The entry as Rekor v1 answers it. */
function answerV1(added: Loose): Loose {
  const hex = (text: string) => Buffer.from(text, "base64").toString("hex");
  const { inclusionProof: proof } = added;
  return {
    ["0".repeat(80)]: {
      body: added.canonicalizedBody,
      integratedTime: Number(added.integratedTime),
      logID: hex(added.logId.keyId),
      logIndex: Number(added.logIndex),
      verification: {
        signedEntryTimestamp: added.inclusionPromise.signedEntryTimestamp,
        inclusionProof: {
          checkpoint: proof.checkpoint.envelope,
          hashes: proof.hashes.map(hex),
          logIndex: Number(proof.logIndex),
          rootHash: hex(proof.rootHash),
          treeSize: Number(proof.treeSize),
        },
      },
    },
  };
}

/** Every way to leave a member out, or to put something else in its place. */
function* mutations(value: Loose, wrong: readonly unknown[]): Generator<Loose> {
  for (const member of Object.keys(value)) {
    const { [member]: inner, ...others } = value;
    yield others;
    for (const other of wrong) yield { ...others, [member]: other };
    if (inner !== null && typeof inner === "object" && !Array.isArray(inner)) {
      for (const changed of mutations(inner, wrong)) yield { ...others, [member]: changed };
    }
  }
}

test("addToLog() refuses answers in which any member is missing or of another kind", async () => {
  await using sigstore = await startSigstore();
  const entry = await newEnvelope(sigstore);
  for (const version of VERSIONS) {
    const log = logOf(sigstore, version);
    const added: JsonObject = await addToLog(log, entry, {});
    const right = version === 1 ? answerV1(added) : added;
    const served = async (body: Loose) => {
      await sigstore.fault({
        service: NAMES[version],
        kind: "garbage",
        body: JSON.stringify(body),
      });
      return await addToLog(log, entry, {});
    };
    // It is what is wrong that the others are refused for.
    assert.deepEqual(await served(right), added);
    let count = 0;
    for (const wrong of mutations(right, [true, {}, "?", [5], -1])) {
      const run = served(wrong);
      const ended = await run.then(() => "taken", (error) => error.code);
      // A number of 0 and an empty list are left out in ProtoJSON.
      if (ended === "taken") assert.ok(isDefault(wrong, right), JSON.stringify(wrong));
      else assert.equal(ended, "NETWORK_RESPONSE", JSON.stringify(wrong));
      count++;
    }
    assert.ok(count > 60);
    if (version === 1) {
      const two = await faultOf(served({ ...right, other: {} }));
      assert.equal(two.code, "NETWORK_RESPONSE", "two entries");
    }
  }
});

/** Whether the only difference is a missing number or list. */
function isDefault(found: Loose, right: Loose): boolean {
  return Object.keys(right).every((member) => {
    const [left, other] = [found[member], right[member]];
    if (left === undefined) return Array.isArray(other) || /^[0-9]+$/.test(String(other));
    if (typeof other !== "object" || Array.isArray(other)) {
      return JSON.stringify(left) === JSON.stringify(other);
    }
    return isDefault(left, other);
  });
}
