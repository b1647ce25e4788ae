import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { Loose } from "../support/bundles.ts";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";
import { sha256 } from "./_client.ts";
import { CLIENTS } from "./oidc.ts";

const VERIFIER = "a-verifier-of-at-least-forty-three-characters-~._";
const CALLBACK = "http://127.0.0.1:65000/callback";
const OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob";

function claimsIn(token: string): Loose {
  return JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString("utf8"));
}

async function authorize(
  { issuer }: Sigstore,
  changed: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const url = new URL(`${issuer}/auth`);
  const parameters = {
    response_type: "code",
    client_id: "sigstore",
    scope: "openid email",
    redirect_uri: CALLBACK,
    code_challenge: sha256(VERIFIER).toString("base64url"),
    code_challenge_method: "S256",
    state: "the state",
    nonce: "the nonce",
    ...changed,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return await fetch(url, { redirect: "manual" });
}

async function returned(response: Response): Promise<URLSearchParams> {
  await response.body?.cancel();
  return new URL(response.headers.get("location")!).searchParams;
}

async function exchange(
  { issuer }: Sigstore,
  code: string,
  changed: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly json: Loose }> {
  const response = await fetch(`${issuer}/token`, {
    method: "POST",
    headers,
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: "sigstore",
      redirect_uri: CALLBACK,
      code_verifier: VERIFIER,
      code,
      ...changed,
    }),
  });
  return { status: response.status, json: await response.json() };
}

test("the issuer publishes the key that its tokens verify with", async () => {
  await using sigstore = await startSigstore();
  const configuration = await fetch(`${sigstore.issuer}/.well-known/openid-configuration`);
  const { issuer, jwks_uri } = await configuration.json();
  assert.equal(issuer, sigstore.issuer);
  const { keys: [jwk] } = await (await fetch(jwks_uri)).json();
  const key = await crypto.subtle.importKey(
    "jwk",
    jwk,
    { name: "ECDSA", namedCurve: "P-256" },
    false,
    ["verify"],
  );
  const [header, payload, signature] = (await sigstore.token()).split(".");
  assert.ok(
    await crypto.subtle.verify(
      { name: "ECDSA", hash: "SHA-256" },
      key,
      Buffer.from(signature!, "base64url"),
      Buffer.from(`${header}.${payload}`),
    ),
  );
});

test("token() replaces claims and leaves out those that are null", async () => {
  await using sigstore = await startSigstore();
  const claims = claimsIn(await sigstore.token({ aud: "other", email: null, more: 1 }));
  assert.equal(claims.aud, "other");
  assert.equal(claims.more, 1);
  assert.ok(!("email" in claims));
});

test("the code flow gives a token for the client, with the nonce", async () => {
  await using sigstore = await startSigstore();
  await sigstore.login({ sub: "42", email: "other@example.com", email_verified: true });
  const parameters = await returned(await authorize(sigstore));
  assert.equal(parameters.get("state"), "the state");
  const { status, json } = await exchange(sigstore, parameters.get("code")!);
  assert.equal(status, 200);
  const { iss, aud, sub, email, email_verified, nonce, iat, exp } = claimsIn(json.id_token);
  assert.deepEqual({ iss, aud, sub, email, email_verified, nonce }, {
    iss: sigstore.issuer,
    aud: "sigstore",
    sub: "42",
    email: "other@example.com",
    email_verified: true,
    nonce: "the nonce",
  });
  assert.ok(exp > iat);
});

test("a code is good for one try", async () => {
  await using sigstore = await startSigstore();
  const first = (await returned(await authorize(sigstore))).get("code")!;
  assert.equal((await exchange(sigstore, first)).status, 200);
  assert.equal((await exchange(sigstore, first)).json.error, "invalid_grant");
  const second = (await returned(await authorize(sigstore))).get("code")!;
  const wrong = { code_verifier: VERIFIER.toUpperCase() };
  assert.equal((await exchange(sigstore, second, wrong)).json.error, "invalid_grant");
  assert.equal((await exchange(sigstore, second)).json.error, "invalid_grant");
});

