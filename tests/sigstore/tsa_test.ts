import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { test } from "node:test";
import type { Loose } from "../support/bundles.ts";
import { Pki } from "../support/pki.ts";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";

const QUERY_TYPE = "application/timestamp-query";

async function ask(
  { tsa }: Sigstore,
  query: Uint8Array,
  type: string = QUERY_TYPE,
): Promise<{ readonly status: number; readonly type: string | null; readonly body: Uint8Array }> {
  const response = await fetch(tsa, {
    method: "POST",
    headers: { "content-type": type },
    body: Buffer.from(query),
  });
  const body = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get("content-type"), body };
}

/** Makes a query with `openssl`, asks, and has `openssl` verify the answer with the trusted root. */
async function timestamped(
  sigstore: Sigstore,
  args: readonly string[],
): Promise<{ readonly accepted: boolean; readonly text: string }> {
  using pki = new Pki();
  const data = pki.file("data", "what is stamped");
  const query = join(pki.directory, "query");
  pki.openssl(["ts", "-query", "-data", data, "-out", query, ...args]);
  const { status, type, body } = await ask(sigstore, readFileSync(query));
  assert.equal(status, 200);
  assert.equal(type, "application/timestamp-reply");
  const reply = pki.file("reply", body);
  const trusted: Loose = JSON.parse(readFileSync(sigstore.trustedRoot, "utf8"));
  const [leaf, root] = trusted.timestampAuthorities[0].certChain.certificates.map(
    ({ rawBytes }: Loose, index: number) =>
      pki.file(
        `certificate-${index}.pem`,
        `-----BEGIN CERTIFICATE-----\n${
          rawBytes.match(/.{1,64}/g).join("\n")
        }\n-----END CERTIFICATE-----\n`,
      ),
  );
  const verify = ["ts", "-verify", "-in", reply, "-CAfile", root, "-untrusted", leaf];
  return {
    accepted: pki.accepts([...verify, "-queryfile", query]),
    text: pki.openssl(["ts", "-reply", "-in", reply, "-text"]),
  };
}

test("openssl accepts what the timestamp authority answers", async () => {
  await using sigstore = await startSigstore();
  for (const digest of ["-sha256", "-sha384", "-sha512"]) {
    for (const more of [[], ["-cert"], ["-no_nonce"]]) {
      const { accepted, text } = await timestamped(sigstore, [digest, ...more]);
      assert.ok(accepted, `${digest} ${more}: ${text}`);
    }
  }
});

test("the timestamp authority sends its certificates when asked to", async () => {
  await using sigstore = await startSigstore();
  using pki = new Pki();
  const data = pki.file("data", "what is stamped");
  const lengths: number[] = [];
  for (const more of [[], ["-cert"]]) {
    const query = join(pki.directory, `query-${more}`);
    pki.openssl(["ts", "-query", "-data", data, "-sha256", "-out", query, ...more]);
    lengths.push((await ask(sigstore, readFileSync(query))).body.length);
  }
  assert.ok(lengths[1]! > lengths[0]! + 500);
});

test("the timestamp authority answers many at once", async () => {
  await using sigstore = await startSigstore();
  const all = await Promise.all(
    Array.from({ length: 8 }, () => timestamped(sigstore, ["-sha256"])),
  );
  const serials = all.map(({ text }) => /Serial number: (\S+)/.exec(text)?.[1]);
  assert.equal(new Set(serials).size, 8);
});

test("the timestamp authority rejects digests and policies that it does not know", async () => {
  await using sigstore = await startSigstore();
  for (const args of [["-md5"], ["-sha256", "-tspolicy", "1.2.3.4"]]) {
    const { accepted, text } = await timestamped(sigstore, args);
    assert.ok(!accepted);
    assert.match(text, /Status: Rejected/);
  }
});

test("the timestamp authority refuses what is no query", async () => {
  await using sigstore = await startSigstore();
  const empty = new Uint8Array();
  assert.equal((await ask(sigstore, empty)).status, 400);
  assert.equal((await ask(sigstore, Buffer.from("3003020101", "hex"))).status, 400);
  assert.equal((await ask(sigstore, empty, "application/json")).status, 415);
});

test("a lying timestamp authority tells each of its lies", async () => {
  await using sigstore = await startSigstore();
  for (const kind of ["wrong-imprint", "wrong-nonce", "bad-signature", "rejected"]) {
    await sigstore.fault({ service: "tsa", kind });
    const { accepted, text } = await timestamped(sigstore, ["-sha256", "-cert"]);
    assert.ok(!accepted, kind);
    assert.match(text, kind === "rejected" ? /Status: Rejected/ : /Status: Granted/, kind);
  }
});
