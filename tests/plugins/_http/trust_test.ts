import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { type ConnectionTrust, request, trustAuthorities } from "../../../plugins/_http/mod.ts";
import { Pki } from "../../support/pki.ts";

const SERVER = ["subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth"];

/** A server on loopback that redirects what it is asked to where the query says. */
async function redirecting(
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Promise<AsyncDisposable & { readonly origin: string }> {
  const files = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server: Server = createServer(files, (asked, response) => {
    const to = new URL(asked.url!, "https://127.0.0.1").searchParams.get("to");
    if (to === null) response.end("hello");
    else response.writeHead(302, { location: to }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function outcome(address: string, trust?: ConnectionTrust): Promise<string> {
  try {
    const { body } = await request({
      service: "the service",
      url: new URL(address),
      maxBytes: 100,
      retries: 0,
      redirects: { plainHttp: () => true },
      ...(trust ? { trust } : {}),
    }, {});
    return new TextDecoder().decode(body);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError);
    return error.code;
  }
}

test("trustAuthorities() trusts its certificates, and nothing else does", async () => {
  using pki = new Pki();
  const [root, other] = [pki.root(), pki.root()];
  await using server = await redirecting(pki.leaf(root, { extensions: SERVER }));
  const trust = (...files: readonly string[]) =>
    trustAuthorities(readFileSync(pki.bundle(...files)), "the file");
  assert.equal(await outcome(server.origin, trust(root.certificate)), "hello");
  assert.equal(await outcome(server.origin, trust(other.certificate, root.certificate)), "hello");
  assert.equal(await outcome(server.origin, trust(other.certificate)), "NETWORK_UNREACHABLE");
  assert.equal(await outcome(server.origin), "NETWORK_UNREACHABLE");
});

test("trustAuthorities() refuses files without certificates, or with broken ones", () => {
  using pki = new Pki();
  const { certificate, key } = pki.root();
  const pem = readFileSync(certificate, "utf8");
  for (
    const text of ["", "hello", readFileSync(key, "utf8"), `${pem}${pem.replace(/MII/, "AAA")}`]
  ) {
    assert.throws(
      () => trustAuthorities(new TextEncoder().encode(text), "the file"),
      (error) => error instanceof ModelSigningError && error.code === "CERTIFICATE_FILE_MALFORMED",
    );
  }
});

test("request() follows redirects from https to https only", async () => {
  using pki = new Pki();
  const root = pki.root();
  await using server = await redirecting(pki.leaf(root, { extensions: SERVER }));
  const trust = trustAuthorities(readFileSync(root.certificate), "the file");
  assert.equal(await outcome(`${server.origin}/?to=/`, trust), "hello");
  const plain = encodeURIComponent("http://127.0.0.1:9/");
  assert.equal(await outcome(`${server.origin}/?to=${plain}`, trust), "NETWORK_RESPONSE");
});
