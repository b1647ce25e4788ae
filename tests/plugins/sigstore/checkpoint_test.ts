import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { publicKeyDer } from "../../../core/keys.ts";
import { isSignedBy, parseCheckpoint } from "../../../plugins/sigstore/checkpoint.ts";
import { MemberError } from "../../../plugins/sigstore/members.ts";
import type { Log } from "../../../plugins/sigstore/trusted_root.ts";

const ROOT = createHash("sha256").update("root").digest("base64");

function log(): { readonly log: Log; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = createHash("sha256").update(publicKeyDer(publicKey)).digest("hex");
  return {
    log: {
      baseUrl: "https://log.example",
      id,
      key: publicKey,
      digest: "sha256",
      validFor: { start: new Date(0) },
    },
    privateKey,
  };
}

function line(text: string, id: string, key: KeyObject, name = "log.example"): string {
  const signature = sign("sha256", Buffer.from(text), key);
  return `\u2014 ${name} ${
    Buffer.concat([Buffer.from(id.slice(0, 8), "hex"), signature]).toString("base64")
  }\n`;
}

const TEXT = `log.example - 1\n42\n${ROOT}\n`;

test("parseCheckpoint() reads origin, size and root, and keeps the signed text", () => {
  const { log: { id }, privateKey } = log();
  const text = `${TEXT}an extension line\n`;
  const checkpoint = parseCheckpoint(`${text}\n${line(text, id, privateKey)}`);
  assert.equal(checkpoint.origin, "log.example - 1");
  assert.equal(checkpoint.treeSize, 42);
  assert.equal(Buffer.from(checkpoint.rootHash).toString("base64"), ROOT);
  assert.equal(Buffer.from(checkpoint.text).toString(), text);
});

test("isSignedBy() finds the log's signature among those of witnesses", () => {
  const [first, second, stranger] = [log(), log(), log()];
  const note = `${TEXT}\n${line(TEXT, first.log.id, first.privateKey, "witness.example/w1")}` +
    line(TEXT, second.log.id, second.privateKey);
  const checkpoint = parseCheckpoint(note);
  assert.ok(!isSignedBy(checkpoint, first.log), "under another name than the origin's");
  assert.ok(isSignedBy(checkpoint, second.log));
  assert.ok(!isSignedBy(checkpoint, stranger.log));
});

test("isSignedBy() refuses another key behind the log's hint, and another text", () => {
  const [mine, other] = [log(), log()];
  const forged = parseCheckpoint(`${TEXT}\n${line(TEXT, mine.log.id, other.privateKey)}`);
  assert.ok(!isSignedBy(forged, mine.log));
  const larger = TEXT.replace("42", "43");
  const moved = parseCheckpoint(`${larger}\n${line(TEXT, mine.log.id, mine.privateKey)}`);
  assert.ok(!isSignedBy(moved, mine.log));
});

test("isSignedBy() looks for signatures with the hint of the log's key", () => {
  const { log: mine, privateKey } = log();
  const other = parseCheckpoint(`${TEXT}\n${line(TEXT, "00000000", privateKey)}`);
  assert.ok(!isSignedBy(other, mine));
});

test("parseCheckpoint() refuses notes that are not well-formed", () => {
  const { log: { id }, privateKey } = log();
  const signature = line(TEXT, id, privateKey);
  const cases = {
    "no signature": TEXT,
    "an empty signature block": `${TEXT}\n`,
    "no blank line": `${TEXT}${signature}`,
    "no newline at the end": `${TEXT}\n${signature.slice(0, -1)}`,
    "no origin": `\n42\n${ROOT}\n\n${signature}`,
    "a size with a sign": `${TEXT.replace("42", "-42")}\n${signature}`,
    "a size with a leading zero": `${TEXT.replace("42", "042")}\n${signature}`,
    "a size that is too large": `${TEXT.replace("42", "9".repeat(17))}\n${signature}`,
    "a short root": `${TEXT.replace(ROOT, "AAAA")}\n${signature}`,
    "a root that is not base64": `${TEXT.replace(ROOT, ROOT.replace(/=$/, "*"))}\n${signature}`,
    "a plain hyphen": `${TEXT}\n${signature.replace("\u2014", "-")}`,
    "a signature of four bytes": `${TEXT}\n\u2014 log.example AAAAAA==\n`,
    "text after the signatures": `${TEXT}\n${signature}x\n`,
    "too many signatures": `${TEXT}\n${signature.repeat(101)}`,
    "too long": `${"x".repeat(70_000)}${TEXT}\n${signature}`,
  };
  for (const [what, note] of Object.entries(cases)) {
    assert.throws(() => parseCheckpoint(note), MemberError, what);
  }
});
