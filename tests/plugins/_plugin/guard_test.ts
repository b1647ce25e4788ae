/** Plugins that give nonsense: the program gets an error that names them, whatever they do. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import type { Bundle } from "../../../core/bundle.ts";
import { PIPELINE_CHECKS } from "../../../core/check.ts";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import { keyHint, publicKeyDer, signBytes } from "../../../core/keys.ts";
import type { Interaction, RunOptions } from "../../../core/options.ts";
import { PathFilter } from "../../../core/path_filter.ts";
import { CONTRACT_VERSION, type Plugin, type Provider } from "../../../core/plugin.ts";
import { guardPlugin } from "../../../plugins/_plugin/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";

const PAE = Uint8Array.of(1, 2, 3);

function plugin(provider: unknown): Plugin {
  const given = { name: "demo", version: "1", contract: CONTRACT_VERSION, providers: [provider] };
  return guardPlugin(given, '"/demo.js"');
}

function providerOf<K extends Provider["kind"]>(
  kind: K,
  members: Readonly<Record<string, unknown>>,
): Extract<Provider, { kind: K }> {
  const [provider] =
    plugin({ kind, id: "demo", summary: "demo", options: [], ...members }).providers;
  return provider as Extract<Provider, { kind: K }>;
}

async function assertFails(run: () => unknown, code: ErrorCode): Promise<void> {
  await assert.rejects(async () => await run(), (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, code, error.message);
    if (code !== "ABORTED") assert.match(error.message, /plugin "demo"/);
    return true;
  });
}

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const SPKI = publicKeyDer(publicKey);
const GOOD = {
  signature: Uint8Array.from(signBytes(privateKey, PAE)),
  publicKey: Uint8Array.from(SPKI),
  material: { kind: "public-key", hint: keyHint(publicKey) },
};

async function signWith(signed: unknown, options: RunOptions = {}) {
  const provider = providerOf("signer", {
    open: () => ({ signer: { sign: () => signed, [Symbol.asyncDispose]: () => {} } }),
  });
  const { signer } = await provider.open({}, {});
  return await signer.sign(PAE, options);
}

test("a guarded signer gives what the plugin gave, copied", async () => {
  const signed = await signWith(GOOD);
  assert.deepEqual(signed, GOOD);
  assert.notEqual(signed.signature, GOOD.signature);
});

test("a guarded signer refuses an answer of another shape", async () => {
  const get = {
    get signature() {
      throw new Error("getter");
    },
  };
  for (
    const nonsense of [
      undefined,
      null,
      "signature",
      [],
      {},
      get,
      { ...GOOD, signature: "AAAA" },
      { ...GOOD, signature: [1, 2] },
      { ...GOOD, signature: new Uint8Array() },
      { ...GOOD, signature: new Uint8Array(1_000_000) },
      { ...GOOD, publicKey: undefined },
      { ...GOOD, material: undefined },
      { ...GOOD, material: { kind: "none" } },
      { ...GOOD, material: { kind: "public-key" } },
      { ...GOOD, material: { kind: "public-key", hint: "x" } },
      { ...GOOD, material: { kind: "certificate", certificate: 1 } },
      { ...GOOD, material: { kind: "certificate-chain", certificates: [] } },
      { ...GOOD, material: { kind: "certificate-chain", certificates: Array(99).fill(SPKI) } },
    ]
  ) await assertFails(() => signWith(nonsense), "PLUGIN_RESULT");
});

test("a guarded signer refuses a signature that does not hold, and names the plugin", async () => {
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (
    const wrong of [
      { ...GOOD, signature: Uint8Array.of(1) },
      { ...GOOD, signature: Uint8Array.from(signBytes(privateKey, Uint8Array.of(9))) },
      { ...GOOD, publicKey: Uint8Array.from(publicKeyDer(other.publicKey)) },
      { ...GOOD, publicKey: Uint8Array.of(0x30, 0) },
      { ...GOOD, material: { kind: "public-key", hint: "0".repeat(64) } },
      { ...GOOD, material: { kind: "certificate", certificate: Uint8Array.of(0x30, 0) } },
    ]
  ) await assertFails(() => signWith(wrong), "PLUGIN_SIGNATURE");
});

test("a guarded signer refuses a key that the format does not sign with", async () => {
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const foreign = { ...GOOD, publicKey: Uint8Array.from(publicKeyDer(weak)) };
  await assertFails(() => signWith(foreign), "PLUGIN_ALGORITHM");
});

test("a guarded signer checks against the bytes that it was given, whatever the plugin does to its own", async () => {
  const provider = providerOf("signer", {
    open: () => ({
      signer: {
        sign(pae: Uint8Array) {
          pae.fill(0);
          return { ...GOOD, signature: Uint8Array.from(signBytes(privateKey, pae)) };
        },
        [Symbol.asyncDispose]: () => {},
      },
    }),
  });
  const { signer } = await provider.open({}, {});
  const given = Uint8Array.from(PAE);
  await assertFails(() => signer.sign(given, {}), "PLUGIN_SIGNATURE");
  assert.deepEqual(given, PAE);
});

test("a guarded plugin's errors come through with their code, and name it", async () => {
  const failing = (error: unknown) =>
    providerOf("signer", { open: () => Promise.reject(error) }).open({}, {});
  await assertFails(
    () => failing(new ModelSigningError("PLUGIN_DEMO_LOCKED", "the key is locked")),
    "PLUGIN_DEMO_LOCKED",
  );
  // Nobody has aborted it, so it is the plugin that did.
  await assert.rejects(failing(new ModelSigningError("ABORTED", "no")), /plugin "demo": no/);
  const forged = new ModelSigningError("USAGE", "x");
  Object.assign(forged, { code: "bad code\n" });
  const trap = (error: object, member: string) =>
    Object.defineProperty(error, member, { get: () => assert.fail("read") });
  for (
    const error of [
      new TypeError("bug"),
      "text",
      null,
      undefined,
      forged,
      { code: "USAGE" },
      Object.create(null),
      { toString: () => assert.fail("read") },
      trap(new Error(), "message"),
      trap(new ModelSigningError("USAGE", "x"), "code"),
      Object.assign(new ModelSigningError("USAGE", "x"), { issues: [{ code: "bad code" }] }),
    ]
  ) await assertFails(() => failing(error), "PLUGIN_FAILED");
});

test("nobody waits for a plugin that does not end, longer than the signal and the timeout say", async () => {
  const never = new Promise(() => {});
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 20);
  await assertFails(() => signWith(never, { signal: abort.signal }), "ABORTED");
  await assertFails(() => signWith(never, { timeout: 20 }), "PLUGIN_TIMEOUT");
});

test("a person's time is not the plugin's", async () => {
  const slow = () => new Promise<string>((resolve) => setTimeout(() => resolve("yes"), 300));
  const provider = providerOf("signer", {
    async open(_: unknown, { interaction }: RunOptions) {
      await interaction?.ask("?");
      return { signer: { sign: () => GOOD, [Symbol.asyncDispose]: () => {} } };
    },
  });
  const interaction = {
    ask: slow,
    askSecret: () => Promise.reject(new Error()),
    confirm: () => Promise.reject(new Error()),
    tell: () => {},
    openBrowser: () => Promise.resolve(false),
  };
  await provider.open({}, { interaction, timeout: 40 });
});

test("a signer without what the contract demands is refused when it is opened", async () => {
  for (
    const opened of [
      undefined,
      {},
      { signer: {} },
      { signer: { sign: 1, [Symbol.asyncDispose]: () => {} } },
      { signer: { sign: () => GOOD } },
      { signer: { sign: () => GOOD, [Symbol.asyncDispose]: () => {} }, witnesses: [{}] },
      { signer: { sign: () => GOOD, [Symbol.asyncDispose]: () => {} }, witnesses: "none" },
      { signer: { sign: () => GOOD, [Symbol.asyncDispose]: () => {} }, verifier: {} },
    ]
  ) {
    const provider = providerOf("signer", { open: () => opened });
    await assertFails(() => provider.open({}, {}), "PLUGIN_RESULT");
  }
});

async function witnessed(evidence: unknown) {
  const provider = providerOf("witness", { open: () => ({ witness: () => evidence }) });
  const witness = await provider.open({}, {});
  const payloadType = "application/vnd.in-toto+json";
  return await witness.witness(
    { payloadType, payload: PAE, signature: PAE },
    GOOD as Parameters<typeof witness.witness>[1],
    {},
  );
}

test("a guarded witness refuses evidence that no bundle could hold", async () => {
  assert.deepEqual(await witnessed({ timestamps: [PAE] }), { timestamps: [PAE] });
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  for (
    const nonsense of [
      undefined,
      {},
      { timestamps: [] },
      { timestamps: ["MAA="] },
      { timestamps: [new Uint8Array(1_000_000)] },
      { tlogEntries: [1] },
      { tlogEntries: [cycle] },
      { tlogEntries: [{ index: 1n }] },
      { tlogEntries: Array(100).fill({}) },
    ]
  ) await assertFails(() => witnessed(nonsense), "PLUGIN_RESULT");
});

const BUNDLE: Bundle = {
  mediaType: "x",
  material: { kind: "public-key", hint: "x" },
  tlogEntries: [],
  timestamps: [],
  envelope: { payloadType: "application/vnd.in-toto+json", payload: PAE, signature: PAE },
};

async function verified(found: unknown) {
  const provider = providerOf("verifier", { open: () => ({ verify: () => found }) });
  const verifier = await provider.open({}, {});
  return await verifier.verify(BUNDLE, {});
}

const PASSED = { id: "signature", status: "passed", detail: "holds" };
const IDENTITY = { kind: "named", method: "demo", name: "somebody" };
const VERIFIED = { checks: [PASSED], identity: IDENTITY, timestamps: [], encoding: "standard" };

test("a guarded verifier refuses findings that contradict the contract", async () => {
  assert.deepEqual(await verified(VERIFIED), VERIFIED);
  const failed = {
    id: "policy",
    status: "failed",
    detail: "refused",
    issue: { code: "PLUGIN_DEMO", message: "refused" },
  };
  assert.equal((await verified({ checks: [PASSED, failed], timestamps: [] })).checks.length, 2);
  for (
    const nonsense of [
      undefined,
      true,
      "verified",
      {},
      { checks: [] },
      { ...VERIFIED, checks: [] },
      { ...VERIFIED, checks: [PASSED, PASSED] },
      ...PIPELINE_CHECKS.map((id) => ({ ...VERIFIED, checks: [PASSED, { ...PASSED, id }] })),
      { ...VERIFIED, checks: [{ ...PASSED, status: "ok" }] },
      { ...VERIFIED, checks: [{ ...PASSED, detail: "" }] },
      { ...VERIFIED, checks: [{ ...PASSED, status: "failed" }] },
      { ...VERIFIED, checks: [{ ...PASSED, status: "skipped" }] },
      { ...VERIFIED, checks: [PASSED, failed] },
      { ...VERIFIED, encoding: undefined },
      { ...VERIFIED, encoding: "other" },
      { ...VERIFIED, identity: {} },
      { ...VERIFIED, identity: { method: "demo" } },
      { ...VERIFIED, identity: { method: "certificate" } },
      { ...VERIFIED, identity: { ...IDENTITY, kind: "key" } },
      { ...VERIFIED, identity: { ...IDENTITY, kind: "other" } },
      { ...VERIFIED, identity: { ...IDENTITY, method: "key" } },
      // Of another method.
      { ...VERIFIED, identity: { method: "sigstore", name: "somebody" } },
      ...["yesterday", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z"].map((time) => ({
        ...VERIFIED,
        timestamps: [{ source: "rfc3161", time, authority: "x" }],
      })),
      { ...VERIFIED, checks: Array.from({ length: 200 }, (_, i) => ({ ...PASSED, id: `c${i}` })) },
    ]
  ) await assertFails(() => verified(nonsense), "PLUGIN_RESULT");
});

test("a guarded verifier's identity is of the kind that it says, or of the one that its method implies", async () => {
  const key = { keyHint: "0".repeat(64), algorithm: "EC P-256" };
  const identityOf = async (identity: object) =>
    (await verified({ ...VERIFIED, identity })).identity;
  const { kind: _, ...silent } = IDENTITY;
  assert.deepEqual(await identityOf(silent), IDENTITY);
  assert.deepEqual(await identityOf({ method: "key", ...key }), {
    kind: "key",
    method: "key",
    ...key,
  });
  const own = { kind: "key", method: "demo", ...key };
  assert.deepEqual(await identityOf(own), own);
});

test("a guarded describer speaks for its own method, in time, and asks nobody", async () => {
  const described = async (describe: (...given: unknown[]) => unknown, run: RunOptions = {}) => {
    const { describer } = providerOf("verifier", { open: () => {}, describer: { describe } });
    return await describer!.describe(BUNDLE, run);
  };
  const words = { method: "demo", fields: [["kept in", "a safe"]], certificates: [] };
  const given: unknown[] = [];
  const telling = (...args: unknown[]) => (given.push(...args), words);
  const interaction = { tell: () => {} } as unknown as Interaction;
  assert.deepEqual(await described(telling, { interaction, timeout: 1e9 }), words);
  assert.deepEqual(given, [BUNDLE, { timeout: 10_000 }]);
  assert.equal(await described(() => undefined), undefined);
  for (
    const nonsense of [
      null,
      { ...words, method: "key" },
      { ...words, fields: [["", "a safe"]] },
      { ...words, fields: [["kept in".repeat(9), "a safe"]] },
      { ...words, fields: Array(101).fill(["kept in", "a safe"]) },
      { ...words, certificates: [{}] },
    ]
  ) await assertFails(() => described(() => nonsense), "PLUGIN_RESULT");
  const never = () => new Promise(() => {});
  await assertFails(() => described(never, { timeout: 50 }), "PLUGIN_TIMEOUT");
  await assertFails(() => described(never, { signal: AbortSignal.timeout(20) }), "ABORTED");
  assert.equal(providerOf("verifier", { open: () => {} }).describer, undefined);
});

const RULES = { filter: new PathFilter({ ignorePaths: [] }), allowSymlinks: false };

async function entriesOf(...entries: readonly unknown[]) {
  const provider = providerOf("source", {
    open: () => ({
      source: {
        name: "model",
        singleFile: false,
        ignorePaths: [],
        async *entries() {
          for await (const entry of entries) yield entry;
        },
      },
    }),
  });
  const { source } = await provider.open("demo:model", {}, {});
  const found = [];
  for await (const entry of source.entries(RULES, {})) found.push(entry);
  return found;
}

test("a guarded source refuses entries that are none", async () => {
  const stream = () => new Blob(["x"]).stream();
  const file = { kind: "file", path: "a", size: 1, open: stream };
  assert.equal((await entriesOf(file, { kind: "ignored", path: "b" })).length, 2);
  for (
    const nonsense of [
      undefined,
      "a",
      {},
      { kind: "folder", path: "a" },
      { ...file, path: "../a" },
      { ...file, path: "/etc/passwd" },
      { ...file, path: "" },
      { ...file, path: "a\0" },
      { ...file, size: -1 },
      { ...file, size: 0.5 },
      { ...file, size: "1" },
      { ...file, open: undefined },
      { ...file, location: { path: "relative", device: 1, inode: 1, modified: 1 } },
      { ...file, location: { path: "/a" } },
      { ...file, expected: { algorithm: "md5", digest: "00" } },
      { ...file, extra: { size: 1n } },
      { ...file, extra: { toJSON: () => "other" } },
      { kind: "digest", path: "a", size: 1, algorithm: "sha256", digest: "00" },
      { kind: "digest", path: "a", size: 1, algorithm: "sha256", digest: "A".repeat(64) },
      { kind: "refused", path: "a" },
      { kind: "refused", path: "a", issue: { code: "bad code", message: "x" } },
    ]
  ) await assertFails(() => entriesOf(nonsense), "PLUGIN_RESULT");
});

test("a guarded source cannot have files written that it lists", async () => {
  const [entry] = await entriesOf({
    kind: "file",
    path: "a",
    size: 1,
    open: () => new Blob(["x"]).stream(),
    copyTo: "/tmp/a",
  });
  assert.ok(entry?.kind === "file");
  assert.equal(entry.copyTo, undefined);
});

test("a guarded puller gets the folder and a hasher, and its errors name the plugin", async () => {
  const given: unknown[] = [];
  const source = { name: "m", singleFile: false, ignorePaths: [], entries: () => [] };
  const pullerOf = async (pull: (...args: unknown[]) => unknown) => {
    const provider = providerOf("source", { open: () => ({ source, puller: { pull } }) });
    return (await provider.open("demo:model", {}, {})).puller!;
  };
  const input = { folder: "to", hasher: hasherFactory(), signed: new Set(["a"]) };
  await (await pullerOf((first) => void given.push(first))).pull(input, {});
  assert.deepEqual(given, [input]);
  const failing = await pullerOf(() => {
    throw new Error("disk on fire");
  });
  await assertFails(() => failing.pull(input, {}), "PLUGIN_FAILED");
});

test("a guarded source's members of resources are data", async () => {
  const extra = { uri: { toJSON: () => "oci:x" }, name: undefined };
  const [entry] = await entriesOf({ kind: "file", path: "a", size: 1, open: () => 0, extra });
  assert.ok(entry?.kind === "file");
  assert.equal(JSON.stringify(entry.extra), '{"uri":"oci:x"}');
});

test("a guarded source that gives no stream has unreadable files, and breaks nothing", async () => {
  const [entry] = await entriesOf({ kind: "file", path: "a", size: 1, open: () => "content" });
  assert.ok(entry?.kind === "file");
  assert.throws(() => entry.open(), TypeError);
});

test("leaving a guarded source early ends the plugin's iteration", async () => {
  let ended = false;
  const provider = providerOf("source", {
    open: () => ({
      source: {
        name: "model",
        singleFile: false,
        ignorePaths: [],
        async *entries() {
          try {
            for (;;) yield await Promise.resolve({ kind: "ignored", path: "a" });
          } finally {
            ended = true;
          }
        },
      },
    }),
  });
  const { source } = await provider.open("demo:model", {}, {});
  for await (const _ of source.entries(RULES, {})) break;
  assert.ok(ended);
});

test("nobody waits for an iteration that does not end when it should", async () => {
  const never = new Promise(() => {});
  const opened = async (next: () => unknown) => {
    const iterator = { next, return: () => never };
    const source = {
      name: "model",
      singleFile: false,
      ignorePaths: [],
      entries: () => ({ [Symbol.asyncIterator]: () => iterator }),
    };
    return (await providerOf("source", { open: () => ({ source }) }).open("demo:model", {}, {}))
      .source;
  };
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 20);
  const silent = await opened(() => never);
  await assertFails(
    () => silent.entries(RULES, { signal: abort.signal })[Symbol.asyncIterator]().next(),
    "ABORTED",
  );
  const endless = await opened(() => ({ value: { kind: "ignored", path: "a" } }));
  await assertFails(async () => {
    for await (const _ of endless.entries(RULES, {})) break;
  }, "PLUGIN_TIMEOUT");
});

test("a guarded command gives an exit status or an error", async () => {
  const running = (run: unknown) => {
    const provider = providerOf("command", { run });
    assert.ok("run" in provider);
    return provider.run({}, { stdout: () => {}, success: () => {} });
  };
  assert.equal(await running(() => 1), 1);
  for (const status of [undefined, 4, -1, "0", true]) {
    await assertFails(() => running(() => status), "PLUGIN_RESULT");
  }
  await assertFails(
    () =>
      running(() => {
        throw new Error("bug");
      }),
    "PLUGIN_FAILED",
  );
});

test("a provider without its functions is refused before it is used", () => {
  for (
    const provider of [
      { kind: "signer" },
      { kind: "witness", open: 1 },
      { kind: "verifier" },
      { kind: "verifier", open: () => {}, describer: {} },
      { kind: "source" },
      { kind: "command" },
    ]
  ) {
    assert.throws(
      () => plugin({ id: "demo", summary: "demo", options: [], ...provider }),
      (error) => error instanceof ModelSigningError && error.code === "PLUGIN_MALFORMED",
    );
  }
});