test("a code is good with its own redirect address only", async () => {
  await using sigstore = await startSigstore();
  const code = (await returned(await authorize(sigstore))).get("code")!;
  const elsewhere = { redirect_uri: "http://127.0.0.1:1/" };
  assert.equal((await exchange(sigstore, code, elsewhere)).json.error, "invalid_grant");
});

test("a client with a secret proves it in the form or in the header", async () => {
  await using sigstore = await startSigstore();
  const client_id = "confidential";
  const secret = CLIENTS[client_id]!;
  const encoded = [client_id, secret].map(encodeURIComponent).join(":");
  const basic = { authorization: `Basic ${Buffer.from(encoded).toString("base64")}` };
  for (
    const [expected, form, headers] of [
      [200, { client_id, client_secret: secret }, {}],
      [200, {}, basic],
      [401, { client_id, client_secret: "guessed" }, {}],
      [401, { client_id }, {}],
    ] as const
  ) {
    const code = (await returned(await authorize(sigstore, { client_id }))).get("code")!;
    assert.equal((await exchange(sigstore, code, form, headers)).status, expected);
  }
});

test("the issuer shows codes out of band as plain text", async () => {
  await using sigstore = await startSigstore();
  const shown = await authorize(sigstore, { redirect_uri: OUT_OF_BAND });
  assert.equal(shown.status, 200);
  const code = await shown.text();
  assert.match(code, /^[\w-]+$/);
  assert.equal((await exchange(sigstore, code, { redirect_uri: OUT_OF_BAND })).status, 200);
});

test("the issuer redirects to loopback addresses only, and for clients it knows", async () => {
  await using sigstore = await startSigstore();
  for (
    const wrong of [
      { redirect_uri: "https://example.com/callback" },
      { redirect_uri: "http://127.0.0.1.example.com/" },
      { redirect_uri: "" },
      { client_id: "unknown" },
      { client_id: "toString" },
    ]
  ) {
    const response = await authorize(sigstore, wrong);
    await response.body?.cancel();
    assert.equal(response.status, 400, JSON.stringify(wrong));
  }
});

test("the issuer gives no code without PKCE or for another kind of answer", async () => {
  await using sigstore = await startSigstore();
  for (
    const [changed, error] of [
      [{ code_challenge: "" }, "invalid_request"],
      [{ code_challenge_method: "plain" }, "invalid_request"],
      [{ response_type: "token" }, "unsupported_response_type"],
      [{ scope: "email" }, "invalid_scope"],
    ] as const
  ) {
    assert.equal((await returned(await authorize(sigstore, changed))).get("error"), error);
  }
});

test("a lying issuer tells each of its lies", async () => {
  await using sigstore = await startSigstore();
  const lie = (kind: string) => sigstore.fault({ service: "oidc", kind });
  await lie("denied");
  assert.equal((await returned(await authorize(sigstore))).get("error"), "access_denied");
  await lie("wrong-state");
  assert.notEqual((await returned(await authorize(sigstore))).get("state"), "the state");
  for (
    const [kind, wrong] of [
      ["wrong-nonce", (claims: Loose) => claims.nonce !== "the nonce"],
      ["wrong-audience", (claims: Loose) => claims.aud !== "sigstore"],
      ["expired", (claims: Loose) => claims.exp < Date.now() / 1000],
    ] as const
  ) {
    await lie(kind);
    const { json } = await exchange(
      sigstore,
      (await returned(await authorize(sigstore))).get("code")!,
    );
    assert.ok(wrong(claimsIn(json.id_token)), kind);
  }
  await lie("other-issuer");
  const configuration = await fetch(`${sigstore.issuer}/.well-known/openid-configuration`);
  assert.notEqual((await configuration.json()).issuer, sigstore.issuer);
});
