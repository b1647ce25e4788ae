/** Asking authorities over HTTP on loopback: good ones, and all the others. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/logger.ts";
import type { RunOptions } from "../../../core/options.ts";
import { printable } from "../../../core/text.ts";
import { encode, encodeInteger, encodeSequence, readOnly, TAG } from "../../../plugins/_der/mod.ts";
import { requestTimestamp, verifyTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { type Issued, Pki } from "../../support/pki.ts";
import { TsaServer } from "../../support/tsa_server.ts";
import { query, reply, tokenOf, trusted, tsaCertificate } from "./_authority.ts";
import {
  certificateIdV2,
  forge,
  generalizedTime,
  imprintOf,
  nonceOf,
  NULL,
  responseOf,
  statusOf,
  utcText,
} from "./_forge.ts";

const BYTES = Buffer.from("the bytes of a signature");
const HOUR = 60 * 60 * 1000;

function granted(...more: readonly Uint8Array[]): Uint8Array {
  return responseOf(statusOf(0), ...more);
}

async function codeOf(url: URL, options: RunOptions = {}): Promise<ErrorCode> {
  try {
    await requestTimestamp({ url, imprinted: BYTES }, options);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError);
    assert.equal(printable(error.message), error.message);
    return error.code;
  }
  throw new Error("a timestamp was given");
}

test("requestTimestamp() gives a response of openssl that verifies", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const tsa = tsaCertificate(pki, ca, { key: "P-384" });
  await using authority = await TsaServer.start((query) => reply(pki, tsa, query, { chain: [ca] }));
  const first = await requestTimestamp({ url: authority.url, imprinted: BYTES }, {});
  const second = await requestTimestamp({ url: authority.url, imprinted: BYTES }, {});
  assert.ok((await verifyTimestamp(first, BYTES, [trusted(root)])).ok);
  for (const { "content-type": type } of authority.headers) {
    assert.equal(type, "application/timestamp-query");
  }
  const [one, two] = authority.queries;
  assert.notDeepEqual(nonceOf(one!), nonceOf(two!));
  // OpenSSL compares imprint, policy and nonce with the query.
  const verifies = (asked: Uint8Array, response: Uint8Array) =>
    pki.accepts([
      ...["ts", "-verify", "-queryfile", pki.file("query.tsq", asked)],
      ...["-in", pki.file("response.tsr", response), "-CAfile", root.certificate],
    ]);
  assert.ok(verifies(one!, first));
  assert.ok(verifies(two!, second));
  assert.equal(verifies(two!, first), false);
});

test("requestTimestamp() sends what openssl sends, but for the nonce", async () => {
  using pki = new Pki();
  const tsa = tsaCertificate(pki, pki.root());
  await using authority = await TsaServer.start((query) => reply(pki, tsa, query));
  await requestTimestamp({ url: authority.url, imprinted: BYTES }, {});
  const parts = (der: Uint8Array) => {
    const reader = readOnly(der, TAG.sequence, "it");
    const members: string[] = [];
    while (!reader.done) members.push(Buffer.from(reader.next("it").whole).toString("hex"));
    return members.toSpliced(2, 1);
  };
  assert.deepEqual(parts(authority.queries[0]!), parts(query(pki, BYTES)));
});

type Answer = (scene: {
  readonly pki: Pki;
  readonly tsa: Issued;
  readonly query: Uint8Array;
  /** A token as it should be, but for some parts. */
  readonly token: (parts?: Parameters<typeof forge>[2]) => Uint8Array;
}) => Uint8Array | string;

