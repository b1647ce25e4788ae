/** Answers that are read as they arrive. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { RunOptions } from "../../../core/options.ts";
import { type HttpStream, openRequest } from "../../../plugins/_http/mod.ts";
import { faultOf } from "../sigstore/_signing.ts";
import { answerOf, chunk, chunkedHead, listen, type Server } from "./_server.ts";

function open({ url }: Server, options: RunOptions = {}): Promise<HttpStream> {
  return openRequest({ service: "the service", url, retries: 1 }, options);
}

async function textOf({ body }: HttpStream): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const each of body as unknown as AsyncIterable<Uint8Array>) chunks.push(each);
  return Buffer.concat(chunks).toString();
}

test("openRequest() hands out a body of any length", async () => {
  const text = "x".repeat(3_000_000);
  await using server = await listen((_, socket) => socket.end(answerOf(200, text)));
  const stream = await open(server);
  assert.equal(stream.status, 200);
  assert.equal(await textOf(stream), text);
});

test("openRequest() asks again until the body begins, and not after that", async () => {
  await using refused = await listen((_, socket, count) =>
    socket.end(count === 0 ? answerOf(503, "", { "retry-after": "0" }) : answerOf(200, "body"))
  );
  assert.equal(await textOf(await open(refused)), "body");
  await using broken = await listen((_, socket) => socket.end(chunkedHead() + chunk("half")));
  const stream = await open(broken);
  assert.equal((await faultOf(textOf(stream))).code, "NETWORK_RESPONSE");
  assert.equal(broken.asked.length, 1);
});

test("openRequest() waits for the next bytes as long as for the first ones", async () => {
  await using server = await listen((_, socket) => {
    socket.write(chunkedHead() + chunk("first"));
  });
  const stream = await open(server, { timeout: 200 });
  assert.equal((await faultOf(textOf(stream))).code, "NETWORK_TIMEOUT");
});

test("openRequest() does not count the time that its reader takes", async () => {
  await using server = await listen((_, socket) =>
    socket.end(chunkedHead() + chunk("a") + chunk("b") + chunk(""))
  );
  const stream = await open(server, { timeout: 100 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(await textOf(stream), "ab");
});

test("openRequest() ends when it is aborted while the body is read", async () => {
  await using server = await listen((_, socket) => {
    socket.write(chunkedHead() + chunk("first"));
  });
  const abort = new AbortController();
  const reader = (await open(server, { signal: abort.signal })).body.getReader();
  await reader.read();
  const next = faultOf(reader.read());
  abort.abort();
  assert.equal((await next).code, "ABORTED");
});

test("openRequest() lets go of the connection when its reader cancels", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await listen((_, socket) => {
    socket.on("close", () => closed.resolve());
    socket.write(chunkedHead() + chunk("first"));
  });
  const reader = (await open(server)).body.getReader();
  await reader.read();
  await reader.cancel();
  await closed.promise;
});
