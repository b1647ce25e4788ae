import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { interactiveToken } from "../../../../plugins/sigstore/oidc/mod.ts";
import {
  addressIn,
  CLIENT_SECRET,
  CODE,
  load,
  person,
  personElsewhere,
  type Provider,
  provider,
} from "./_sign_in.ts";
import { json } from "./_server.ts";
import { DAY, fault, jwt, NOW } from "./_token.ts";

const OOB = "urn:ietf:wg:oauth:2.0:oob";

function source({ issuer }: Pick<Provider, "issuer">, outOfBand = false) {
  return interactiveToken({ issuer, clientId: "sigstore", outOfBand });
}

/** Asserts that nothing listens at a callback's address any more. */
async function assertClosed(address: string): Promise<void> {
  const { port } = new URL(new URL(address).searchParams.get("redirect_uri") ?? "");
  for (const host of ["127.0.0.1", "localhost"]) {
    await assert.rejects(fetch(`http://${host}:${port}/`));
  }
}

test("interactiveToken() signs in with a browser", async () => {
  await using openId = await provider();
  const interaction = person();
  const tokenSource = source(openId);
  const identity = await tokenSource.token({ interaction });
  await interaction.browsing;
  assert.equal(tokenSource.kind, "interactive");
  assert.equal(identity.token.reveal(), openId.tokens[0]);
  assert.equal(identity.issuer, openId.issuer);
  assert.equal(identity.subject, "me@example.com");
  assert.deepEqual(interaction.opened, [addressIn(interaction.told).href]);
});

test("interactiveToken() asks for a code with PKCE, state and nonce", async () => {
  await using openId = await provider();
  const interaction = person();
  await source(openId).token({ interaction });
  const { pathname, searchParams } = new URL(interaction.opened[0]!);
  const { state, nonce, code_challenge, redirect_uri, ...asked } = Object.fromEntries(searchParams);
  assert.equal(pathname, "/auth/authorize");
  assert.deepEqual(asked, {
    tenant: "1",
    response_type: "code",
    client_id: "sigstore",
    scope: "openid email",
    code_challenge_method: "S256",
  });
  assert.match(redirect_uri ?? "", /^http:\/\/localhost:[0-9]+\/auth\/callback$/);
  assert.equal(new Set([state, nonce, code_challenge]).size, 3);
  for (const random of [state, nonce, code_challenge]) assert.match(random ?? "", /^[\w-]{43}$/);
  const [exchange] = openId.exchanges;
  const { code_verifier = "", ...form } = Object.fromEntries(new URLSearchParams(exchange?.body));
  assert.deepEqual(form, {
    grant_type: "authorization_code",
    code: CODE,
    redirect_uri,
    client_id: "sigstore",
  });
  assert.equal(createHash("sha256").update(code_verifier).digest("base64url"), code_challenge);
  assert.equal(exchange?.url.pathname, "/auth/token/");
  assert.equal(exchange?.headers.authorization, undefined);
});

test("interactiveToken() uses state, nonce and verifier once", async () => {
  await using openId = await provider();
  const interaction = person();
  await source(openId).token({ interaction });
  await source(openId).token({ interaction });
  for (const name of ["state", "nonce", "code_challenge"]) {
    assert.equal(
      new Set(interaction.opened.map((url) => new URL(url).searchParams.get(name))).size,
      2,
    );
  }
});

test("interactiveToken() sends a client's secret in the header only", async () => {
  await using openId = await provider();
  const interaction = person();
  await interactiveToken({
    issuer: openId.issuer,
    clientId: "sigstore",
    clientSecret: CLIENT_SECRET,
    outOfBand: false,
  }).token({ interaction });
  const [exchange] = openId.exchanges;
  const credentials = Buffer.from("sigstore:p%26ss%3Aword%20of%20the%20client").toString("base64");
  assert.equal(exchange?.headers.authorization, `Basic ${credentials}`);
  assert.ok(!new URLSearchParams(exchange?.body).has("client_secret"));
  assert.ok(!interaction.opened.join().includes("client_secret"));
});

test("interactiveToken() leaves no secret in logs, spans and what it tells", async () => {
  await using openId = await provider();
  const interaction = person();
  const seen: string[] = [];
  await source(openId).token({
    interaction,
    logger: { log: (...line) => void seen.push(JSON.stringify(line)) },
    observer: { emit: (event) => void seen.push(JSON.stringify(event)) },
  });
  const verifier = new URLSearchParams(openId.exchanges[0]?.body).get("code_verifier") ?? "";
  seen.push(...interaction.told);
  for (const hidden of [CODE, verifier, ...openId.tokens]) assert.ok(!seen.join().includes(hidden));
});

