import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  clientTrustConfigOf,
  serializeClientTrustConfig,
} from "../../../plugins/sigstore/client_trust_config.ts";
import { MemberError } from "../../../plugins/sigstore/members.ts";

const MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";
const CONFIG = { mediaType: MEDIA_TYPE, trustedRoot: { a: 1 }, signingConfig: { b: 2 } };

test("clientTrustConfigOf() gives the messages of a config", () => {
  assert.deepEqual(clientTrustConfigOf(CONFIG), {
    trustedRoot: { a: 1 },
    signingConfig: { b: 2 },
  });
});

test("clientTrustConfigOf() does without a signing config", () => {
  for (const signingConfig of [undefined, null]) {
    const { signingConfig: _, ...rest } = CONFIG;
    const json = signingConfig === undefined ? rest : { ...rest, signingConfig };
    assert.deepEqual(clientTrustConfigOf(json), { trustedRoot: { a: 1 } });
  }
});

test("clientTrustConfigOf() refuses everything else", () => {
  const bad = [
    null,
    [],
    "text",
    {},
    { ...CONFIG, mediaType: undefined },
    { ...CONFIG, mediaType: `${MEDIA_TYPE}x` },
    { ...CONFIG, mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1" },
    { ...CONFIG, mediaType: "application/vnd.dev.sigstore.clienttrustconfig.v0.2+json" },
    { mediaType: MEDIA_TYPE, signingConfig: {} },
    { ...CONFIG, trustedRoot: null },
    { ...CONFIG, trustedRoot: [] },
    { ...CONFIG, trustedRoot: "root" },
    { ...CONFIG, signingConfig: [] },
    { ...CONFIG, signingConfig: "config" },
  ];
  for (const json of bad) {
    assert.throws(
      () => clientTrustConfigOf(json as typeof CONFIG),
      MemberError,
      JSON.stringify(json),
    );
  }
});

test("serializeClientTrustConfig() writes what clientTrustConfigOf() reads", () => {
  const { mediaType: _, ...config } = CONFIG;
  for (const each of [config, { trustedRoot: { a: 1 } }]) {
    const text = Buffer.from(serializeClientTrustConfig(each)).toString();
    assert.deepEqual(clientTrustConfigOf(JSON.parse(text)), each);
  }
});
