/** `--tsa-url` when signing, `--tsa-certificate-chain` and `--require-timestamp` when verifying. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { reply, tsaCertificate } from "../plugins/_rfc3161/_authority.ts";
import { forge, generalizedTime, utcText } from "../plugins/_rfc3161/_forge.ts";
import { cli } from "../support/cli.ts";
import { assertRejected, assertStatus, assertVerdict } from "../support/outcome.ts";
import { derOf, Pki } from "../support/pki.ts";
import { TsaServer } from "../support/tsa_server.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

const DAY = 24 * 60 * 60 * 1000;

/** The report of a verification, as far as it is about timestamps. */
type TimestampReport = {
  readonly timestamps: readonly { readonly source: string; readonly authority: string }[];
  readonly checks: readonly { readonly id: string; readonly status: string }[];
};

function timestampsOf(
  stdout: string,
): { readonly status: string | undefined; readonly by: string } {
  const { timestamps, checks } = JSON.parse(stdout) as TimestampReport;
  const check = checks.find(({ id }) => id === "timestamps");
  return { status: check?.status, by: timestamps.map(({ authority }) => authority).join() };
}

/** What a bundle's JSON looks like, as far as it is changed here. */
type BundleJson = {
  verificationMaterial: Record<string, unknown>;
  readonly dsseEnvelope: { readonly signatures: readonly [{ readonly sig: string }] };
};

test("a signature with a timestamp verifies, and only by trust in its authority", async () => {
  await using folder = await workbench();
  using pki = new Pki();
  const [root, stranger] = [pki.root({ subject: "/CN=tsa root" }), pki.root()];
  const tsa = tsaCertificate(pki, root);
  await using server = await TsaServer.start((query) => reply(pki, tsa, query));
  const { path: cwd } = folder;
  assertStatus(await cli([...SIGN, "--tsa-url", server.url.href], { cwd }), 0, "signing");
  const verify = [...VERIFY, "--format", "json"];
  const trust = ["--tsa-certificate-chain", root.certificate, "--require-timestamp"];
  const verified = await cli([...verify, ...trust], { cwd });
  assertVerdict(verified, "verified", 0, []);
  assert.deepEqual(timestampsOf(verified.stdout), { status: "passed", by: "CN=tsa root" });
  const untold = await cli(verify, { cwd });
  assertVerdict(untold, "verified", 0, []);
  assert.deepEqual(timestampsOf(untold.stdout), { status: "skipped", by: "" });
  const other = ["--tsa-certificate-chain", stranger.certificate, "--require-timestamp"];
  assertRejected(await cli([...verify, ...other], { cwd }), ["TIMESTAMP_UNTRUSTED"]);
});

test("a certificate and an authority that have expired since are judged at the timestamp", async () => {
  await using folder = await workbench();
  using pki = new Pki();
  const { path: cwd } = folder;
  const [root, stranger] = [pki.root({ from: -30 }), pki.root()];
  const signer = pki.leaf(root, { key: { path: join(cwd, "key.pem") }, from: -10, to: -1 });
  const tsa = tsaCertificate(pki, root, { from: -30, to: -2 });
  // Nobody signs with a certificate that has expired: the material of another signature by its key is exchanged.
  assertStatus(await cli(SIGN, { cwd }), 0, "signing");
  const bundle: BundleJson = JSON.parse(readFileSync(join(cwd, "model.sig"), "utf8"));
  const stampedAt = async (days: number, over: string) => {
    const time = generalizedTime(utcText(new Date(Date.now() + days * DAY)));
    const token = forge(tsa, Buffer.from(over, "base64"), { time });
    bundle.verificationMaterial = {
      x509CertificateChain: { certificates: [{ rawBytes: base64(derOf(signer.certificate)) }] },
      timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: base64(token) }] },
    };
    await folder.write({ "model.sig": JSON.stringify(bundle) });
  };
  const verify = (...trust: readonly string[]) =>
    cli([
      ...["verify", "certificate", "model", "--signature", "model.sig", "--format", "json"],
      ...["--certificate-chain", root.certificate, ...trust],
    ], { cwd });
  const trust = ["--tsa-certificate-chain", root.certificate];
  const { sig } = bundle.dsseEnvelope.signatures[0];

  await stampedAt(-5, sig);
  assertVerdict(await verify(...trust), "verified", 0, []);
  for (const unhelpful of [[], ["--tsa-certificate-chain", stranger.certificate]]) {
    const outcome = await verify(...unhelpful);
    assertRejected(outcome, ["CERTIFICATE_EXPIRED"]);
    assert.deepEqual(timestampsOf(outcome.stdout), { status: "skipped", by: "" });
  }
  await stampedAt(-5, base64(Buffer.from("another signature")));
  assertRejected(await verify(...trust), ["CERTIFICATE_EXPIRED", "TIMESTAMP_MISMATCH"]);
});

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
