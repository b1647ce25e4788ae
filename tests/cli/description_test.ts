/** Whose words `inspect` shows, of several methods that could describe a signature. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { KnownPlugin, Origin } from "../../cli/plugin_set.ts";
import { describeBundle, describeWithPlugins } from "../../cli/report/description.ts";
import {
  type Bundle,
  CONTRACT_VERSION,
  type Describer,
  type Description,
  type Logger,
  ModelSigningError,
} from "../../core/mod.ts";

const BUNDLE: Bundle = {
  mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  material: { kind: "public-key", hint: "0" },
  tlogEntries: [],
  timestamps: [],
  envelope: {
    payloadType: "application/vnd.in-toto+json",
    payload: Uint8Array.of(1),
    signature: Uint8Array.of(2),
  },
};
const BUILT_IN: Origin = { kind: "built-in" };
const NAMED: Origin = { kind: "executable", path: "/opt/model-signing-plugin-demo" };

function known(origin: Origin, id: string, describe?: Describer["describe"]): KnownPlugin {
  const verifier = {
    kind: "verifier",
    id,
    summary: "Verify",
    options: [],
    open: () => Promise.reject(new Error("nothing is verified")),
    ...(describe ? { describer: { describe } } : {}),
  } as const;
  const plugin = { name: id, version: "1", contract: CONTRACT_VERSION, providers: [verifier] };
  return { origin, plugin };
}

const FIELD = ["key hint", "0"] as const;
const wordsOf = (method: string, ...fields: Description["fields"]): Description => ({
  method,
  fields,
  certificates: [],
});
const key = known(BUILT_IN, "key", () => Promise.resolve(wordsOf("key", FIELD)));

test("describeWithPlugins() adds what named plugins say, and lets them replace nothing", async () => {
  const silent = known(NAMED, "silent", () => Promise.resolve(undefined));
  const mute = known(NAMED, "mute");
  const demo = known(
    NAMED,
    "demo",
    () => Promise.resolve(wordsOf("demo", ["key hint", "f"], ["key of", "the release team"])),
  );
  const added = await describeWithPlugins([demo, key, mute, silent], BUNDLE, {});
  assert.deepEqual(
    added,
    wordsOf("key", FIELD, ["demo: key hint", "f"], ["demo: key of", "the release team"]),
  );
  assert.deepEqual(await describeBundle([demo, key], BUNDLE, {}), wordsOf("key", FIELD));
  assert.equal(await describeWithPlugins([demo], BUNDLE, {}), undefined);
});

test("describeWithPlugins() warns of a plugin that fails, and goes on", async () => {
  const failing = known(NAMED, "failing", () => {
    throw new ModelSigningError("PLUGIN_TIMEOUT", "it took too long");
  });
  const lines: string[] = [];
  const logger: Logger = { log: (level) => void lines.push(level) };
  const description = await describeWithPlugins([key, failing], BUNDLE, { logger });
  assert.deepEqual(description, wordsOf("key", FIELD));
  assert.deepEqual(lines, ["warn"]);
});

test("describeWithPlugins() asks nobody any more when the run is aborted", async () => {
  const abort = new AbortController();
  const aborting = known(NAMED, "aborting", () => {
    abort.abort();
    throw new ModelSigningError("PLUGIN_FAILED", "it was interrupted");
  });
  await assert.rejects(
    describeWithPlugins([key, aborting], BUNDLE, { signal: abort.signal }),
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
});
