/** Redirects, where a request asks for them to be followed. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type HttpRequest, request } from "../../../plugins/_http/mod.ts";
import { faultOf, shown } from "../sigstore/_signing.ts";
import { answerOf, listen, type Server } from "./_server.ts";

const TOKEN = "c2VjcmV0IHRva2Vu";

/** A server that redirects everything. */
async function redirecting(location: string, status = 307): Promise<Server> {
  return await listen((_, socket) => socket.end(answerOf(status, "", { location })));
}

/** A request that may be redirected on plain HTTP, and tells a secret. */
function ask(
  { url }: Server,
  more: Partial<HttpRequest> = {},
): ReturnType<typeof request> {
  return request({
    service: "the service",
    url,
    maxBytes: 1000,
    retries: 0,
    headers: { authorization: `Bearer ${TOKEN}`, cookie: TOKEN, "x-key": TOKEN, accept: "*/*" },
    redirects: { plainHttp: () => true },
    ...more,
  }, {});
}

test("request() follows a redirect and tells another origin no credentials", async () => {
  await using elsewhere = await listen((_, socket) => socket.end(answerOf(200, "there")));
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = await redirecting(`${elsewhere.url.href}blob?signed=1`, status);
    const { body, foreign } = await ask(server);
    assert.equal(Buffer.from(body).toString(), "there");
    assert.ok(foreign);
    const asked = elsewhere.asked.at(-1)!;
    assert.equal(asked.path, "/blob?signed=1");
    assert.equal(asked.headers["accept"], "*/*");
    assert.ok(!JSON.stringify(asked).includes(TOKEN));
  }
});

test("request() tells the same origin what it told before", async () => {
  await using server = await listen((asked, socket) =>
    socket.end(
      asked.path === "/" ? answerOf(302, "", { location: "/there" }) : answerOf(200, "there"),
    )
  );
  const { foreign } = await ask(server);
  assert.ok(!foreign);
  assert.equal(server.asked[1]?.path, "/there");
  assert.equal(server.asked[1]?.headers["authorization"], `Bearer ${TOKEN}`);
});

test("request() tells no credentials once it was elsewhere, also when it is led back", async () => {
  let back = "";
  await using elsewhere = await listen((_, socket) =>
    socket.end(answerOf(302, "", { location: back }))
  );
  await using server = await listen((asked, socket) =>
    socket.end(
      asked.path === "/"
        ? answerOf(302, "", { location: elsewhere.url.href })
        : answerOf(200, "again"),
    )
  );
  back = `${server.url.href}again`;
  const { foreign } = await ask(server);
  assert.ok(foreign);
  assert.ok(!JSON.stringify(server.asked[1]).includes(TOKEN));
});

test("request() follows five redirects and no more", async () => {
  for (const [steps, expected] of [[5, "ok"], [6, "NETWORK_RESPONSE"]] as const) {
    await using server = await listen((asked, socket) => {
      const step = Number(asked.path.slice(1));
      socket.end(step < steps ? answerOf(302, "", { location: `/${step + 1}` }) : answerOf(200));
    });
    const found = await ask(server).then(() => "ok", (error) => error.code);
    assert.equal(found, expected, String(steps));
  }
});

test("request() follows no redirect to plain HTTP that it was not allowed, and none to other schemes", async () => {
  await using elsewhere = await listen((_, socket) => socket.end(answerOf(200)));
  const { href } = elsewhere.url;
  for (
    const location of [
      href,
      "ftp://127.0.0.1/",
      "file:///etc/passwd",
      "data:text/plain,x",
      href.replace("http://", "http://user:password@"),
      "https://user@example.com/",
      "http://[/",
    ]
  ) {
    await using server = await redirecting(location);
    const run = ask(server, { redirects: { plainHttp: () => false } });
    assert.equal((await faultOf(run)).code, "NETWORK_RESPONSE", location);
  }
  assert.equal(elsewhere.asked.length, 0);
});

test("request() does not show the address that a redirect leads to", async () => {
  await using server = await redirecting("ftp://127.0.0.1/blob?signature=c2lnbmVk");
  assert.ok(!shown(await faultOf(ask(server))).includes("c2lnbmVk"));
});

test("request() follows no redirect of what it sends", async () => {
  await using elsewhere = await listen((_, socket) => socket.end(answerOf(200)));
  await using server = await redirecting(elsewhere.url.href);
  for (const method of ["POST", "PUT"] as const) {
    const run = ask(server, { method, body: "sent" });
    assert.equal((await faultOf(run)).code, "NETWORK_STATUS", method);
  }
  assert.equal(elsewhere.asked.length, 0);
});

test("request() takes a redirect without a target for a status", async () => {
  await using server = await listen((_, socket) => socket.end(answerOf(302)));
  assert.equal((await faultOf(ask(server))).code, "NETWORK_STATUS");
});
