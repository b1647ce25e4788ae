/** A signed bundle with one thing changed: every field, every certificate byte, every line of a checkpoint. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { Loose } from "../../support/bundles.ts";
import { startSigstore } from "../../support/sigstore.ts";
import {
  bundleOf,
  failures,
  policyOf,
  sigstoreBundle,
  trustIn,
  verifyJson,
} from "../../support/sigstore_bundles.ts";

/** A changed bundle and what was changed. */
type Variant = { readonly what: string; readonly json: Loose };

/** Every leaf of a JSON value: its path and its value. */
function* leaves(value: Loose, path: readonly (string | number)[] = []): Generator<
  { readonly path: readonly (string | number)[]; readonly value: Loose }
> {
  if (value !== null && typeof value === "object") {
    for (const [key, member] of Object.entries(value)) yield* leaves(member, [...path, key]);
  } else yield { path, value };
}

function replaced(json: Loose, path: readonly (string | number)[], value: Loose): Loose {
  const copy = structuredClone(json);
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = holder[key];
  if (value === undefined) delete holder[path.at(-1)!];
  else holder[path.at(-1)!] = value;
  return copy;
}

/**
 * Other values of the same kind. Of a timestamp only the ends are changed: it brings its authority's certificates,
 * which no signature of its own covers.
 */
function otherValues(value: Loose, isTimestamp: boolean): readonly Loose[] {
  if (typeof value === "number") return [value + 1, value === 0 ? 7 : value - 1];
  if (/^[0-9]+$/.test(value)) return [String(Number(value) + 1), value === "0" ? "7" : "0"];
  if (value.includes("\n")) return otherNotes(value);
  const bytes = Buffer.from(value, "base64");
  if (bytes.length < 16 || bytes.toString("base64") !== value) return [`${value}x`];
  const at = [0, 1, ...(isTimestamp ? [] : [bytes.length >> 1]), bytes.length - 1];
  return [
    ...at.map((index) => flipped(bytes, index)),
    bytes.subarray(0, -1).toString("base64"),
    Buffer.concat([bytes, Buffer.of(0)]).toString("base64"),
  ];
}

/** A checkpoint with each of its lines changed, left out, and doubled. */
function otherNotes(note: string): readonly string[] {
  const lines = note.split("\n");
  return lines.flatMap((line, index) => [
    lines.with(index, `${line}x`).join("\n"),
    ...(line === "" ? [] : [lines.with(index, line.slice(0, -1)).join("\n")]),
    lines.toSpliced(index, 1).join("\n"),
    lines.toSpliced(index, 0, "0").join("\n"),
    lines.with(index, line.replace(/^\u2014 ./, "\u2014 x")).join("\n"),
  ]).filter((changed) => changed !== note);
}

/** The bundle without the checkpoint's signatures by others than the log: they are not trusted, so not looked at. */
function withoutCosignatures(json: Loose): Loose {
  const { checkpoint } = json.verificationMaterial.tlogEntries[0].inclusionProof;
  const [text, signatures] = checkpoint.envelope.split("\n\n");
  const [origin] = text.split("\n");
  const own = signatures.split("\n").filter((line: string) =>
    origin.startsWith(line.split(" ")[1]!)
  );
  checkpoint.envelope = `${text}\n\n${own[0]}\n`;
  return json;
}

function flipped(bytes: Uint8Array, index: number): string {
  const copy = Buffer.from(bytes);
  copy[index]! ^= 1;
  return copy.toString("base64");
}

/** Every leaf changed in several ways, and every leaf left out. */
function* variants(json: Loose): Generator<Variant> {
  for (const { path, value } of leaves(json)) {
    const where = path.join(".");
    for (const [index, other] of otherValues(value, /signedTimestamp$/.test(where)).entries()) {
      yield { what: `${where} (${index})`, json: replaced(json, path, other) };
    }
    yield { what: `${where} left out`, json: replaced(json, path, undefined) };
  }
}

for (const rekor of [1, 2] as const) {
  test(`no field of a bundle with an entry of Rekor v${rekor} can be changed or left out`, async () => {
    await using sigstore = await startSigstore();
    const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
    const json = withoutCosignatures(await sigstoreBundle(sigstore, { rekor }));
    assert.deepEqual(failures(await verifyJson(json, trust, policy)), {});
    let count = 0;
    for (const { what, json: changed } of variants(json)) {
      // ProtoJSON leaves zeros and empty lists out.
      if (/(?:integratedTime) left out$/.test(what) && rekor === 2) continue;
      count++;
      if (bundleOf(changed) === undefined) continue;
      const found = await verifyJson(changed, trust, policy);
      assert.equal(found.identity, undefined, what);
      assert.notDeepEqual(failures(found), {}, what);
    }
    assert.ok(count > 100, `${count} variants`);
  });
}

test("no byte of the certificate can be changed", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore);
  const path = ["verificationMaterial", "certificate", "rawBytes"];
  const der = Buffer.from(json.verificationMaterial.certificate.rawBytes, "base64");
  for (const index of der.keys()) {
    const found = await verifyJson(replaced(json, path, flipped(der, index)), trust, policy);
    assert.notDeepEqual(failures(found), {}, `byte ${index}`);
    assert.equal(found.identity, undefined);
  }
});

test("no byte of the signature and none of the payload can be changed", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore, { rekor: 2 });
  for (
    const path of [["dsseEnvelope", "payload"], ["dsseEnvelope", "signatures", 0, "sig"]] as const
  ) {
    const bytes = Buffer.from(
      path.reduce((holder: Loose, key) => holder[key], json),
      "base64",
    );
    for (const index of bytes.keys()) {
      const found = await verifyJson(replaced(json, path, flipped(bytes, index)), trust, policy);
      assert.equal(failures(found)["signature"], "SIGNATURE_INVALID", `${path} ${index}`);
    }
  }
});
