import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bundle, parseBundle } from "../../core/bundle.ts";
import { ModelSigningError, type Parsed } from "../../core/errors.ts";
import type { ObserverEvent } from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { signModel } from "../../core/sign.ts";
import type { FoundSignature, SignatureStore } from "../../core/source.ts";
import { type DiscoveredReport, verifyDiscovered } from "../../core/verify_discovered.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../plugins/key/mod.ts";
import { encode, p256 } from "../support/bundles.ts";
import { type MemoryFile, MemorySource } from "../support/memory_source.ts";

type Files = Readonly<Record<string, MemoryFile>>;
type Store = Pick<SignatureStore, "discover"> & {
  /** References of the signatures that were asked for. */
  readonly given: string[];
};

const KEYS = p256();
const FILES: Files = { "a": "1", "b": "22" };
const UNREADABLE: Files = {
  ...FILES,
  "b": Object.assign(new Error("disk"), { code: "EIO" }),
};
const hasher = hasherFactory();
const good = await signed(FILES);
const ofOthers = await signed(FILES, p256());
const ofMore = await signed({ ...FILES, "c": "333" });
const broken = parseBundle(encode("{"));

async function signed(files: Files, keys = KEYS): Promise<Parsed<Bundle>> {
  const source = new MemorySource(files);
  const { bundle } = await signModel({ source, hasher, signer: keySigner(keys) });
  return { ok: true, value: bundle };
}

/** A store with signatures under their names; an error is what it throws where it stands. */
function storeOf(content: Readonly<Record<string, Parsed<Bundle> | Error>>): Store {
  const given: string[] = [];
  return {
    given,
    async *discover(): AsyncGenerator<FoundSignature> {
      for (const [reference, bundle] of Object.entries(content)) {
        if (bundle instanceof Error) throw await Promise.resolve(bundle);
        given.push(reference);
        yield { reference, bundle };
      }
    },
  };
}

async function verified(
  signatures: Store,
  source: MemorySource = new MemorySource(FILES),
  options: RunOptions = {},
): Promise<DiscoveredReport> {
  const verifier = keyVerifier({ publicKeys: [KEYS.publicKey] });
  return await verifyDiscovered({ signatures, source, hasher, verifier }, options);
}

/** Verdict, signature, and the first finding of each that does not count. */
function outline({ report, reference, others }: DiscoveredReport): unknown {
  return [
    report.verdict === "verified" ? report.verdict : report.issues[0].code,
    reference,
    others.map(({ reference, report }) => `${reference} ${report.issues[0].code}`),
  ];
}

test("verifyDiscovered() rejects a model that has no signature, without reading it", async () => {
  const source = new MemorySource(FILES);
  const found = await verified(storeOf({}), source);
  assert.deepEqual(outline(found), ["SIGNATURE_MISSING", undefined, []]);
  assert.equal(found.report.verdict, "rejected");
  assert.equal(source.enumerations, 0);
});

test("verifyDiscovered() takes the first signature that is accepted, and says why those before were not", async () => {
  const store = storeOf({ broken, ofOthers, ofMore, good, later: good });
  const source = new MemorySource(FILES);
  assert.deepEqual(outline(await verified(store, source)), [
    "verified",
    "good",
    ["broken BUNDLE_MALFORMED", "ofOthers KEY_HINT_MISMATCH", "ofMore FILE_MISSING"],
  ]);
  // Only for the two that our key made.
  assert.equal(source.enumerations, 2);
  assert.deepEqual(store.given, ["broken", "ofOthers", "ofMore", "good"]);
});

test("verifyDiscovered() does not read the model for a signature that was made of another", async () => {
  const of = (digest: string) => new MemorySource(FILES, { annotations: { "the.digest": digest } });
  const made = async (digest: string): Promise<Parsed<Bundle>> => {
    const { bundle } = await signModel({ source: of(digest), hasher, signer: keySigner(KEYS) });
    return { ok: true, value: bundle };
  };
  const copied = await made("another");
  const source = of("this");
  const store = storeOf({ copied, again: copied, right: await made("this") });
  assert.deepEqual(outline(await verified(store, source)), [
    "verified",
    "right",
    ["copied ANNOTATION_MISMATCH", "again ANNOTATION_MISMATCH"],
  ]);
  assert.equal(source.enumerations, 1);
  const rejected = await verified(storeOf({ copied }), source);
  assert.deepEqual(outline(rejected), ["ANNOTATION_MISMATCH", "copied", []]);
  assert.equal(source.enumerations, 1);
});

test("verifyDiscovered() reports in full the signature that came furthest", async () => {
  assert.deepEqual(outline(await verified(storeOf({ broken, ofOthers, ofMore, again: ofMore }))), [
    "FILE_MISSING",
    "ofMore",
    ["broken BUNDLE_MALFORMED", "ofOthers KEY_HINT_MISMATCH", "again FILE_MISSING"],
  ]);
  assert.deepEqual(outline(await verified(storeOf({ broken, ofOthers }))), [
    "KEY_HINT_MISMATCH",
    "ofOthers",
    ["broken BUNDLE_MALFORMED"],
  ]);
  // What was not decided is not called rejected because of others.
  const undecided = await verified(storeOf({ ofMore, good }), new MemorySource(UNREADABLE));
  assert.deepEqual(outline(undecided), ["ENTRY_UNREADABLE", "good", ["ofMore FILE_MISSING"]]);
  assert.equal(undecided.report.verdict, "inconclusive");
});

test("verifyDiscovered() throws an outage of the store, unless a signature was accepted before", async () => {
  const outage = new ModelSigningError("NETWORK_UNREACHABLE", "the registry has gone");
  for (const store of [storeOf({ outage }), storeOf({ ofOthers, outage, good })]) {
    await assert.rejects(verified(store), { code: outage.code });
  }
  assert.equal((await verified(storeOf({ good, outage }))).report.verdict, "verified");
});

test("verifyDiscovered() ends with ABORTED between two signatures", async () => {
  const controller = new AbortController();
  const store = storeOf({ broken, good });
  const log = () => controller.abort();
  const options = { signal: controller.signal, logger: { log } };
  await assert.rejects(verified(store, undefined, options), { code: "ABORTED" });
  assert.deepEqual(store.given, ["broken", "good"]);
});

test("verifyDiscovered() traces what it looked at, and each verification", async () => {
  const spans: unknown[] = [];
  const emit = (event: ObserverEvent) => {
    if (event.kind !== "span-end") return;
    const { name, attributes, error } = event;
    if (name === "verify") spans.push([name, attributes["verdict"]]);
    if (name === "signature.discover") spans.push([name, attributes["signatures"], error]);
  };
  await verified(storeOf({ broken, good, ofOthers }), undefined, { observer: { emit } });
  assert.deepEqual(spans, [
    ["verify", "rejected"],
    ["verify", "verified"],
    ["signature.discover", 2, undefined],
  ]);
});
