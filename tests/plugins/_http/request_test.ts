/** What tests of the services' clients do not ask already: limits to the byte, pauses, broken answers, words. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import type { RunOptions } from "../../../core/options.ts";
import {
  type HttpRequest,
  type Limited,
  request,
  requestJson,
} from "../../../plugins/_http/mod.ts";
import { faultOf, shown } from "../sigstore/_signing.ts";
import { answerOf, chunk, chunkedHead, listen, type Server } from "./_server.ts";

const TOKEN = "eyJhbGciOiJub25lIn0.c2VjcmV0.c2lnbmF0dXJl";

/** A request of up to 1000 bytes, sent once. */
function ask(
  { url }: Server,
  more: Partial<HttpRequest & Limited> = {},
  options: RunOptions = {},
): ReturnType<typeof request> {
  return request({ service: "the service", url, maxBytes: 1000, retries: 0, ...more }, options);
}

/** Code of the fault that a run ends with. */
async function codeOf(run: Promise<unknown>): Promise<string> {
  return (await faultOf(run)).code;
}

test("request() sends method, headers and body, and gives status, headers and body", async () => {
  await using server = await listen((_, socket) =>
    socket.end(answerOf(202, "answer", { "x-answer": "yes" }))
  );
  const { status, headers, body } = await ask(server, {
    method: "POST",
    url: new URL("/path?query=1", server.url),
    headers: { authorization: `Bearer ${TOKEN}` },
    body: "asked",
  });
  assert.equal(status, 202);
  assert.equal(headers.get("x-answer"), "yes");
  assert.equal(Buffer.from(body).toString(), "answer");
  const [asked] = server.asked;
  assert.equal(asked?.method, "POST");
  assert.equal(asked?.path, "/path?query=1");
  assert.equal(asked?.body, "asked");
  assert.equal(asked?.headers["authorization"], `Bearer ${TOKEN}`);
  assert.equal(asked?.headers["user-agent"], "model-signing");
});

test("request() takes as many bytes as it is told, and not one more", async () => {
  for (
    const [length, expected] of [[999, "ok"], [1000, "ok"], [1001, "NETWORK_RESPONSE"]] as const
  ) {
    const text = "x".repeat(length);
    const answers = {
      "with a length": answerOf(200, text),
      "in chunks": chunkedHead() + chunk(text.slice(0, 500)) + chunk(text.slice(500)) + chunk(""),
      "up to the end of the connection": `HTTP/1.1 200 Status\r\nconnection: close\r\n\r\n${text}`,
      compressed: answerOf(200, gzipSync(text), { "content-encoding": "gzip" }),
    };
    for (const [what, bytes] of Object.entries(answers)) {
      await using server = await listen((_, socket) => socket.end(bytes));
      const found = await ask(server).then(({ body }) => {
        assert.equal(body.length, length);
        return "ok";
      }, (error) => error.code);
      assert.equal(found, expected, `${length} ${what}`);
    }
  }
});

test("request() does not unpack more than it is told, and does not ask again for that", async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  await using server = await listen((_, socket) =>
    socket.end(answerOf(200, bomb, { "content-encoding": "gzip" }))
  );
  assert.equal(await codeOf(ask(server, { retries: 2 })), "NETWORK_RESPONSE");
  assert.equal(server.asked.length, 1);
});

test("request() refuses an answer that breaks off, and asks again", async () => {
  const broken = {
    "shorter than its length": answerOf(200, "half", { "content-length": 8 }),
    "without its last chunk": chunkedHead() + chunk("half"),
    "in the middle of a chunk": `${chunkedHead()}8\r\nhalf`,
  };
  for (const [what, bytes] of Object.entries(broken)) {
    await using server = await listen((_, socket) => socket.end(bytes));
    assert.equal(await codeOf(ask(server, { retries: 1 })), "NETWORK_RESPONSE", what);
    assert.equal(server.asked.length, 2, what);
  }
});

test("request() refuses what is no HTTP", async () => {
  for (const bytes of ["", "garbage\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"]) {
    await using server = await listen((_, socket) => socket.end(bytes));
    assert.equal(await codeOf(ask(server)), "NETWORK_UNREACHABLE", bytes);
  }
});

test("request() says so when nobody listens", async () => {
  const gone = await listen(() => {});
  await gone[Symbol.asyncDispose]();
  assert.equal(await codeOf(ask(gone)), "NETWORK_UNREACHABLE");
});

