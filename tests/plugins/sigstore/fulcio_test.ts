import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { publicKeyDer } from "../../../core/keys.ts";
import type { RunOptions } from "../../../core/options.ts";
import { type Certificate, generalNameText, PURPOSE } from "../../../plugins/_x509/mod.ts";
import { requestCertificate } from "../../../plugins/sigstore/fulcio.ts";
import type { IdentityToken } from "../../../plugins/sigstore/oidc/mod.ts";
import { type CertificateSpec, Pki } from "../../support/pki.ts";
import {
  GITHUB_CLAIMS,
  type Sigstore,
  startSigstore,
  type TokenClaims,
} from "../../support/sigstore.ts";
import {
  assertAborts,
  assertAskedAgain,
  assertTroubles,
  faultOf,
  identityToken,
  shown,
} from "./_signing.ts";

const KEYS = generateKeyPairSync("ec", { namedCurve: "P-256" });

async function asked(
  sigstore: Sigstore,
  claims?: TokenClaims,
  options: RunOptions = {},
): Promise<Certificate> {
  const token = await identityToken(sigstore, claims);
  return await requestCertificate({ url: sigstore.url, token, ...KEYS }, options);
}

function names({ subjectAltNames = [] }: Certificate): readonly string[] {
  return subjectAltNames.map((name) => `${name.kind}:${generalNameText(name)}`);
}

test("requestCertificate() gives a certificate for the key and the email address", async () => {
  await using sigstore = await startSigstore();
  const certificate = await asked(sigstore, { email: "dev@example.com" });
  assert.deepEqual(
    Buffer.from(certificate.publicKeyInfo.der),
    Buffer.from(publicKeyDer(KEYS.publicKey)),
  );
  assert.deepEqual(certificate.extendedKeyUsage, [PURPOSE.codeSigning]);
  assert.deepEqual(names(certificate), ["email:dev@example.com"]);
});

test("requestCertificate() gives a certificate for a workflow, whose subject is another name", async () => {
  await using sigstore = await startSigstore();
  const certificate = await asked(sigstore, GITHUB_CLAIMS);
  assert.deepEqual(names(certificate), [`uri:https://github.com/${GITHUB_CLAIMS["workflow_ref"]}`]);
});

test("requestCertificate() proves possession: another key's proof is refused", async () => {
  await using sigstore = await startSigstore();
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const error = await faultOf(requestCertificate({
    url: sigstore.url,
    token: await identityToken(sigstore),
    publicKey: KEYS.publicKey,
    privateKey,
  }, {}));
  assert.equal(error.code, "NETWORK_STATUS");
});

test("requestCertificate() ends as the network's failures say", async () => {
  await using sigstore = await startSigstore();
  const token = await identityToken(sigstore);
  const run = (options: RunOptions) =>
    requestCertificate({ url: sigstore.url, token, ...KEYS }, options);
  await assertTroubles(sigstore, "fulcio", run);
  await assertAskedAgain(sigstore, "fulcio", () => run({}));
  await assertAborts(sigstore, "fulcio", run);
});

test("requestCertificate() says what can be done about a refused token", async () => {
  await using sigstore = await startSigstore();
  for (const status of [400, 401, 403]) {
    await sigstore.fault({ service: "fulcio", kind: "status", status });
    const error = await faultOf(asked(sigstore));
    assert.equal(error.code, "NETWORK_STATUS");
    assert.ok(error.hint, String(status));
  }
  await sigstore.reset();
  const past = Math.floor(Date.now() / 1000) - 3600;
  const token: IdentityToken = {
    ...await identityToken(sigstore),
    token: (await identityToken(sigstore, { iss: "https://unknown.example" })).token,
    expires: new Date(past * 1000),
  };
  const error = await faultOf(requestCertificate({ url: sigstore.url, token, ...KEYS }, {}));
  assert.equal(error.code, "NETWORK_STATUS");
  assert.ok(error.hint);
});