test("interactiveToken() shows a page that can do nothing, and repeats nothing of the request", async () => {
  await using openId = await provider();
  let page: Response | undefined;
  let text = "";
  const interaction = person(async (back) => {
    back.searchParams.set("code", CODE);
    back.searchParams.set("more", "<script>");
    page = await fetch(back);
    text = await page.text();
  });
  await source(openId).token({ interaction });
  await interaction.browsing;
  assert.equal(page?.status, 200);
  assert.match(page?.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(page?.headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.match(page?.headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
  assert.equal(page?.headers.get("cache-control"), "no-store");
  assert.equal(page?.headers.get("referrer-policy"), "no-referrer");
  assert.equal(page?.headers.get("x-content-type-options"), "nosniff");
  assert.match(text, /<\/html>\s*$/);
  assert.ok(!/<script|<link|<img|src=|href=/i.test(text));
  assert.ok(!text.includes(CODE));
});

test("interactiveToken() closes its listener at the end", async () => {
  await using openId = await provider();
  const interaction = person();
  await source(openId).token({ interaction });
  await assertClosed(interaction.opened[0]!);
});

test("interactiveToken() refuses stray requests and goes on waiting", async () => {
  await using openId = await provider();
  const statuses: number[] = [];
  const interaction = person(async (back) => {
    const stray = async (change: (url: URL) => void, init?: RequestInit) => {
      const url = new URL(back);
      url.searchParams.set("code", "stray");
      change(url);
      statuses.push((await load(url, init))[0]);
    };
    await stray((url) => url.searchParams.set("state", "another"));
    await stray((url) => url.searchParams.set("state", `${url.searchParams.get("state")}x`));
    await stray((url) => url.searchParams.set("state", ""));
    await stray((url) => url.searchParams.delete("state"));
    await stray((url) => url.searchParams.append("state", url.searchParams.get("state")!));
    await stray((url) => url.searchParams.append("code", "second"));
    await stray((url) => url.searchParams.set("code", ""));
    await stray((url) => url.searchParams.delete("code"));
    await stray((url) => url.searchParams.set("iss", "https://other.example"));
    await stray((url) => url.pathname = "/");
    await stray((url) => url.pathname = "/auth/callback/");
    await stray((url) => url.pathname = "/favicon.ico");
    await stray(() => {}, { method: "POST" });
    await stray(() => {}, { method: "PUT", body: "x" });
    await stray((url) => {
      url.searchParams.set("state", "another");
      url.searchParams.set("error", "access_denied");
    });
    back.searchParams.set("code", CODE);
    back.searchParams.set("iss", openId.issuer);
    await load(back);
  });
  const identity = await source(openId).token({ interaction });
  await interaction.browsing;
  assert.equal(identity.token.reveal(), openId.tokens[0]);
  assert.deepEqual(new Set(statuses), new Set([400]));
  assert.equal(statuses.length, 15);
  assert.equal(new URLSearchParams(openId.exchanges[0]?.body).get("code"), CODE);
});

test("interactiveToken() ends when the provider says that access was denied, and shows its words", async () => {
  await using openId = await provider();
  let page: readonly [number, string] | undefined;
  const interaction = person(async (back) => {
    back.searchParams.set("error", "access_denied");
    back.searchParams.set("error_description", "not today\u001b[2J");
    page = await load(back);
  });
  const { message } = await fault(
    "TOKEN_UNAVAILABLE",
    () => source(openId).token({ interaction }),
  );
  await interaction.browsing;
  assert.ok(message.includes("access_denied") && message.includes("not today"));
  assert.ok(!message.includes("\u001b"));
  assert.equal(page?.[0], 200);
  assert.match(page?.[1] ?? "", /<\/html>\s*$/);
  await assertClosed(interaction.opened[0]!);
});

test("interactiveToken() answers at each loopback address", async () => {
  await using openId = await provider();
  const hosts = ["127.0.0.1", ...(await hasIpv6() ? ["[::1]"] : [])];
  for (const host of hosts) {
    const interaction = person(async (back) => {
      back.hostname = host;
      back.searchParams.set("code", CODE);
      await load(back);
    });
    await source(openId).token({ interaction });
    await interaction.browsing;
  }
});

test("interactiveToken() ends although a browser holds a connection open", async () => {
  await using openId = await provider();
  let idle: Socket | undefined;
  const interaction = person(async (back) => {
    idle = connect(Number(back.port), "127.0.0.1");
    await new Promise((resolve) => idle?.once("connect", resolve));
    back.searchParams.set("code", CODE);
    await load(back);
  });
  try {
    await source(openId).token({ interaction });
    await interaction.browsing;
  } finally {
    idle?.destroy();
  }
});

test("interactiveToken() refuses a token that is not the answer to its question, and does not show it", async () => {
  for (
    const [code, claims] of [
      ["NETWORK_RESPONSE", { nonce: "another" }],
      ["NETWORK_RESPONSE", { nonce: undefined }],
      ["NETWORK_RESPONSE", { iss: "https://other.example" }],
      ["TOKEN_AUDIENCE", { aud: "another" }],
      ["TOKEN_EXPIRED", { exp: NOW - DAY }],
      ["TOKEN_NOT_YET_VALID", { iat: NOW + DAY / 2 }],
      ["TOKEN_MALFORMED", { email_verified: false }],
    ] as const
  ) {
    await using openId = await provider({ claims });
    const interaction = person();
    const error = await fault(code, () => source(openId).token({ interaction }), CODE);
    await fault(code, () => Promise.reject(error), ...openId.tokens);
    assert.equal(openId.tokens.length, 1);
  }
});

test("interactiveToken() gives up on a browser that does not come back", async () => {
  await using openId = await provider();
  const interaction = person(async () => {});
  await fault("NETWORK_TIMEOUT", () => source(openId).token({ interaction, timeout: 500 }));
  await assertClosed(interaction.opened[0]!);
});

test("interactiveToken() gives up on a browser that does not open", async () => {
  await using openId = await provider();
  const interaction = person({}, { openBrowser: () => new Promise(() => {}) });
  await fault("NETWORK_TIMEOUT", () => source(openId).token({ interaction, timeout: 500 }));
});

test("interactiveToken() stops waiting for the browser when the run is aborted", async () => {
  await using openId = await provider();
  const abort = new AbortController();
  const interaction = person(() => Promise.resolve(abort.abort()));
  await fault("ABORTED", () => source(openId).token({ interaction, signal: abort.signal }));
  await assertClosed(interaction.opened[0]!);
});

test("interactiveToken() reports what the token endpoint gets wrong, and shows no secret", async () => {
  const token = jwt();
  for (
    const [code, answer] of [
      ["NETWORK_STATUS", [400, { error: "invalid_grant", error_description: `no ${CODE}` }]],
      ["NETWORK_STATUS", [401, {
        error: "invalid_client",
        error_description: CLIENT_SECRET.reveal(),
      }]],
      ["NETWORK_STATUS", [500, { token }]],
      ["NETWORK_STATUS", [302, {}]],
      ["NETWORK_RESPONSE", [200, { access_token: token }]],
      ["NETWORK_RESPONSE", [200, { id_token: [token] }]],
      ["NETWORK_RESPONSE", [200, token]],
      ["NETWORK_RESPONSE", [200, { id_token: token, more: "x".repeat(300_000) }]],
      ["TOKEN_MALFORMED", [200, { id_token: CODE }]],
    ] as const
  ) {
    await using openId = await provider({
      exchange: (_, response) => json(response, answer[1], answer[0]),
    });
    const signIn = interactiveToken({
      issuer: openId.issuer,
      clientId: "sigstore",
      clientSecret: CLIENT_SECRET,
      outOfBand: false,
    });
    await fault(
      code,
      () => signIn.token({ interaction: person() }),
      ...[CODE, token, CLIENT_SECRET.reveal()],
    );
    // Also after a failure of the server's: a code can be used once.
    assert.equal(openId.exchanges.length, 1);
  }
});

test("interactiveToken() shows no verifier that the token endpoint repeats", async () => {
  await using openId = await provider({
    exchange: ({ body }, response) =>
      json(response, { error: new URLSearchParams(body).get("code_verifier") }, 400),
  });
  const error = await fault(
    "NETWORK_STATUS",
    () => source(openId).token({ interaction: person() }),
  );
  const verifier = new URLSearchParams(openId.exchanges[0]?.body).get("code_verifier") ?? "";
  await fault("NETWORK_STATUS", () => Promise.reject(error), verifier);
});

test("interactiveToken() gives up on a token endpoint that is silent, or slow", async () => {
  for (const begin of ["", '{"id_token": "']) {
    await using openId = await provider({
      exchange: (_, response) => void (begin && response.write(begin)),
    });
    await fault(
      "NETWORK_TIMEOUT",
      () => source(openId).token({ interaction: person(), timeout: 500 }),
      CODE,
    );
  }
});

test("interactiveToken() obeys an abort during the exchange", async () => {
  const abort = new AbortController();
  await using openId = await provider({ exchange: () => abort.abort() });
  await fault(
    "ABORTED",
    () => source(openId).token({ interaction: person(), signal: abort.signal }),
    CODE,
  );
});

test("interactiveToken() refuses a provider that calls itself otherwise", async () => {
  for (const issuer of ["https://other.example", undefined, 7, ["x"]]) {
    await using openId = await provider({ configuration: { issuer } });
    await fault("NETWORK_RESPONSE", () => source(openId).token({ interaction: person() }));
  }
  await using openId = await provider();
  const slash = { issuer: `${openId.issuer}/` };
  await fault("NETWORK_RESPONSE", () => source(slash).token({ interaction: person() }));
});

test("interactiveToken() refuses endpoints that are missing, or that secrets could not be sent to", async () => {
  for (const member of ["authorization_endpoint", "token_endpoint"]) {
    for (
      const address of [
        undefined,
        7,
        "",
        "/token",
        "http://other.example/token",
        "javascript:alert(1)",
      ]
    ) {
      await using openId = await provider({ configuration: { [member]: address } });
      const interaction = person();
      await fault("NETWORK_RESPONSE", () => source(openId).token({ interaction }));
      assert.deepEqual(interaction.opened, []);
    }
  }
});

test("interactiveToken() reports a provider that is none", async () => {
  for (
    const [code, status, body] of [
      ["NETWORK_STATUS", 404, "not here"],
      ["NETWORK_RESPONSE", 200, "<html>"],
      ["NETWORK_RESPONSE", 200, '{"issuer": "a", "issuer": "b"}'],
      ["NETWORK_RESPONSE", 200, `{"more": "${"x".repeat(300_000)}"}`],
    ] as const
  ) {
    await using openId = await provider({
      discovery: (response) => void response.writeHead(status).end(body),
    });
    await fault(code, () => source(openId).token({ interaction: person() }));
  }
});

test("interactiveToken() refuses an issuer that is no provider's address", async () => {
  for (
    const issuer of [
      "",
      "issuer.example",
      "http://issuer.example",
      "https://me:pw@issuer.example",
      "https://issuer.example/?x=1",
      "https://issuer.example/#x",
    ]
  ) {
    await fault("USAGE", () => source({ issuer }).token({ interaction: person() }));
  }
});

test("interactiveToken() asks nobody's browser when there is nobody to interact with", async () => {
  await using openId = await provider();
  for (const outOfBand of [false, true]) {
    await fault("INTERACTION_UNAVAILABLE", () => source(openId, outOfBand).token({}));
  }
  assert.equal(openId.asked.length, 0);
});

test("interactiveToken() takes a code that is typed in", async () => {
  await using openId = await provider();
  const interaction = person({}, {
    openBrowser: () => assert.fail("out of band means without a browser here"),
    async ask() {
      await load(addressIn(interaction.told));
      return ` ${CODE}\n`;
    },
  });
  const { token } = await source(openId, true).token({ interaction });
  assert.equal(token.reveal(), openId.tokens[0]);
  const asked = addressIn(interaction.told).searchParams;
  assert.equal(asked.get("redirect_uri"), OOB);
  assert.equal(asked.get("code_challenge_method"), "S256");
  const form = new URLSearchParams(openId.exchanges[0]?.body);
  assert.equal(form.get("code"), CODE);
  assert.equal(form.get("redirect_uri"), OOB);
});

test("interactiveToken() has the code typed in when no browser can be opened", async () => {
  await using openId = await provider();
  const interaction = personElsewhere(async () => {
    await load(addressIn(interaction.told));
    return CODE;
  });
  const { token } = await source(openId).token({ interaction });
  assert.equal(token.reveal(), openId.tokens[0]);
  assert.equal(interaction.told.length, 1);
  assert.equal(addressIn(interaction.told).searchParams.get("redirect_uri"), OOB);
});

test("interactiveToken() compares the nonce of a token for a typed code, too", async () => {
  await using openId = await provider({ claims: { nonce: "another" } });
  const interaction = personElsewhere(() => Promise.resolve(CODE));
  await fault("NETWORK_RESPONSE", () => source(openId, true).token({ interaction }), CODE);
});

test("interactiveToken() sends no code that is empty or endless", async () => {
  for (const code of ["", "  ", "x".repeat(5000)]) {
    await using openId = await provider();
    const interaction = personElsewhere(() => Promise.resolve(code));
    await fault("TOKEN_UNAVAILABLE", () => source(openId, true).token({ interaction }));
    assert.equal(openId.exchanges.length, 0);
  }
});

test("interactiveToken() gives up on a code that nobody types, and lets the prompt know", async () => {
  await using openId = await provider();
  let ended: AbortSignal | undefined;
  const interaction = personElsewhere((_, signal) => {
    ended = signal;
    return new Promise(() => {});
  });
  await fault("NETWORK_TIMEOUT", () => source(openId, true).token({ interaction, timeout: 500 }));
  assert.ok(ended?.aborted);
  const abort = new AbortController();
  const aborting = personElsewhere(() => {
    abort.abort();
    return new Promise(() => {});
  });
  const options = { interaction: aborting, signal: abort.signal };
  await fault("ABORTED", () => source(openId, true).token(options));
});

test("interactiveToken() fails when nobody can type a code in", async () => {
  await using openId = await provider();
  const interaction = person();
  await fault("INTERACTION_UNAVAILABLE", () => source(openId, true).token({ interaction }));
});

async function hasIpv6(): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "::1", () => resolve());
    });
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