test("request() refuses a header that cannot be sent, at once and without showing it", async () => {
  await using server = await listen((_, socket) => socket.end(answerOf(200)));
  for (const value of ["Bearer hunter2\nx: y", "Bearer hunter2\u20ac", "hunter2\0"]) {
    const error = await faultOf(ask(server, { headers: { authorization: value }, retries: 2 }));
    assert.equal(error.code, "USAGE", value);
    assert.match(error.message, /its header "authorization" holds characters/);
    assert.ok(!shown(error).includes("hunter2"));
  }
  assert.equal(await codeOf(ask(server, { headers: { "a b": "c" } })), "USAGE");
  assert.equal(server.asked.length, 0);
});

/** Pauses that are announced before a request is sent again; the run ends with the last of them. */
async function pauses(
  headers: Readonly<Record<string, string>>,
  retries: number,
): Promise<readonly unknown[]> {
  await using server = await listen((_, socket) => socket.end(answerOf(503, "", headers)));
  const abort = new AbortController();
  const found: unknown[] = [];
  const run = ask(server, { retries }, {
    signal: abort.signal,
    logger: {
      log(_level, _message, fields) {
        found.push((fields as { readonly pause: unknown }).pause);
        if (found.length === retries) abort.abort();
      },
    },
  });
  assert.equal(await codeOf(run), "ABORTED");
  return found;
}

test("request() waits longer each time, and as long as it is asked to within reason", async () => {
  assert.deepEqual(await pauses({}, 2), [250, 500]);
  const past = new Date(Date.now() - 60_000).toUTCString();
  const future = new Date(Date.now() + 3_600_000).toUTCString();
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["1", 1000],
    ["86400", 10_000],
    ["99999999999999999999", 250],
    [past, 0],
    [future, 10_000],
    ["soon", 250],
    ["", 250],
  ];
  for (const [value, pause] of cases) {
    assert.deepEqual(await pauses({ "retry-after": value }, 1), [pause], JSON.stringify(value));
  }
});

test("request() asks as often as it is told", async () => {
  for (const retries of [0, 1]) {
    await using server = await listen((_, socket) =>
      socket.end(answerOf(500, "", { "retry-after": "0" }))
    );
    assert.equal(await codeOf(ask(server, { retries })), "NETWORK_STATUS");
    assert.equal(server.asked.length, retries + 1);
  }
});

test("request() gives statuses that are an answer to the one who asks", async () => {
  await using server = await listen((_, socket) => socket.end(answerOf(409, "there already")));
  const { status } = await ask(server, { accepts: (found) => found === 409 });
  assert.equal(status, 409);
  await using fine = await listen((_, socket) => socket.end(answerOf(200)));
  assert.equal(await codeOf(ask(fine, { accepts: (found) => found === 409 })), "NETWORK_STATUS");
});

test("request() tells nobody else when it is redirected", async () => {
  await using elsewhere = await listen((_, socket) => socket.end(answerOf(200, "caught")));
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = await listen((_, socket) =>
      socket.end(answerOf(status, "", { location: elsewhere.url.href }))
    );
    const run = ask(server, { headers: { authorization: TOKEN }, retries: 2 });
    assert.equal(await codeOf(run), "NETWORK_STATUS");
    assert.equal(server.asked.length, 1);
  }
  assert.equal(elsewhere.asked.length, 0);
});

test("request() gives up on a service that stops in the middle", async () => {
  const stalled = {
    "in the head": "HTTP/1.1 200 Status\r\ncontent-le",
    "before the body": answerOf(200, "", { "content-length": 8 }),
    "in the body": answerOf(200, "half", { "content-length": 8 }),
    "in the body of a refusal": answerOf(500, "half", { "content-length": 8 }),
  };
  for (const [what, bytes] of Object.entries(stalled)) {
    await using server = await listen((_, socket) => void socket.write(bytes));
    const run = ask(server, { retries: 2 }, { timeout: 200 });
    assert.equal(await codeOf(run), "NETWORK_TIMEOUT", what);
    assert.equal(server.asked.length, 1, what);
  }
});

test("request() ends when it is aborted: before, in the middle of a body, and in a pause", async () => {
  await using server = await listen((_, socket) =>
    void socket.write(answerOf(200, "half", { "content-length": 8 }))
  );
  assert.equal(await codeOf(ask(server, {}, { signal: AbortSignal.abort() })), "ABORTED");
  assert.equal(server.asked.length, 0);
  const abort = new AbortController();
  const run = ask(server, {}, { signal: abort.signal });
  while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  assert.equal(await codeOf(run), "ABORTED");
  // A pause is what pauses() ends.
  assert.deepEqual(await pauses({ "retry-after": "9" }, 1), [9000]);
});

