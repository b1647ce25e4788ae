import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, serviceUrl } from "../../../plugins/_http/mod.ts";

function urlOf(base: string, path = "/api"): string {
  return serviceUrl(base, path, "the service", "SIGNING_CONFIG_MALFORMED").href;
}

test("serviceUrl() appends the path, whether or not the address ends in a slash", () => {
  assert.equal(urlOf("https://example.com"), "https://example.com/api");
  assert.equal(urlOf("https://example.com/"), "https://example.com/api");
  assert.equal(urlOf("https://example.com/a/b//"), "https://example.com/a/b/api");
  assert.equal(urlOf("https://example.com:8443/a", ""), "https://example.com:8443/a");
});

test("serviceUrl() leaves an address as it was given when there is nothing to append", () => {
  for (
    const href of ["https://a.example/tsa/", "https://a.example/tsa//", "https://a.example/t?a=/"]
  ) {
    assert.equal(urlOf(href, ""), href);
  }
});

test("serviceUrl() takes plain HTTP for this machine only", () => {
  for (
    const base of [
      "http://localhost:1",
      "http://127.0.0.1",
      "http://127.9.9.9:8080/x",
      "http://[::1]:3000",
      "HTTP://LOCALHOST",
      // WHATWG: these are other ways to write 127.0.0.1.
      "http://2130706433",
      "http://127.1",
    ]
  ) assert.equal(new URL(urlOf(base)).protocol, "http:", base);
  for (
    const base of [
      "http://example.com",
      "http://localhost.example.com",
      "http://127.0.0.1.example.com",
      "http://10.0.0.1",
      "http://0.0.0.0",
      "http://[::]",
      "http://[::ffff:127.0.0.1]",
      "http://example.com#127.0.0.1",
    ]
  ) assert.throws(() => urlOf(base), { code: "SIGNING_CONFIG_MALFORMED" }, base);
});

test("serviceUrl() refuses other schemes, credentials, and what is no URL", () => {
  for (
    const base of [
      ...["", "example.com", "/api", "https://", "https://a b", "file:///etc/passwd"],
      ...["ftp://example.com", "javascript:alert(1)", "data:text/plain,x", "ws://localhost"],
      ...["https://user@example.com", "https://user:password@example.com", "http://x:y@localhost"],
    ]
  ) assert.throws(() => urlOf(base), { code: "SIGNING_CONFIG_MALFORMED" }, base);
});

test("serviceUrl() shows no credentials", () => {
  for (
    const base of [
      "https://user:hunter2@example.com",
      "https://user:hunter2@exa mple.com",
      "https://user:hunter2@example.com:99999",
      "ftp://user:hunter2@example.com",
      "user:hunter2@example.com",
    ]
  ) {
    assert.throws(() => urlOf(base), (error: Error) => {
      assert.ok(!error.message.includes("hunter2"), error.message);
      return true;
    });
  }
});

test("serviceUrl() takes addresses that are made to take long", () => {
  const long = "/".repeat(250_000);
  assert.ok(urlOf(`https://example.com/a${long}`).endsWith("a/api"));
  assert.ok(urlOf(`https://example.com/${long}x`).endsWith("/x/api"));
  for (const base of ["x".repeat(250_000), "@".repeat(250_000), "a/".repeat(125_000)]) {
    assert.throws(() => urlOf(base), { code: "SIGNING_CONFIG_MALFORMED" });
  }
});

test("isLoopback() knows the names of this machine", () => {
  const yes = ["localhost", "127.0.0.1", "127.255.0.1", "::1", "[::1]"];
  const no = ["", "localhost.", "LOCALHOST", "128.0.0.1", "127.0.0.1.", "127.0.0", "[::2]", "::"];
  for (const host of yes) assert.ok(isLoopback(host), host);
  for (const host of no) assert.ok(!isLoopback(host), host);
});
