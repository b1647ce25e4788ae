import assert from "node:assert/strict";
import { test } from "node:test";
import { type TokenChoice, tokenSource } from "../../../../plugins/sigstore/oidc/mod.ts";
import { jwt, secret } from "./_token.ts";

const NOTHING: TokenChoice = {
  ambient: false,
  issuer: "https://issuer.example",
  clientId: "sigstore",
  outOfBand: false,
  env: {},
};

test("tokenSource() signs in when nothing else was asked for", () => {
  assert.equal(tokenSource(NOTHING).kind, "interactive");
});

test("tokenSource() prefers ambient credentials to signing in, and a given token to both", () => {
  assert.equal(tokenSource({ ...NOTHING, ambient: true }).kind, "ambient");
  const identityToken = secret(jwt());
  assert.equal(tokenSource({ ...NOTHING, ambient: true, identityToken }).kind, "given");
});

test("tokenSource() does not look at the environment unless ambient credentials were asked for", () => {
  const env = { GITLAB_CI: "true", SIGSTORE_ID_TOKEN: jwt() };
  assert.equal(tokenSource({ ...NOTHING, env }).kind, "interactive");
});

test("tokenSource() demands the client's name as audience from each source", async () => {
  const text = jwt({ aud: "models" });
  const choice = { ...NOTHING, clientId: "models" };
  const given = tokenSource({ ...choice, identityToken: secret(text) });
  assert.equal((await given.token({})).token.reveal(), text);
  const env = { GITLAB_CI: "true", SIGSTORE_ID_TOKEN: text };
  const ambient = tokenSource({ ...choice, ambient: true, env });
  assert.equal((await ambient.token({})).token.reveal(), text);
});
