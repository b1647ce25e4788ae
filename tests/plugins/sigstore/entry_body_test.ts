import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { envelopeContent } from "../../../plugins/sigstore/content.ts";
import { bodyIssue } from "../../../plugins/sigstore/entry_body.ts";
import type { LogEntry } from "../../../plugins/sigstore/entry.ts";
import { base64, type Loose, PAYLOAD_TYPE, preAuthentication } from "../../support/bundles.ts";
import { leaves, replaced } from "../../support/mutations.ts";
import { entryBody, type EntryFields, type EntryKind } from "../../support/sigstore_log.ts";
import { messageContent } from "../../support/sigstore_message.ts";

const KINDS: readonly EntryKind[] = [
  ...["dsse 0.0.1", "dsse 0.0.2", "intoto 0.0.2"] as const,
  ...["hashedrekord 0.0.1", "hashedrekord 0.0.2"] as const,
];

/** Kinds for signatures over anything. */
const HASHED: readonly EntryKind[] = ["hashedrekord 0.0.1", "hashedrekord 0.0.2"];

const PAYLOAD = Buffer.from("payload");
const FIELDS = {
  payload: PAYLOAD,
  signed: preAuthentication(PAYLOAD),
  signature: Buffer.from("signature"),
  certificate: Buffer.from("certificate"),
} satisfies EntryFields;
const ENVELOPE = envelopeContent({
  payloadType: PAYLOAD_TYPE,
  payload: PAYLOAD,
  signature: FIELDS.signature,
});

/** Code of what is wrong with a body, `ok` when nothing is. */
function judge(
  kind: string,
  body: Loose,
  { content = ENVELOPE, signer = FIELDS.certificate as Uint8Array } = {},
): string {
  const [name = "", version = ""] = kind.split(" ");
  const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const entry: LogEntry = { logId: "00", logIndex: 0, kind: name, version, body: bytes };
  return bodyIssue(entry, content, signer)?.code ?? "ok";
}

/** A body after a change of its spec. */
function changed(kind: EntryKind, change: (spec: Loose) => void): Loose {
  const body = entryBody(kind, FIELDS);
  change(body.spec);
  return body;
}

test("bodyIssue() accepts each kind of entry for an envelope", () => {
  for (const kind of KINDS) assert.equal(judge(kind, entryBody(kind, FIELDS)), "ok", kind);
});

test("bodyIssue() accepts entries by their public key", () => {
  const publicKey = Buffer.from("public key");
  for (const kind of KINDS) {
    const body = entryBody(kind, { ...FIELDS, publicKey });
    assert.equal(judge(kind, body, { signer: publicKey }), "ok", kind);
    assert.equal(judge(kind, body), "TLOG_ENTRY_MISMATCH", kind);
  }
});

test("bodyIssue() accepts every digest that logs name", () => {
  for (const digest of ["sha256", "sha384", "sha512"] as const) {
    for (const kind of KINDS) {
      assert.equal(judge(kind, entryBody(kind, { ...FIELDS, digest })), "ok", `${kind} ${digest}`);
    }
  }
});

test("bodyIssue() accepts hashes of a message, and no entries of envelopes for one", () => {
  const content = messageContent(FIELDS.signed, FIELDS.signature);
  for (const kind of KINDS) {
    const expected = HASHED.includes(kind) ? "ok" : "TLOG_ENTRY_MISMATCH";
    assert.equal(judge(kind, entryBody(kind, FIELDS), { content }), expected, kind);
  }
});

test("bodyIssue() tells another signature, signer and content", () => {
  const other = Buffer.from("other");
  for (const kind of KINDS) {
    for (
      const change of [
        { signature: other },
        { certificate: other },
        { payload: other, signed: preAuthentication(other) },
      ]
    ) {
      const body = entryBody(kind, { ...FIELDS, ...change });
      assert.equal(judge(kind, body), "TLOG_ENTRY_MISMATCH", `${kind} ${Object.keys(change)}`);
    }
  }
});

test("bodyIssue() does not take the digest of the payload for that of what was signed", () => {
  for (const kind of HASHED) {
    const body = entryBody(kind, { ...FIELDS, signed: PAYLOAD });
    assert.equal(judge(kind, body), "TLOG_ENTRY_MISMATCH", kind);
  }
});

test("bodyIssue() refuses kinds that it does not know, and a kind that is not the body's", () => {
  const body = entryBody("dsse 0.0.1", FIELDS);
  for (
    const kind of ["dsse 0.0.2", "hashedrekord 0.0.1", "dsse 1.0.0", "intoto 0.0.1", "rpm 0.0.1"]
      .concat("constructor ", " constructor", "__proto__ 0.0.1")
  ) assert.equal(judge(kind, body), "TLOG_ENTRY_MALFORMED", kind);
  for (const change of [{ kind: "intoto" }, { apiVersion: "0.0.2" }, { kind: undefined }]) {
    assert.equal(judge("dsse 0.0.1", { ...body, ...change }), "TLOG_ENTRY_MALFORMED");
  }
});

