/** Parsers of untrusted input under random and mutated input: findings or values, never anything thrown. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { parseBundle, writeBundle } from "../../core/bundle.ts";
import { JsonError, parseJson } from "../../core/json.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import { parseShardName } from "../../core/shard.ts";
import { printable } from "../../core/text.ts";
import { bundleOf, digestsStatementOf, encode, statementOf } from "../support/bundles.ts";
import { mutated } from "./_mutated.ts";

const SHARDS = { method: "shards", hash_type: "blake3", allow_symlinks: true, shard_size: 4 };

const STATEMENTS: readonly Uint8Array[] = [
  statementOf(["a", "b/c", "\uffff", "\u{10000}"]),
  statementOf(["a:0:4", "a:4:8", "b:0:1"], SHARDS),
  digestsStatementOf({ a: "1", b: "2" }),
].map(encode);

const CERTIFICATE = { rawBytes: "MAA=" };

const BUNDLES: readonly Uint8Array[] = [
  { publicKey: { hint: "ab" }, tlogEntries: [] },
  { publicKey: { rawBytes: "QUI=" } },
  { x509CertificateChain: { certificates: [CERTIFICATE, CERTIFICATE] } },
  {
    certificate: CERTIFICATE,
    tlogEntries: [{ logIndex: "1" }],
    timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: "MAA=" }] },
  },
].map((verificationMaterial) => encode({ ...bundleOf(), verificationMaterial }));

function assertPrintable(message: string): void {
  assert.equal(printable(message), message);
  assert.ok(message.length < 5000);
}

test("parseJson() gives a value or a JsonError for any bytes", () => {
  fc.assert(
    fc.property(mutated([...BUNDLES, ...STATEMENTS]), (bytes) => {
      try {
        parseJson(bytes);
      } catch (error) {
        assert.ok(error instanceof JsonError);
        assertPrintable(error.message);
      }
    }),
    { numRuns: 1500 },
  );
});

test("parseBundle() gives a bundle that can be written again, or a finding, for any bytes", () => {
  fc.assert(
    fc.property(mutated(BUNDLES), (bytes) => {
      const result = parseBundle(bytes);
      if (!result.ok) return assertPrintable(result.issue.message);
      // A bundle of before 1.1.0 has no hint; we do not write such.
      if (result.value.material.kind === "public-key" && !("hint" in result.value.material)) return;
      const again = parseBundle(writeBundle(result.value));
      assert.ok(again.ok, again.ok ? "" : again.issue.message);
    }),
    { numRuns: 1500 },
  );
});

test("parseStatement() gives a statement that keeps its promises, or a finding, for any bytes", () => {
  fc.assert(
    fc.property(mutated(STATEMENTS), fc.boolean(), (bytes, windowsNames) => {
      const result = parseStatement(bytes, { windowsNames });
      if (!result.ok) return assertPrintable(result.issue.message);
      const { resources, serialization } = result.value.manifest;
      assert.ok(resources.length > 0);
      for (const { name } of resources) {
        const path = serialization.method === "files" ? name : parseShardName(name)!.path;
        assert.ok(path === "." || !/^\/|(?:^|\/)(?:\.{0,2})(?:\/|$)|[\0\ufffd]/.test(path), path);
        assert.ok(path.isWellFormed());
      }
    }),
    { numRuns: 1500 },
  );
});

test("parseStatement() accepts no mutation of what decides the digests", () => {
  const [payload] = STATEMENTS;
  const text = Buffer.from(payload!).toString("utf8");
  const digests = [...text.matchAll(/[0-9a-f]{64}/g)].map(({ index }) => index);
  fc.assert(
    fc.property(
      fc.constantFrom(...digests),
      fc.nat(63),
      fc.constantFrom(..."0123456789abcdef"),
      (start, offset, digit) => {
        const at = start + offset;
        fc.pre(text[at] !== digit);
        const changed = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`;
        const result = parseStatement(encode(changed));
        assert.equal(result.ok ? undefined : result.issue.code, "ROOT_DIGEST_MISMATCH");
      },
    ),
    { numRuns: 300 },
  );
});
