import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { ambient } from "./_ambient.ts";
import { folder } from "./_folder.ts";
import { json, loopbackServer } from "./_server.ts";
import { fault, jwt } from "./_token.ts";

const BEARER = "bearer-of-the-runner-0123456789";

test("ambientToken() says what it looked for when a machine has no credentials", async () => {
  const { message } = await fault("TOKEN_UNAVAILABLE", () => ambient({}).token({}));
  for (const sign of ["GITHUB_ACTIONS", "GITLAB_CI", "GCE_METADATA_HOST", "BUILDKITE"]) {
    assert.ok(message.includes(sign), sign);
  }
  assert.ok(message.includes("/var/run/sigstore/cosign/oidc-token"));
});

test("ambientToken() stops at the first provider that is there, in the order of its documentation", async () => {
  await using place = await folder();
  const file = jwt({ sub: "file" });
  await writeFile(place.at("token"), file);
  await writeFile(place.at("buildkite-agent"), `#!/bin/sh\necho ${jwt({ sub: "buildkite" })}\n`);
  await chmod(place.at("buildkite-agent"), 0o755);
  await using google = await loopbackServer((_, response) => {
    response.setHeader("metadata-flavor", "Google");
    response.end(jwt({ sub: "google" }));
  });
  await using github = await loopbackServer((_, response) =>
    json(response, { value: jwt({ sub: "github" }) })
  );
  const signs: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["github", {
      GITHUB_ACTIONS: "true",
      ACTIONS_ID_TOKEN_REQUEST_URL: `${github.origin}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
    }],
    ["gitlab", { GITLAB_CI: "true", SIGSTORE_ID_TOKEN: jwt({ sub: "gitlab" }) }],
    ["google", { GCE_METADATA_HOST: google.host }],
    ["buildkite", { BUILDKITE: "true", PATH: place.at("") }],
    ["file", { SIGSTORE_OIDC_TOKEN_FILE: place.at("token") }],
  ];
  for (const [index, [name]] of signs.entries()) {
    const env = Object.assign({}, ...signs.slice(index).map(([, each]) => each));
    assert.equal((await ambient(env).token({})).subject, name);
  }
});

test("ambientToken() asks GitHub's token service as GitHub documents it", async () => {
  const text = jwt();
  await using server = await loopbackServer((_, response) => json(response, { value: text }));
  const source = ambient(
    {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${server.origin}/jobs/1/idtoken?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
    },
    {},
    "sigstore",
  );
  assert.equal(source.kind, "ambient");
  assert.equal((await source.token({})).token.reveal(), text);
  const [asked] = server.asked;
  assert.equal(asked?.method, "GET");
  assert.equal(asked?.url.pathname, "/jobs/1/idtoken");
  assert.equal(asked?.url.search, "?api-version=2.0&audience=sigstore");
  assert.equal(asked?.headers.authorization, `Bearer ${BEARER}`);
});

test("ambientToken() escapes the audience in GitHub's address", async () => {
  const audience = "https://fulcio.example/?a=b&c";
  await using server = await loopbackServer((_, response) =>
    json(response, { value: jwt({ aud: audience }) })
  );
  await ambient(
    {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${server.origin}/?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
    },
    {},
    audience,
  ).token({});
  assert.equal(server.asked[0]?.url.searchParams.get("audience"), audience);
});

test("ambientToken() hints at the permission that a job of GitHub Actions lacks", async () => {
  for (
    const env of [
      { GITHUB_ACTIONS: "true" },
      { GITHUB_ACTIONS: "true", ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER },
      { ACTIONS_ID_TOKEN_REQUEST_URL: "https://actions.example/" },
    ]
  ) {
    const { hint } = await fault("TOKEN_UNAVAILABLE", () => ambient(env).token({}), BEARER);
    assert.ok(hint?.includes("id-token: write"));
  }
});

test("ambientToken() sends GitHub's bearer token over no plain HTTP, and follows no redirect with it", async () => {
  const ask = (url: string) =>
    ambient({ ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER }).token(
      {},
    );
  await fault("TOKEN_UNAVAILABLE", () => ask("http://actions.example/token"), BEARER);
  await fault("TOKEN_UNAVAILABLE", () => ask("not an address"), BEARER);
  await using other = await loopbackServer((_, response) => json(response, { value: jwt() }));
  await using server = await loopbackServer((_, response) => {
    response.writeHead(302, { location: other.origin });
    response.end();
  });
  await fault("NETWORK_STATUS", () => ask(server.origin), BEARER);
  assert.equal(other.asked.length, 0);
});

test("ambientToken() reports what GitHub's token service gets wrong, and shows no secret", async () => {
  const text = jwt({ aud: "other" });
  for (
    const [code, status, body] of [
      ["NETWORK_STATUS", 403, { message: `bad token ${BEARER}` }],
      ["NETWORK_RESPONSE", 200, { token: text }],
      ["NETWORK_RESPONSE", 200, { value: 7 }],
      ["NETWORK_RESPONSE", 200, [text]],
      ["NETWORK_RESPONSE", 200, { value: "x".repeat(300_000) }],
      ["TOKEN_AUDIENCE", 200, { value: text }],
      ["TOKEN_MALFORMED", 200, { value: "no token" }],
    ] as const
  ) {
    await using server = await loopbackServer((_, response) => json(response, body, status));
    const source = ambient({
      ACTIONS_ID_TOKEN_REQUEST_URL: server.origin,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
    });
    await fault(code, () => source.token({}), text, BEARER);
  }
});

test("ambientToken() takes GitLab's variable, and only in a job of GitLab CI", async () => {
  const text = jwt();
  const env = { SIGSTORE_ID_TOKEN: text };
  assert.equal((await ambient({ ...env, GITLAB_CI: "true" }).token({})).token.reveal(), text);
  await fault("TOKEN_UNAVAILABLE", () => ambient(env).token({}), text);
});

test("ambientToken() hints at the id_tokens that a job of GitLab CI lacks", async () => {
  const { hint } = await fault("TOKEN_UNAVAILABLE", () => ambient({ GITLAB_CI: "true" }).token({}));
  assert.ok(hint?.includes("id_tokens"));
});

test("ambientToken() reads the cosign token file, and the one that the variable names instead", async () => {
  await using place = await folder();
  await writeFile(place.at("usual"), `${jwt({ sub: "usual" })}\n`);
  await writeFile(place.at("named"), `${jwt({ sub: "named" })}\n`);
  const tokenFile = place.at("usual");
  assert.equal((await ambient({}, { tokenFile }).token({})).subject, "usual");
  const env = { SIGSTORE_OIDC_TOKEN_FILE: place.at("named") };
  assert.equal((await ambient(env, { tokenFile }).token({})).subject, "named");
});

test("ambientToken() reports a token file that is named and absent, or there and not readable", async () => {
  await using place = await folder();
  const env = { SIGSTORE_OIDC_TOKEN_FILE: place.at("absent") };
  await fault("FILE_UNREADABLE", () => ambient(env).token({}));
  await fault("FILE_UNREADABLE", () => ambient({}, { tokenFile: place.at("") }).token({}));
  execFileSync("mkfifo", [place.at("pipe")]);
  await fault(
    "FILE_UNREADABLE",
    () => ambient({}, { tokenFile: place.at("pipe") }).token({ timeout: 50 }),
  );
});

test("ambientToken() looks at nothing when the run is aborted", async () => {
  await using server = await loopbackServer((_, response) => json(response, { value: jwt() }));
  const source = ambient({
    ACTIONS_ID_TOKEN_REQUEST_URL: server.origin,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
  });
  await fault("ABORTED", () => source.token({ signal: AbortSignal.abort() }), BEARER);
  assert.equal(server.asked.length, 0);
});

test("ambientToken() names the provider in the log, and not the token", async () => {
  const text = jwt();
  const lines: string[] = [];
  await ambient({ GITLAB_CI: "true", SIGSTORE_ID_TOKEN: text }).token({
    logger: { log: (...line) => void lines.push(JSON.stringify(line)) },
  });
  assert.ok(lines.join().includes("GitLab CI"));
  for (const part of text.split(".")) assert.ok(!lines.join().includes(part));
});

test("prepare() finds out without any request that no token can be had", async () => {
  await fault("TOKEN_UNAVAILABLE", () => ambient({}).prepare({}));
  await fault("TOKEN_UNAVAILABLE", () => ambient({ GITHUB_ACTIONS: "true" }).prepare({}));
  await fault("TOKEN_UNAVAILABLE", () => ambient({ GITLAB_CI: "true" }).prepare({}));
  await fault("TOKEN_UNAVAILABLE", () => ambient({ BUILDKITE: "true" }).prepare({}));
  const expired = jwt({ exp: Math.floor(Date.now() / 1000) - 1 });
  await fault(
    "TOKEN_EXPIRED",
    () => ambient({ GITLAB_CI: "true", SIGSTORE_ID_TOKEN: expired }).prepare({}),
  );
  // Nobody listens there: a request would fail.
  await ambient({ GCE_METADATA_HOST: "127.0.0.1:9" }).prepare({});
  await ambient({ SIGSTORE_OIDC_TOKEN_FILE: "/nowhere" }).prepare({});
});
