import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { openssl, opensslAccepts, opensslKey } from "../support/openssl.ts";
import { Pki } from "../support/pki.ts";
import { GITHUB_CLAIMS, type Sigstore, startSigstore } from "../support/sigstore.ts";
import { type CertificateRequest, certified, post } from "./_client.ts";

/** Whether `openssl` builds the chain to its last certificate, strictly and for signing code. */
function chains(chain: readonly string[]): boolean {
  using pki = new Pki();
  const [leaf, intermediate, root] = ["leaf.pem", "intermediate.pem", "root.pem"].map((name, at) =>
    pki.file(name, chain[at]!)
  );
  return opensslAccepts([
    ...["verify", "-x509_strict", "-purpose", "any", "-CAfile", root!],
    ...["-untrusted", intermediate!, leaf!],
  ]);
}

function described(certificate: string): string {
  return openssl(["x509", "-noout", "-text"], certificate).toString();
}

/** Asks for a certificate as the Python tool does. */
async function requested(sigstore: Sigstore, csr: string): Promise<number> {
  const response = await fetch(`${sigstore.url}/api/v2/signingCert`, {
    method: "POST",
    headers: { authorization: `Bearer ${await sigstore.token()}` },
    body: JSON.stringify({ certificateSigningRequest: Buffer.from(csr).toString("base64") }),
  });
  await response.body?.cancel();
  return response.status;
}

test("Fulcio issues a certificate that openssl chains to its root", async () => {
  await using sigstore = await startSigstore();
  for (const curve of ["P-256", "P-384"]) {
    const { answer, chain, privateKey } = await certified(sigstore, { curve });
    assert.equal(answer.status, 200);
    assert.ok(chains(chain), curve);
    const leaf = new X509Certificate(chain[0]!);
    assert.ok(leaf.checkPrivateKey(privateKey));
    assert.equal(leaf.subject ?? "", "");
    assert.equal(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom), 10 * 60 * 1000);
    const text = described(chain[0]!);
    assert.match(text, /Subject Alternative Name: critical\s+email:dev@example\.com/);
    assert.match(text, /Key Usage: critical\s+Digital Signature\s/);
    assert.match(text, /Extended Key Usage: *\s+Code Signing\s/);
    assert.match(text, /CT Precertificate SCTs/);
    assert.equal(text.split(sigstore.issuer).length - 1, 2, "both forms of the issuer");
  }
});

test("Fulcio's trust bundle has the chain that it issues below", async () => {
  await using sigstore = await startSigstore();
  const { chain } = await certified(sigstore);
  const { chains: [bundle] } = await (await fetch(`${sigstore.url}/api/v2/trustBundle`)).json();
  assert.deepEqual(bundle.certificates, chain.slice(1));
});

test("Fulcio puts the workflow of a GitHub token into the certificate", async () => {
  await using sigstore = await startSigstore();
  const { chain } = await certified(sigstore, {
    claims: GITHUB_CLAIMS,
    challenge: String(GITHUB_CLAIMS["sub"]),
  });
  const text = described(chain[0]!);
  const workflow =
    "https://github.com/octo-org/model/.github/workflows/release.yml@refs/heads/main";
  assert.ok(text.includes(`URI:${workflow}`));
  for (const number of [1, 2, 3, 4, 5, 6, ...Array.from({ length: 15 }, (_, index) => 8 + index)]) {
    assert.match(text, new RegExp(`1\\.3\\.6\\.1\\.4\\.1\\.57264\\.1\\.${number}: `));
  }
  assert.ok(text.includes("https://github.com/octo-org/model/actions/runs/30433642/attempts/1"));
});

test("Fulcio refuses tokens that it should not believe", async () => {
  await using sigstore = await startSigstore();
  const token = await sigstore.token();
  const [header, payload, signature] = token.split(".");
  const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const wrong: readonly CertificateRequest[] = [
    { token: "not a token" },
    { token: `${header}.${payload}.` },
    { token: `${none}.${payload}.` },
    { token: `${header}.${payload}.${signature}.${signature}` },
    { token: `${header}.${payload}.${Buffer.alloc(64, 1).toString("base64url")}` },
    { claims: { exp: now - 1 } },
    { claims: { exp: null } },
    { claims: { nbf: now + 600 } },
    { claims: { aud: "another" } },
    { claims: { iss: "https://issuer.example.com" } },
    { claims: { iss: `${sigstore.issuer}/` } },
    { claims: { email_verified: false } },
    { claims: { email: null } },
    { claims: { sub: null } },
  ];
  for (const request of wrong) {
    const { answer } = await certified(sigstore, request);
    assert.equal(answer.status, 401, JSON.stringify(request));
    assert.equal(answer.json.code, 16);
  }
});

test("Fulcio refuses keys that were not shown to be the client's", async () => {
  await using sigstore = await startSigstore();
  const { privateKey: other } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (
    const request of [
      { prover: other },
      { challenge: "mallory@example.com" },
      { challenge: "" },
    ]
  ) {
    const { answer } = await certified(sigstore, request);
    assert.equal(answer.status, 400);
    assert.equal(answer.json.code, 3);
  }
});

test("Fulcio refuses bodies that are no request", async () => {
  await using sigstore = await startSigstore();
  for (const body of [[], {}, { credentials: {} }, { credentials: { oidcIdentityToken: 1 } }]) {
    assert.equal((await post(`${sigstore.url}/api/v2/signingCert`, body)).status, 400);
  }
});

test("Fulcio takes certificate signing requests with a signature of their own", async () => {
  await using sigstore = await startSigstore();
  using pki = new Pki();
  const key = pki.file("key.pem", opensslKey("EC P-256"));
  const path = join(pki.directory, "request.der");
  pki.openssl(["req", "-new", "-key", key, "-subj", "/", "-outform", "DER", "-out", path]);
  const der = openssl(["req", "-in", path, "-inform", "DER", "-outform", "DER"]);
  const pem = (bytes: Uint8Array) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${
      Buffer.from(bytes).toString("base64")
    }\n-----END CERTIFICATE REQUEST-----\n`;
  assert.equal(await requested(sigstore, pem(der)), 200);
  const spoiled = Buffer.from(der);
  spoiled[spoiled.length - 1]! ^= 1;
  assert.equal(await requested(sigstore, pem(spoiled)), 400);
  assert.equal(await requested(sigstore, pem(der.subarray(0, -1))), 400);
  assert.equal(await requested(sigstore, "nothing of the kind"), 400);
});

test("a lying Fulcio tells each of its lies", async () => {
  await using sigstore = await startSigstore();
  const lies: Readonly<Record<string, (leaf: string, chain: readonly string[]) => boolean>> = {
    "no-sct": (leaf) => !/CT Precertificate SCTs/.test(described(leaf)),
    "bad-sct": (leaf) => /CT Precertificate SCTs/.test(described(leaf)),
    "other-identity": (leaf) => /email:mallory@example\.com/.test(described(leaf)),
    "other-authority": (_leaf, chain) => !chains(chain),
    "expired": (leaf) => Date.parse(new X509Certificate(leaf).validTo) < Date.now(),
  };
  for (const [kind, told] of Object.entries(lies)) {
    await sigstore.fault({ service: "fulcio", kind });
    const { chain } = await certified(sigstore);
    assert.ok(told(chain[0]!, chain), kind);
  }
  await sigstore.fault({ service: "fulcio", kind: "wrong-key" });
  const { chain, privateKey } = await certified(sigstore);
  assert.ok(!new X509Certificate(chain[0]!).checkPrivateKey(privateKey));
});
