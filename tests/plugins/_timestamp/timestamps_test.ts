/** Timestamps of the key and certificate methods, from a real authority (`openssl ts`). */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Bundle, parseBundle } from "../../../core/bundle.ts";
import { hasherFactory, keySigner, keyVerifier, signModel, verifyModel } from "../../../mod.ts";
import {
  certificateDescriber,
  certificatePlugin,
  certificateVerifier,
} from "../../../plugins/certificate/mod.ts";
import { keyDescriber, keyPlugin } from "../../../plugins/key/mod.ts";
import {
  timestampVerifier,
  type TimestampVerifierOptions,
  timestampWitness,
  timestampWitnesses,
} from "../../../plugins/_timestamp/mod.ts";
import { bundleWith, signedBundle } from "../../support/certificate_bundle.ts";
import { MemorySource } from "../../support/memory_source.ts";
import { Pki } from "../../support/pki.ts";
import { TsaServer } from "../../support/tsa_server.ts";
import { reply, stamp, tsaCertificate, type TsaSpec } from "../_rfc3161/_authority.ts";
import { forge, generalizedTime, utcText } from "../_rfc3161/_forge.ts";

const DAY = 24 * 60 * 60 * 1000;

/** A signed bundle with timestamps over its signature. */
function stamped(
  bundle: Bundle,
  ...stamps: readonly ((signature: Uint8Array) => Uint8Array)[]
): Bundle {
  return { ...bundle, timestamps: stamps.map((make) => make(bundle.envelope.signature)) };
}

/** An authority below a root of its own. */
function authority(pki: Pki, spec: TsaSpec = {}) {
  const root = pki.root();
  const signer = tsaCertificate(pki, root);
  return {
    root,
    signer,
    trust: [readFileSync(root.certificate)],
    over: (signature: Uint8Array) => stamp(pki, signer, signature, spec),
  };
}

async function check(bundle: Bundle, options: TimestampVerifierOptions) {
  const { check, timestamps } = await (await timestampVerifier(options))(bundle, {});
  const code = check.status === "failed" ? check.issue.code : check.status;
  return { code, count: timestamps.length, detail: check.detail };
}

test("timestampVerifier() believes a trusted authority, and counts a repeated timestamp once", async () => {
  using pki = new Pki();
  const tsa = authority(pki);
  const plain = signedBundle(pki.leaf(pki.root()));
  const bundle = stamped(plain, tsa.over);
  const twice = { ...bundle, timestamps: [bundle.timestamps[0]!, bundle.timestamps[0]!] };
  for (const each of [bundle, twice]) {
    const found = await check(each, { trustAnchors: tsa.trust, required: true });
    assert.deepEqual([found.code, found.count], ["passed", 1]);
  }
});

test("timestampVerifier() lets no foreign or unverified timestamp help", async () => {
  using pki = new Pki();
  const [tsa, stranger] = [authority(pki), authority(pki)];
  const bundle = stamped(signedBundle(pki.leaf(pki.root())), stranger.over);
  const cases: readonly (readonly [TimestampVerifierOptions, string])[] = [
    [{}, "skipped"],
    [{ required: true }, "TIMESTAMP_UNTRUSTED"],
    [{ trustAnchors: tsa.trust }, "skipped"],
    [{ trustAnchors: tsa.trust, required: true }, "TIMESTAMP_UNTRUSTED"],
  ];
  for (const [options, expected] of cases) {
    const { code, count } = await check(bundle, options);
    assert.deepEqual([code, count], [expected, 0]);
  }
  const none = { ...bundle, timestamps: [] };
  assert.equal((await check(none, { required: true })).code, "TIMESTAMP_MISSING");
  assert.equal((await check(none, { trustAnchors: tsa.trust })).code, "skipped");
});

test("timestampVerifier() refuses a timestamp over another signature and one that is broken", async () => {
  using pki = new Pki();
  const tsa = authority(pki);
  const plain = signedBundle(pki.leaf(pki.root()));
  const other = stamped(plain, () => tsa.over(new Uint8Array(64)));
  assert.equal((await check(other, { trustAnchors: tsa.trust })).code, "TIMESTAMP_MISMATCH");
  const broken = { ...plain, timestamps: [new Uint8Array(8)] };
  assert.equal((await check(broken, { trustAnchors: tsa.trust })).code, "TIMESTAMP_MALFORMED");
  const many = { ...plain, timestamps: Array.from({ length: 33 }, () => new Uint8Array(8)) };
  assert.equal((await check(many, { trustAnchors: tsa.trust })).code, "TIMESTAMP_MALFORMED");
});

test("timestampVerifier() refuses a time in the future, but for clocks that differ a little", async () => {
  using pki = new Pki();
  const { root, signer, trust } = authority(pki, {});
  for (const [ahead, expected] of [[60_000, "passed"], [DAY, "TIMESTAMP_UNTRUSTED"]] as const) {
    const time = generalizedTime(utcText(new Date(Date.now() + ahead)));
    const bundle = stamped(
      signedBundle(pki.leaf(root)),
      (signature) => forge(signer, signature, { time }),
    );
    assert.equal((await check(bundle, { trustAnchors: trust })).code, expected);
  }
});

test("timestampVerifier() needs a self-signed certificate among those given", async () => {
  using pki = new Pki();
  const { signer } = authority(pki);
  await assert.rejects(timestampVerifier({ trustAnchors: [readFileSync(signer.certificate)] }), {
    code: "TRUST_ANCHOR_MISSING",
  });
});

