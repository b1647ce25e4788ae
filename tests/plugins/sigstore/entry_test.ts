import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { isOfRekor2, parseEntry } from "../../../plugins/sigstore/entry.ts";
import { base64, type Loose } from "../../support/bundles.ts";
import { leaves, replaced } from "../../support/mutations.ts";
import { AnyLog } from "../../support/sigstore_log.ts";

const [V1, V2] = [
  new AnyLog(1).enter({ kind: "dsse", apiVersion: "0.0.1" }),
  new AnyLog(2).enter({ kind: "hashedrekord", apiVersion: "0.0.2" }),
];

/** `ok`, or the code of what is wrong. */
function judge(json: Loose): string {
  const parsed = parseEntry(json);
  return parsed.ok ? "ok" : parsed.issue.code;
}

/** The entry of Rekor v1 after a change. */
function changed(change: Loose): Loose {
  return { ...V1, ...change };
}

test("parseEntry() reads entries of both versions of Rekor", () => {
  const v1 = parseEntry(V1);
  assert.ok(v1.ok);
  assert.equal(v1.value.kind, "dsse");
  assert.equal(v1.value.logIndex, Number(V1.logIndex));
  assert.equal(v1.value.logId, Buffer.from(V1.logId.keyId, "base64").toString("hex"));
  assert.equal(v1.value.integratedTime?.getTime(), Number(V1.integratedTime) * 1000);
  assert.ok(v1.value.promise);
  assert.equal(v1.value.proof?.hashes.length, V1.inclusionProof.hashes.length);
  const v2 = parseEntry(V2);
  assert.ok(v2.ok);
  assert.equal(v2.value.integratedTime, undefined);
  assert.equal(v2.value.promise, undefined);
  assert.equal(v2.value.proof?.treeSize, Number(V2.inclusionProof.treeSize));
});

test("parseEntry() takes numbers as texts and as numbers, and 0 when there is none", () => {
  for (const logIndex of [7, "7"]) {
    const parsed = parseEntry(changed({ logIndex }));
    assert.equal(parsed.ok && parsed.value.logIndex, 7);
  }
  const parsed = parseEntry(changed({ logIndex: undefined }));
  assert.equal(parsed.ok && parsed.value.logIndex, 0);
});

test("parseEntry() takes null for members that are not there", () => {
  const parsed = parseEntry(changed({ inclusionPromise: null, inclusionProof: null }));
  assert.ok(parsed.ok);
  assert.equal(parsed.value.promise, undefined);
  assert.equal(parsed.value.proof, undefined);
});

test("parseEntry() refuses numbers that are none", () => {
  for (
    const number of [
      -1,
      "-1",
      1.5,
      "1.5",
      "01",
      "+1",
      " 1",
      "1e3",
      "0x1",
      2 ** 53,
      "9007199254740992",
    ]
      .concat([null, true, {}, [], ""] as Loose)
  ) {
    for (const member of ["logIndex", "integratedTime"]) {
      assert.equal(judge(changed({ [member]: number })), "TLOG_ENTRY_MALFORMED", `${number}`);
    }
    const inclusionProof = { ...V1.inclusionProof, treeSize: number };
    assert.equal(judge(changed({ inclusionProof })), "TLOG_ENTRY_MALFORMED", `${number}`);
  }
});

test("parseEntry() refuses a time that no calendar has", () => {
  assert.equal(judge(changed({ integratedTime: "8640000000000" })), "ok");
  assert.equal(judge(changed({ integratedTime: "8640000000001" })), "TLOG_ENTRY_MALFORMED");
});

test("parseEntry() refuses a time in an entry of Rekor v2 that promises nothing", () => {
  for (const promise of [{}, { inclusionPromise: null }]) {
    assert.equal(judge({ ...V2, ...promise, integratedTime: "1" }), "TLOG_ENTRY_MALFORMED");
    assert.equal(judge({ ...V2, ...promise, integratedTime: "0" }), "ok");
  }
  const kindVersion = { kind: "intoto", version: "0.0.2" };
  assert.equal(judge({ ...V2, kindVersion, integratedTime: "1" }), "ok");
});

test("parseEntry() refuses more than a proof, a log's id and a kind can have", () => {
  const hash = base64(new Uint8Array(32));
  const cases: readonly (readonly [string, Loose])[] = [
    ["ok", { inclusionProof: { ...V1.inclusionProof, hashes: Array(64).fill(hash) } }],
    ["no", { inclusionProof: { ...V1.inclusionProof, hashes: Array(65).fill(hash) } }],
    ["no", { inclusionProof: { ...V1.inclusionProof, hashes: [base64(new Uint8Array(31))] } }],
    ["no", { inclusionProof: { ...V1.inclusionProof, rootHash: base64(new Uint8Array(33)) } }],
    ["ok", { logId: { keyId: base64(new Uint8Array(64)) } }],
    ["no", { logId: { keyId: base64(new Uint8Array(65)) } }],
    ["ok", { kindVersion: { kind: "x".repeat(50), version: "1" } }],
    ["no", { kindVersion: { kind: "x".repeat(51), version: "1" } }],
    ["no", { kindVersion: { kind: "x", version: "1".repeat(51) } }],
  ];
  for (const [expected, change] of cases) {
    const code = expected === "ok" ? "ok" : "TLOG_ENTRY_MALFORMED";
    assert.equal(judge(changed(change)), code, JSON.stringify(change).slice(0, 80));
  }
});

test("parseEntry() refuses members of the wrong kind anywhere", () => {
  for (const json of [V1, V2]) {
    for (const { path } of leaves(json)) {
      for (const other of [true, {}, [], "", "!"]) {
        const what = `${path.join(".")} ${JSON.stringify(other)}`;
        // A kind may be any text; whether it is known is asked later.
        if (path[0] === "kindVersion" && other === "!") continue;
        assert.equal(judge(replaced(json, path, other)), "TLOG_ENTRY_MALFORMED", what);
      }
    }
  }
});

test("isOfRekor2() tells the two versions of Rekor apart", () => {
  for (const kind of ["hashedrekord", "dsse"]) {
    assert.ok(isOfRekor2({ kind, version: "0.0.2" }));
    assert.ok(!isOfRekor2({ kind, version: "0.0.1" }));
  }
  assert.ok(!isOfRekor2({ kind: "intoto", version: "0.0.2" }));
});