test("bodyIssue() refuses bodies that are not JSON objects", () => {
  for (const body of ["", "null", "[]", "{", "\u{feff}{}", '{"kind":"dsse","kind":"dsse"}', "1"]) {
    assert.equal(judge("dsse 0.0.1", body), "TLOG_ENTRY_MALFORMED", body);
  }
  const many = { ...entryBody("dsse 0.0.1", FIELDS), more: Array(2000).fill(0) };
  assert.equal(judge("dsse 0.0.1", many), "TLOG_ENTRY_MALFORMED");
});

test("bodyIssue() refuses more or fewer than one signature", () => {
  const lists: readonly (readonly [EntryKind, (spec: Loose) => Loose])[] = [
    ["dsse 0.0.1", (spec) => spec.signatures],
    ["dsse 0.0.2", (spec) => spec.dsseV002.signatures],
    ["intoto 0.0.2", (spec) => spec.content.envelope.signatures],
  ];
  for (const [kind, listIn] of lists) {
    const twice = changed(kind, (spec) => listIn(spec).push(listIn(spec)[0]));
    const none = changed(kind, (spec) => listIn(spec).length = 0);
    for (const body of [twice, none]) assert.equal(judge(kind, body), "TLOG_ENTRY_MALFORMED", kind);
  }
});

test("bodyIssue() refuses digests by other names and in other encodings", () => {
  const hex = changed("dsse 0.0.1", () => {}).spec.payloadHash.value;
  const hexes = ["", "abc", hex.toUpperCase(), ` ${hex}`, "zz", 1, null];
  const texts: readonly [string, Loose][] = [
    ...hexes.map((value): [string, Loose] => ["value", value]),
    ...["sha1", "SHA256", "sha512/256", "constructor", "__proto__", null, 1]
      .map((value): [string, Loose] => ["algorithm", value]),
  ];
  for (const [member, value] of texts) {
    const body = changed("dsse 0.0.1", (spec) => spec.payloadHash[member] = value);
    assert.equal(judge("dsse 0.0.1", body), "TLOG_ENTRY_MALFORMED", `${member} ${value}`);
  }
  const protos: readonly [string, Loose][] = [
    ...["", "!", "QQ", null].map((value): [string, Loose] => ["digest", value]),
    ...["sha256", "SHA3_256", "constructor", "toString", "__proto__", null, 1]
      .map((value): [string, Loose] => ["algorithm", value]),
  ];
  for (const [member, value] of protos) {
    const body = changed(
      "hashedrekord 0.0.2",
      (spec) => spec.hashedRekordV002.data[member] = value,
    );
    assert.equal(judge("hashedrekord 0.0.2", body), "TLOG_ENTRY_MALFORMED", `${member} ${value}`);
  }
});

test("bodyIssue() refuses signers that are not one PEM block, or no DER at all", () => {
  const block = Buffer.from(entryBody("dsse 0.0.1", FIELDS).spec.signatures[0].verifier, "base64");
  for (const pem of ["", "no PEM", Buffer.concat([block, block])]) {
    const body = changed("dsse 0.0.1", (spec) => {
      spec.signatures[0].verifier = base64(Buffer.from(pem));
    });
    assert.equal(judge("dsse 0.0.1", body), "TLOG_ENTRY_MALFORMED");
  }
  for (const verifier of [{}, null, { publicKey: {} }, { x509Certificate: { rawBytes: "" } }]) {
    const body = changed("hashedrekord 0.0.2", (spec) => {
      spec.hashedRekordV002.signature.verifier = verifier;
    });
    assert.equal(judge("hashedrekord 0.0.2", body), "TLOG_ENTRY_MALFORMED");
  }
});

test("bodyIssue() refuses a signature of an in-toto entry that is encoded once only", () => {
  const body = changed("intoto 0.0.2", ({ content }) => {
    content.envelope.signatures[0].sig = base64(FIELDS.signature);
  });
  assert.equal(judge("intoto 0.0.2", body), "TLOG_ENTRY_MALFORMED");
});

/** Members that nobody reads: what binds them is the signature, or nothing does. */
const UNREAD = /envelopeHash|content\.hash|keyDetails|payloadType/;

test("bodyIssue() refuses members of the wrong kind anywhere", () => {
  for (const kind of KINDS) {
    const body = entryBody(kind, FIELDS);
    const paths = [...leaves(body)].map(({ path }) => path)
      .filter((path) => !UNREAD.test(path.join(".")));
    assert.ok(paths.length > 4);
    for (const path of paths) {
      for (const other of [undefined, null, {}, [], 7, ""]) {
        const code = judge(kind, replaced(body, path, other));
        assert.equal(code, "TLOG_ENTRY_MALFORMED", `${kind} ${path.join(".")}`);
      }
    }
  }
});
