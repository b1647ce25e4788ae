import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { openRequest, request } from "../../../plugins/_http/mod.ts";

async function server(
  answer: (response: ServerResponse, path: string) => void,
): Promise<AsyncDisposable & { readonly url: URL }> {
  const listening = createServer((asked, response) => answer(response, asked.url!));
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: new URL(`http://127.0.0.1:${(listening.address() as AddressInfo).port}/`),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        listening.close(() => resolve());
        listening.closeAllConnections();
      }),
  };
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  const error = await run.then(() => undefined, (error) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  return error.code;
}

const service = "the service";

test("openRequest() hands out a body that takes longer than any single wait may", async () => {
  await using slow = await server(async (response) => {
    for (let index = 0; index < 6; index++) {
      response.write("x");
      await sleep(100);
    }
    response.end();
  });
  const options = { timeout: 400 };
  const { body } = await openRequest({ service, url: slow.url }, options);
  const chunks = await Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>);
  assert.equal(Buffer.concat(chunks).length, 6);
  // As a whole, it is not waited for as long.
  assert.equal(
    await codeOf(request({ service, url: slow.url, maxBytes: 9 }, options)),
    "NETWORK_TIMEOUT",
  );
});

test("openRequest() does not count the time that its consumer takes", async () => {
  await using whole = await server((response) => response.end("ab"));
  const { body } = await openRequest({ service, url: whole.url }, { timeout: 200 });
  await sleep(400);
  const chunks = await Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>);
  assert.equal(Buffer.concat(chunks).toString(), "ab");
});

test("openRequest() gives an empty body for an answer without one", async () => {
  await using none = await server((response) => response.writeHead(204).end());
  for (const method of ["GET", "HEAD"] as const) {
    const { body, status } = await openRequest({ service, url: none.url, method }, {});
    assert.equal(status, 204);
    assert.deepEqual(await Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>), []);
  }
});

test("request() follows no redirects unless told to, and those of POST never", async () => {
  await using moved = await server((response, path) =>
    path === "/" ? response.writeHead(302, { location: "/there" }).end() : response.end("there")
  );
  const redirects = { plainHttp: () => true };
  const asked = { service, url: moved.url, maxBytes: 100 };
  assert.equal(await codeOf(request(asked, {})), "NETWORK_STATUS");
  assert.equal(
    await codeOf(request({ ...asked, method: "POST", redirects }, {})),
    "NETWORK_STATUS",
  );
  const { body, foreign } = await request({ ...asked, redirects }, {});
  assert.deepEqual([Buffer.from(body).toString(), foreign], ["there", false]);
});

for (const how of ["aborted", "too late"] as const) {
  test(`a body that stalls ends when its run is ${how}, also after a garbage collection`, async () => {
    await using stalling = await server((response) => {
      response.writeHead(200, { "content-length": "2" });
      response.write("x");
    });
    const stop = new AbortController();
    // Twice, as when a run is a part of another: what nobody holds is collected.
    const signal = AbortSignal.any([AbortSignal.any([stop.signal]), new AbortController().signal]);
    const options = how === "aborted" ? { signal } : { signal, timeout: 1000 };
    const { body } = await openRequest({ service, url: stalling.url }, options);
    const end = codeOf(Array.fromAsync(body as unknown as AsyncIterable<Uint8Array>));
    await sleep(100);
    collectGarbage();
    await sleep(100);
    if (how === "aborted") stop.abort();
    assert.equal(await end, how === "aborted" ? "ABORTED" : "NETWORK_TIMEOUT");
  });
}

/** Neither runtime lets a program ask for a collection; this much garbage makes both run one. */
function collectGarbage(): void {
  for (let index = 0; index < 300; index++) new Uint8Array(4_000_000).fill(1);
}