test("requestCertificate() shows no part of the token, whatever the service says", async () => {
  await using sigstore = await startSigstore();
  const token = await identityToken(sigstore);
  const text = token.token.reveal();
  const [header = "", claims = "", signature = ""] = text.split(".");
  const lines: string[] = [];
  const options: RunOptions = {
    logger: { log: (...line) => void lines.push(JSON.stringify(line)) },
    observer: { emit: (event) => void lines.push(JSON.stringify(event)) },
  };
  for (const quoted of [text, header, claims, signature, `${header}.${claims}`]) {
    for (
      const fault of [
        { kind: "status", status: 401, body: JSON.stringify({ message: `bad token ${quoted}` }) },
        { kind: "status", status: 400, body: `bad token ${quoted} in the request` },
        { kind: "status", status: 500, body: JSON.stringify({ error: quoted }), count: 1 },
        { kind: "garbage", body: `{"signedCertificateEmbeddedSct": "${quoted}"}` },
        { kind: "garbage", body: `{"${quoted}"` },
      ]
    ) {
      await sigstore.fault({ service: "fulcio", ...fault });
      const run = requestCertificate({ url: sigstore.url, token, ...KEYS }, options);
      const seen = shown(await run.then(() => new Error("no error"), (error) => error));
      for (const part of [header, claims, signature]) {
        assert.ok(!seen.includes(part), `${fault.kind} shows a part of the token`);
      }
    }
  }
  await sigstore.reset();
  await requestCertificate({ url: sigstore.url, token, ...KEYS }, options);
  assert.ok(lines.length > 0);
  for (const part of [header, claims, signature]) assert.ok(!lines.join("\n").includes(part));
});

test("requestCertificate() refuses a certificate for another key, another address or another time", async () => {
  await using sigstore = await startSigstore();
  for (const kind of ["wrong-key", "other-identity", "expired"]) {
    await sigstore.fault({ service: "fulcio", kind });
    assert.equal((await faultOf(asked(sigstore))).code, "NETWORK_RESPONSE", kind);
  }
  await sigstore.fault({ service: "fulcio", kind: "expired" });
  assert.ok((await faultOf(asked(sigstore))).hint, "what is known of the clocks is said");
});

/** What an answer holds whose first certificate is the given text. */
function answer(first: unknown, form = "signedCertificateEmbeddedSct"): string {
  return JSON.stringify({ [form]: { chain: { certificates: [first] } } });
}

test("requestCertificate() refuses an answer that is no certificate for signing code", async () => {
  await using sigstore = await startSigstore();
  using pki = new Pki();
  const root = pki.root();
  const path = pki.key();
  const privateKey = createPrivateKey(readFileSync(path));
  const keys = { privateKey, publicKey: createPublicKey(privateKey) };
  const token = await identityToken(sigstore, { email: "dev@example.com" });
  const certificate = (extensions: readonly string[], spec: CertificateSpec = {}) =>
    readFileSync(pki.leaf(root, { key: { path }, extensions, ...spec }).certificate, "utf8");
  const served = async (body: string) => {
    await sigstore.fault({ service: "fulcio", kind: "garbage", body });
    return await requestCertificate({ url: sigstore.url, token, ...keys }, {});
  };
  const usage = "extendedKeyUsage=codeSigning";
  const email = "subjectAltName=email:dev@example.com";
  const good = certificate([usage, email]);

  // It is what makes the others wrong that they are refused for.
  assert.deepEqual(names(await served(answer(good))), ["email:dev@example.com"]);
  const wrong = {
    "no extended key usage": answer(certificate([email])),
    "another extended key usage": answer(certificate(["extendedKeyUsage=clientAuth", email])),
    "no name": answer(certificate([usage])),
    "another name": answer(certificate([usage, "subjectAltName=email:eve@example.com"])),
    "an address beside it": answer(
      certificate([usage, "subjectAltName=email:dev@example.com,email:eve@example.com"]),
    ),
    "a longer address": answer(certificate([usage, "subjectAltName=email:dev@example.com.evil"])),
    "the address as a URI": answer(certificate([usage, "subjectAltName=URI:dev@example.com"])),
    "not valid yet": answer(certificate([usage, email], { from: 1, to: 2 })),
    "valid no more": answer(certificate([usage, email], { from: -2, to: -1 })),
    "a detached timestamp": answer(good, "signedCertificateDetachedSct"),
    "two certificates in one text": answer(good + good),
    "a key": answer(keys.publicKey.export({ type: "spki", format: "pem" })),
    "no PEM": answer("certificate"),
    "no DER": answer("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    "a number": answer(5),
    "no chain": JSON.stringify({ signedCertificateEmbeddedSct: {} }),
    "an empty chain": JSON.stringify({
      signedCertificateEmbeddedSct: { chain: { certificates: [] } },
    }),
    "a list": JSON.stringify({ signedCertificateEmbeddedSct: [] }),
  };
  for (const [what, body] of Object.entries(wrong)) {
    assert.equal((await faultOf(served(body))).code, "NETWORK_RESPONSE", what);
  }
});

test("requestCertificate() refuses an address that it must not send a token to", async () => {
  await using sigstore = await startSigstore();
  const token = await identityToken(sigstore);
  for (const url of ["http://fulcio.example", "fulcio.example", "https://u:p@fulcio.example"]) {
    const error = await faultOf(requestCertificate({ url, token, ...KEYS }, {}));
    assert.equal(error.code, "SIGNING_CONFIG_MALFORMED", url);
  }
});