for (
  const [what, answer, expected] of [
    ["nothing", () => "", "NETWORK_RESPONSE"],
    ["a page of HTML", () => "<html>welcome</html>", "NETWORK_RESPONSE"],
    ["random bytes", () => Buffer.from("30820100deadbeef", "hex"), "NETWORK_RESPONSE"],
    ["more than 64 KiB", () => Buffer.alloc(64 * 1024 + 1, 0x30), "NETWORK_RESPONSE"],
    [
      "another nonce",
      ({ token }) => granted(token({ extras: [encodeInteger(Buffer.alloc(8, 1))] })),
      "NETWORK_RESPONSE",
    ],
    ["no nonce", ({ token }) => granted(token({ extras: [] })), "NETWORK_RESPONSE"],
    [
      "an imprint of other bytes",
      ({ token }) => granted(token({ imprint: imprintOf(Buffer.from("other")) })),
      "NETWORK_RESPONSE",
    ],
    [
      "an imprint by another digest",
      ({ token }) => granted(token({ imprint: imprintOf(BYTES, "sha1") })),
      "NETWORK_RESPONSE",
    ],
    [
      "something behind the response",
      ({ pki, tsa, query }) => Buffer.concat([reply(pki, tsa, query), Buffer.of(0)]),
      "NETWORK_RESPONSE",
    ],
    [
      "a token without a response",
      ({ pki, tsa, query }) => tokenOf(pki, reply(pki, tsa, query)),
      "NETWORK_RESPONSE",
    ],
    ["a response without a token", () => granted(), "NETWORK_RESPONSE"],
    [
      "a token without its certificate",
      ({ token }) => granted(token({ certificates: [] })),
      "NETWORK_RESPONSE",
    ],
    [
      "a token with a signature that does not hold",
      ({ token }) => granted(token({ signature: () => Buffer.alloc(70, 1) })),
      "NETWORK_RESPONSE",
    ],
    [
      "a token by a certificate that is not for timestamps",
      ({ pki, query }) => {
        const leaf = pki.leaf(pki.root());
        return granted(forge(leaf, BYTES, { extras: [nonceOf(query)] }));
      },
      "NETWORK_RESPONSE",
    ],
    [
      "a token by a certificate that had expired",
      ({ pki, query }) => {
        const expired = tsaCertificate(pki, pki.root({ from: -9 }), { from: -9, to: -1 });
        return granted(forge(expired, BYTES, { extras: [nonceOf(query)] }));
      },
      "NETWORK_RESPONSE",
    ],
    [
      "a token that identifies another certificate",
      ({ pki, token }) => {
        const other = tsaCertificate(pki, pki.root());
        return granted(token({ certificateIds: [certificateIdV2(other)] }));
      },
      "NETWORK_RESPONSE",
    ],
    [
      "a refusal by openssl",
      ({ pki, tsa, query }) => reply(pki, tsa, query, { accepts: "sha512" }),
      "TIMESTAMP_REFUSED",
    ],
    [
      "a refusal with words for the terminal",
      () =>
        responseOf(
          statusOf(
            2,
            encodeSequence(encode(TAG.utf8String, Buffer.from(`\x1b[2J${"\u202e".repeat(5000)}`))),
            encode(TAG.bitString, Buffer.of(0, 0xff, 0xff)),
          ),
        ),
      "TIMESTAMP_REFUSED",
    ],
    ["a request to wait", () => responseOf(statusOf(3)), "TIMESTAMP_REFUSED"],
    ["an unknown status", () => responseOf(statusOf(77)), "TIMESTAMP_REFUSED"],
    [
      "a refusal beside a token",
      ({ token }) => responseOf(statusOf(2), token()),
      "NETWORK_RESPONSE",
    ],
    [
      "a malformed refusal",
      () => responseOf(statusOf(2, encodeSequence(NULL))),
      "NETWORK_RESPONSE",
    ],
  ] as readonly (readonly [string, Answer, ErrorCode])[]
) {
  test(`requestTimestamp() throws ${expected} for ${what}`, async () => {
    using pki = new Pki();
    const tsa = tsaCertificate(pki, pki.root());
    await using authority = await TsaServer.start((query) => {
      const token: Parameters<Answer>[0]["token"] = (parts = {}) =>
        forge(tsa, BYTES, { extras: [nonceOf(query)], ...parts });
      return answer({ pki, tsa, query, token });
    });
    assert.equal(await codeOf(authority.url), expected);
  });
}

test("requestTimestamp() asks again after an outage, and gives up on a refusal", async () => {
  using pki = new Pki();
  const tsa = tsaCertificate(pki, pki.root());
  await using flaky = await TsaServer.start((query, response) => {
    if (flaky.queries.length > 1) return reply(pki, tsa, query);
    response.statusCode = 503;
    return "";
  });
  await requestTimestamp({ url: flaky.url, imprinted: BYTES }, {});
  assert.equal(flaky.queries.length, 2);
  for (const status of [400, 302, 500]) {
    await using failing = await TsaServer.start((_, response) => {
      response.statusCode = status;
      response.setHeader("retry-after", "0");
      return "no";
    });
    assert.equal(await codeOf(failing.url), "NETWORK_STATUS");
    assert.equal(failing.queries.length, status === 500 ? 3 : 1);
  }
});

test("requestTimestamp() waits no longer than it may, and ends at once when aborted", async () => {
  await using silent = await TsaServer.start(() => undefined);
  assert.equal(await codeOf(silent.url, { timeout: 50 }), "NETWORK_TIMEOUT");
  const abort = new AbortController();
  const code = codeOf(silent.url, { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  assert.equal(await code, "ABORTED");
});

test("requestTimestamp() throws NETWORK_UNREACHABLE when nobody listens", async () => {
  const gone = await TsaServer.start(() => "");
  await gone[Symbol.asyncDispose]();
  assert.equal(await codeOf(gone.url), "NETWORK_UNREACHABLE");
});

test("requestTimestamp() warns of a time long past, and refuses one in the future", async () => {
  using pki = new Pki();
  const tsa = tsaCertificate(pki, pki.root());
  const offsets = [0, -HOUR, 60_000, -60_000, HOUR];
  await using authority = await TsaServer.start((query) =>
    granted(forge(tsa, BYTES, {
      time: generalizedTime(utcText(new Date(Date.now() + offsets[authority.queries.length - 1]!))),
      extras: [nonceOf(query)],
    }))
  );
  const warned: boolean[] = [];
  for (const _ of offsets.slice(0, -1)) {
    const levels: string[] = [];
    const logger: Logger = { log: (level) => levels.push(level) };
    await requestTimestamp({ url: authority.url, imprinted: BYTES }, { logger });
    warned.push(levels.includes("warn"));
  }
  assert.deepEqual(warned, [false, true, false, false]);
  assert.equal(await codeOf(authority.url), "NETWORK_RESPONSE");
});