test("request() shows what a service says of a refusal, and nothing that harms", async () => {
  const words = "the digest is malformed";
  const cases: readonly (readonly [string | Uint8Array, boolean])[] = [
    [JSON.stringify({ code: 3, message: words }), true],
    [JSON.stringify({ error: "invalid_grant", error_description: words }), true],
    [JSON.stringify({ error: words }), true],
    [words, true],
    [`<html><body>${words}</body></html>`, false],
    [JSON.stringify([words]), false],
    [JSON.stringify({ message: { text: words } }), false],
    [`${words}${" ".repeat(70_000)}x`, false],
  ];
  for (const [body, shows] of cases) {
    await using server = await listen((_, socket) => socket.end(answerOf(400, body)));
    const { code, message } = await faultOf(ask(server));
    assert.equal(code, "NETWORK_STATUS");
    assert.equal(message.includes(words), shows, message);
  }
  await using rude = await listen((_, socket) =>
    socket.end(answerOf(400, JSON.stringify({ message: `\u001b[2J\u202e${"x".repeat(5000)}` })))
  );
  const { message } = await faultOf(ask(rude));
  assert.ok(!/[\u001b\u202e]/.test(message));
  assert.ok(message.length < 500);
});

test("request() shows no secret that a service repeats, and none that it was sent", async () => {
  for (
    const body of [
      TOKEN,
      `the token ${TOKEN} has expired`,
      JSON.stringify({ message: `bad token: ${TOKEN}` }),
      JSON.stringify({ error: "invalid_grant", error_description: TOKEN }),
    ]
  ) {
    await using server = await listen((_, socket) => socket.end(answerOf(401, body)));
    const fault = await faultOf(ask(server, {
      headers: { authorization: `Bearer ${TOKEN}` },
      secrets: [TOKEN],
    }));
    assert.equal(fault.code, "NETWORK_STATUS");
    assert.ok(!shown(fault).includes(TOKEN), body);
  }
  const gone = await listen(() => {});
  await gone[Symbol.asyncDispose]();
  const unreachable = await faultOf(ask(gone, { headers: { authorization: TOKEN }, body: TOKEN }));
  assert.ok(!shown(unreachable).includes(TOKEN));
});

test("request() shows no part of a secret that a service quotes cut short", async () => {
  const half = TOKEN.slice(0, TOKEN.length / 2);
  for (
    const [body, hidden] of [
      [`cannot parse ${half}...`, true],
      [`${"x".repeat(180)} ${TOKEN}`, true],
      [`${"x".repeat(300)} ${TOKEN}`, true],
      ["no part of it: eyJ", false],
    ] as const
  ) {
    await using server = await listen((_, socket) => socket.end(answerOf(400, body)));
    const { message } = await faultOf(ask(server, { secrets: ["", TOKEN] }));
    assert.equal(message.includes(body.slice(0, 10)), !hidden, message);
    assert.ok(!message.includes(half));
  }
});

test("request() gives the advice for a status", async () => {
  await using server = await listen((_, socket) => socket.end(answerOf(404)));
  const hint = (status: number) => status === 404 ? "look elsewhere" : undefined;
  assert.equal((await faultOf(ask(server, { hint }))).hint, "look elsewhere");
});

test("requestJson() takes a JSON object and nothing else", async () => {
  const found = async (body: string | Uint8Array) => {
    await using server = await listen((_, socket) => socket.end(answerOf(200, body)));
    const { url } = server;
    const asked = { service: "the service", url, maxBytes: 1_000_000, retries: 2 };
    const result = await requestJson(asked, {}).then(
      ({ json }) => JSON.stringify(json),
      (error) => error.code,
    );
    assert.equal(server.asked[0]?.headers["accept"], "application/json");
    // Whoever answers with garbage does so again.
    assert.equal(server.asked.length, 1);
    return result;
  };
  assert.equal(await found('{"a": [1, "b"]}'), '{"a":[1,"b"]}');
  for (
    const body of [
      ...["", "[]", "null", '"text"', "{", "<html>", '{"a":1,"a":2}', "\u{feff}{}"],
      Buffer.from('{"a":"\xff"}', "latin1"),
      `{"a":[${"0,".repeat(100_000)}0]}`,
      `${'{"a":'.repeat(100)}1${"}".repeat(100)}`,
    ]
  ) assert.equal(await found(body), "NETWORK_RESPONSE", String(body).slice(0, 40));
});