test("a certificate that has expired since is accepted by a timestamp, and by nothing less", async () => {
  using pki = new Pki();
  const tsa = authority(pki);
  const root = pki.root({ to: 4000 });
  const bundle = stamped(signedBundle(pki.leaf(root, { to: 10 })), tsa.over);
  const now = new Date(Date.now() + 20 * DAY);
  const verdict = async (timestamps: TimestampVerifierOptions) => {
    const verifier = await certificateVerifier({
      trustAnchors: [readFileSync(root.certificate)],
      now,
      timestampVerifier: await timestampVerifier(timestamps),
    });
    const { identity, checks } = await verifier.verify(bundle, {});
    const failed = checks.flatMap((each) => each.status === "failed" ? [each.issue.code] : []);
    return [identity !== undefined, ...failed];
  };
  assert.deepEqual(await verdict({ trustAnchors: tsa.trust }), [true]);
  assert.deepEqual(await verdict({}), [false, "CERTIFICATE_EXPIRED"]);
  const stranger = authority(pki);
  assert.deepEqual(await verdict({ trustAnchors: stranger.trust }), [false, "CERTIFICATE_EXPIRED"]);
});

test("the descriptions of key and certificate bundles tell what their timestamps claim", async () => {
  using pki = new Pki();
  const tsa = authority(pki);
  const leaf = pki.leaf(tsa.root);
  const key = bundleWith(leaf, { kind: "public-key", hint: "0" });
  for (
    const [describer, plain] of [[keyDescriber, key], [
      certificateDescriber,
      signedBundle(leaf),
    ]] as const
  ) {
    const bundle = stamped(plain, tsa.over, () => new Uint8Array(3));
    const { fields = [] } = await describer.describe(bundle, {}) ?? {};
    const [claimed, broken] = fields.filter(([label]) => label === "timestamp");
    assert.match(claimed?.[1] ?? "", /^20[0-9T:-]+Z by CN=tsa,O=Example$/);
    assert.equal(broken?.[1], "malformed");
  }
});

test("timestampWitness() brings a timestamp that is believed", async () => {
  using pki = new Pki();
  const tsa = authority(pki);
  await using server = await TsaServer.start((query) => reply(pki, tsa.signer, query));
  const { envelope, ...bundle } = signedBundle(pki.leaf(pki.root()));
  const signed = {
    signature: envelope.signature,
    publicKey: new Uint8Array(),
    material: bundle.material,
  };
  const { timestamps } = await timestampWitness({ url: server.url }).witness(envelope, signed, {});
  const found = await check({ ...bundle, envelope, timestamps: timestamps! }, {
    trustAnchors: tsa.trust,
  });
  assert.deepEqual([found.code, found.count], ["passed", 1]);
});

test("signModel() and verifyModel() carry a timestamp over a key's signature", async () => {
  using pki = new Pki();
  const tsa = authority(pki);
  await using server = await TsaServer.start((query) => reply(pki, tsa.signer, query));
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const source = new MemorySource({ "weights.bin": "weights" });
  const hasher = hasherFactory({ jobs: 1 });
  const model = { source, hasher, signer: keySigner({ privateKey }) };
  const verdict = async (bytes: Uint8Array) => {
    const verifier = keyVerifier({
      publicKeys: [publicKey],
      timestampVerifier: await timestampVerifier({ trustAnchors: tsa.trust, required: true }),
    });
    const report = await verifyModel({ source, hasher, bundle: parseBundle(bytes), verifier });
    const codes = report.verdict === "verified" ? [] : report.issues.map(({ code }) => code);
    return [report.verdict, report.timestamps.map(({ source }) => source), codes];
  };

  const witnesses = [timestampWitness({ url: String(server.url) })];
  const signed = await signModel({ ...model, witnesses });
  assert.deepEqual(await verdict(signed.bytes), ["verified", ["rfc3161"], []]);
  assert.equal(server.queries.length, 1);
  const plain = await signModel(model);
  assert.deepEqual(await verdict(plain.bytes), ["rejected", [], ["TIMESTAMP_MISSING"]]);
});

test("timestampWitness() refuses an address that cannot be used", () => {
  for (const url of ["ftp://a.example", "a.example", new URL("https://user:secret@a.example")]) {
    assert.throws(() => timestampWitness({ url }), { code: "USAGE" }, String(url));
  }
});

test("timestampWitnesses() takes addresses of http and https, and no others", () => {
  assert.equal(
    timestampWitnesses({ "tsa-url": ["http://a.example", "https://b.example/x"] }).length,
    2,
  );
  assert.deepEqual(timestampWitnesses({}), []);
  for (const url of ["ftp://a.example", "a.example", "", "https://user:secret@a.example"]) {
    assert.throws(() => timestampWitnesses({ "tsa-url": [url] }), { code: "USAGE" }, url);
  }
});

test("key and certificate offer the options of timestamps when signing and when verifying", () => {
  for (const { providers } of [keyPlugin, certificatePlugin]) {
    const names = providers.map((provider) =>
      "options" in provider ? provider.options.map(({ name }) => name) : []
    );
    assert.ok(names[0]?.includes("tsa-url"));
    assert.ok(
      names[1]?.includes("tsa-certificate-chain") && names[1].includes("require-timestamp"),
    );
  }
});
