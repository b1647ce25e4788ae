/** Timestamps of a bundle: which count, which do not, and which spoil it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Trust } from "../../../plugins/sigstore/trust/mod.ts";
import { type Loose } from "../../support/bundles.ts";
import { Pki } from "../../support/pki.ts";
import { startSigstore } from "../../support/sigstore.ts";
import {
  codesFor,
  failures,
  policyOf,
  sigstoreBundle,
  trustIn,
  verifyJson,
} from "../../support/sigstore_bundles.ts";
import { Forge, FORGED_POLICY } from "../../support/sigstore_forge.ts";
import { stamp, tsaCertificate } from "../_rfc3161/_authority.ts";
import { authority, HOUR, said, signatureOf, stampsOf, stampWith } from "./_evidence.ts";

test("verify() counts a timestamp once, however often the bundle has it", async () => {
  await using sigstore = await startSigstore();
  const json = await sigstoreBundle(sigstore, { rekor: 2 });
  stampsOf(json).push(stampsOf(json)[0], stampsOf(json)[0]);
  const found = await verifyJson(json, await trustIn(sigstore), policyOf(sigstore));
  assert.deepEqual(failures(found), {});
  assert.equal(found.timestamps.length, 1);
});

test("verify() does not count a timestamp by a stranger beside a good one, and says so", async () => {
  await using sigstore = await startSigstore();
  await using stranger = await startSigstore();
  const json = await sigstoreBundle(sigstore, {
    rekor: 2,
    services: (config) => {
      config.tsaUrls.unshift({
        ...config.tsaUrls[0],
        url: stranger.tsa,
        operator: "stranger.example",
      });
      config.tsaConfig = { selector: "ALL" };
    },
  });
  assert.equal(stampsOf(json).length, 2);
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const found = await verifyJson(json, trust, policy);
  assert.deepEqual(failures(found), {});
  assert.deepEqual(found.timestamps.map(({ authority }) => authority), [sigstore.tsa]);
  const byStranger = await trustIn(sigstore, (root) => root.timestampAuthorities.length = 0);
  assert.deepEqual(failures(await verifyJson(json, byStranger, policy)), {
    timestamps: "TIMESTAMP_UNTRUSTED",
  });
  const before = said(found, "timestamps");
  json.verificationMaterial.timestampVerificationData.rfc3161Timestamps = stampsOf(json).filter(
    (_: Loose, index: number) => index === 1,
  );
  const after = said(await verifyJson(json, trust, policy), "timestamps");
  assert.notEqual(before, after);
});

test("verify() refuses a timestamp over another signature, also beside a good one", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const [json, other] = [await sigstoreBundle(sigstore), await sigstoreBundle(sigstore)];
  stampsOf(json).push(...stampsOf(other));
  assert.deepEqual(await codesFor(json, trust, policy), ["TIMESTAMP_MISMATCH"]);
});

test("verify() refuses timestamps by a certificate that was replaced below the same root", async () => {
  using pki = new Pki();
  const forge = new Forge();
  const json = forge.bundle();
  const root = pki.root();
  const [retired, current] = [tsaCertificate(pki, root), tsaCertificate(pki, root)];
  const start = new Date(Date.now() - HOUR).toISOString();
  const trust = forge.trust((message) => {
    message.timestampAuthorities = [
      authority([retired.certificate, root.certificate], {
        start: "2020-01-01T00:00:00Z",
        end: start,
      }),
      authority([current.certificate, root.certificate], { start }),
    ];
  });
  const judged = async (trusted: Trust) => {
    const found = await verifyJson(json, trusted, FORGED_POLICY);
    const counted = found.timestamps.filter(({ source }) => source === "rfc3161").length;
    return { ...failures(found), counted };
  };
  stampWith(json, stamp(pki, current, signatureOf(json)));
  assert.deepEqual(await judged(trust), { counted: 1 });
  stampWith(json, stamp(pki, retired, signatureOf(json)));
  assert.deepEqual(await judged(trust), { timestamps: "TIMESTAMP_UNTRUSTED", counted: 0 });
  // Without its own certificate an authority may have any below its root.
  const anyBelow = forge.trust((message) => {
    message.timestampAuthorities = [
      authority([root.certificate], { start: "2020-01-01T00:00:00Z" }),
    ];
  });
  assert.deepEqual(await judged(anyBelow), { counted: 1 });
});

test("verify() refuses garbage for a timestamp", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  stampWith(json, Uint8Array.of(0x30, 0));
  assert.deepEqual(await codesFor(json, forge.trust(), FORGED_POLICY), ["TIMESTAMP_MALFORMED"]);
});
