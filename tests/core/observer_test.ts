import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelSigningError } from "../../core/errors.ts";
import type { HasherFactory } from "../../core/hasher.ts";
import {
  beginSpan,
  combineObservers,
  type Observer,
  type ObserverEvent,
  traced,
} from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { signModel } from "../../core/sign.ts";
import { verifyModel } from "../../core/verify.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../plugins/key/mod.ts";
import { p256 } from "../support/bundles.ts";
import { type MemoryFile, MemorySource } from "../support/memory_source.ts";

const KEYS = p256();

class Recorder implements Observer {
  readonly events: ObserverEvent[] = [];

  emit(event: ObserverEvent): void {
    this.events.push(event);
  }

  /** Names of the spans that ended, in that order, with the error's code. */
  get ends(): readonly string[] {
    return this.events.flatMap((event) =>
      event.kind === "span-end" ? [event.error ? `${event.name}: ${event.error}` : event.name] : []
    );
  }

  /** Asserts that every span ends once, after it started and before its parent ends. */
  assertBalanced(): void {
    const open = new Map<number, number | undefined>();
    const seen = new Set<number>();
    for (const event of this.events) {
      if (event.kind === "span-start") {
        assert.ok(!seen.has(event.span), "a span starts twice");
        assert.ok(event.parent === undefined || open.has(event.parent), "a parent is not open");
        seen.add(event.span);
        open.set(event.span, event.parent);
      } else if (event.kind === "span-end") {
        assert.ok(open.has(event.span), `${event.name} ends without being open`);
        open.delete(event.span);
        assert.ok(![...open.values()].includes(event.span), `${event.name} ends before its child`);
      }
    }
    assert.deepEqual([...open], []);
    assert.ok(seen.size > 0);
  }
}

async function signed(files: Readonly<Record<string, MemoryFile>>, observer: Observer) {
  const source = new MemorySource(files);
  const signer = keySigner({ privateKey: KEYS.privateKey });
  return await signModel({ source, hasher: hasherFactory(), signer }, { observer });
}

test("signModel() and verifyModel() trace their steps", async () => {
  const files = { "a": "1", "b": "22" };
  const recorder = new Recorder();
  const { bundle } = await signed(files, recorder);
  recorder.assertBalanced();
  assert.deepEqual(recorder.ends, ["enumerate", "hash", "sign.signature", "sign"]);

  const verifying = new Recorder();
  const report = await verifyModel({
    source: new MemorySource(files),
    hasher: hasherFactory(),
    bundle: { ok: true, value: bundle },
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
  }, { observer: verifying });
  assert.equal(report.verdict, "verified");
  verifying.assertBalanced();
  assert.deepEqual(verifying.ends, [
    "verify.signature",
    "verify.statement",
    "enumerate",
    "hash",
    "compare",
    "verify",
  ]);
  const end = verifying.events.findLast(({ kind }) => kind === "span-end");
  assert.ok(end?.kind === "span-end" && end.attributes["verdict"] === "verified");
});

test("signModel() ends every span when the model is refused", async () => {
  const files: Record<string, MemoryFile> = {
    "bad": { code: "ENTRY_SYMLINK", message: "is a symbolic link", path: "bad" },
  };
  for (let index = 0; index < 100; index++) files[`f${index}`] = "content";
  const recorder = new Recorder();
  await assert.rejects(signed(files, recorder));
  recorder.assertBalanced();
  assert.deepEqual(recorder.ends, ["enumerate", "hash", "sign: MODEL_REFUSED"]);
});

test("signModel() ends every span when the source fails", async () => {
  const recorder = new Recorder();
  const source = new MemorySource({});
  source.entries = async function* () {
    yield { kind: "ignored", path: "x" };
    await Promise.resolve();
    throw new ModelSigningError("MODEL_UNREADABLE", "the disk is gone");
  };
  const signer = keySigner({ privateKey: KEYS.privateKey });
  await assert.rejects(
    signModel({ source, hasher: hasherFactory(), signer }, { observer: recorder }),
  );
  recorder.assertBalanced();
  assert.deepEqual(recorder.ends, [
    "enumerate: MODEL_UNREADABLE",
    "hash: MODEL_UNREADABLE",
    "sign: MODEL_UNREADABLE",
  ]);
});

test("signModel() ends every span when the hasher stops asking for entries", async () => {
  const recorder = new Recorder();
  const hasher: HasherFactory = () => ({
    async *hash(entries) {
      for await (const entry of entries) {
        yield { kind: "ignored", path: entry.path };
        break;
      }
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  const signer = keySigner({ privateKey: KEYS.privateKey });
  const source = new MemorySource({ "a": "1", "b": "2" });
  await assert.rejects(signModel({ source, hasher, signer }, { observer: recorder }));
  recorder.assertBalanced();
});

test("signModel() ends every span when the signal fires on the way", async () => {
  const recorder = new Recorder();
  const controller = new AbortController();
  const source = new MemorySource({ "a": "1" });
  const entries = source.entries.bind(source);
  source.entries = async function* (rules, options) {
    yield* entries(rules, options);
    controller.abort();
  };
  const signer = keySigner({ privateKey: KEYS.privateKey });
  await assert.rejects(
    signModel({ source, hasher: hasherFactory(), signer }, {
      observer: recorder,
      signal: controller.signal,
    }),
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
  recorder.assertBalanced();
  assert.equal(recorder.ends.at(-1), "sign: ABORTED");
});

test("traced() gives the result, the facts, the parent and the options of what lies inside", async () => {
  const recorder = new Recorder();
  const options = { observer: recorder, timeout: 5 };
  const result = await traced(options, "sign", async (outer) => {
    assert.equal(outer.timeout, 5);
    outer.span.set({ late: 1 }, { path: "a" });
    outer.span.set({ later: 2 });
    return await traced(outer, "plugin.step", () => Promise.resolve(7), {
      attributes: { early: true },
      details: { name: "x" },
    });
  });
  assert.equal(result, 7);
  recorder.assertBalanced();
  const [outer, inner, innerEnd, outerEnd] = recorder.events;
  assert.ok(outer?.kind === "span-start" && inner?.kind === "span-start");
  assert.equal(inner.parent, outer.span);
  assert.deepEqual([inner.attributes, inner.details], [{ early: true }, { name: "x" }]);
  assert.ok(innerEnd?.kind === "span-end" && outerEnd?.kind === "span-end");
  assert.deepEqual([outerEnd.attributes, outerEnd.details], [{ late: 1, later: 2 }, { path: "a" }]);
  const times = [outer.time, inner.time, innerEnd.time, outerEnd.time];
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
});

test("traced() ends the span with the error's code and throws on", async () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [new ModelSigningError("USAGE", "x"), "USAGE"],
    [Object.assign(new Error("x"), { code: "ENOENT" }), "ENOENT"],
    [new Error("x"), "INTERNAL"],
    [Object.assign(new Error("x"), { code: "no code: /home/me" }), "INTERNAL"],
    [null, "INTERNAL"],
    ["text", "INTERNAL"],
  ];
  for (const [error, code] of cases) {
    const recorder = new Recorder();
    const thrown = await traced({ observer: recorder }, "sign", () => Promise.reject(error))
      .then(() => assert.fail(), (reason: unknown) => reason);
    assert.equal(thrown, error);
    assert.deepEqual(recorder.ends, [`sign: ${code}`]);
  }
});

test("beginSpan() works without an observer", () => {
  const { span, end } = beginSpan({}, "sign");
  span.set({ a: 1 });
  end();
});

test("beginSpan() ends a span once, and nothing is added to it afterwards", () => {
  const recorder = new Recorder();
  const { span, end } = beginSpan({ observer: recorder }, "sign");
  end();
  span.set({ a: 1 });
  end(new Error("late"));
  const [, ...ends] = recorder.events;
  assert.equal(ends.length, 1);
  assert.ok(ends[0]?.kind === "span-end" && ends[0].error === undefined);
  assert.deepEqual(ends[0].attributes, {});
});

test("what signers, witnesses, sources, hashers and verifiers are given names their step", async () => {
  const recorder = new Recorder();
  const within: Record<string, number | undefined> = {};
  const note = (who: string, { span }: RunOptions) => void (within[who] = span?.id);
  const source = new MemorySource({ "a": "1" });
  const entries = source.entries.bind(source);
  source.entries = (rules, options) => (note("source", options), entries(rules, options));
  const real = keySigner({ privateKey: KEYS.privateKey });
  const verifier = keyVerifier({ publicKeys: [KEYS.publicKey] });
  await signModel({
    source,
    hasher: (settings) => {
      const hasher = hasherFactory()(settings);
      const hash = hasher.hash.bind(hasher);
      hasher.hash = (entries, options) => (note("hasher", options), hash(entries, options));
      return hasher;
    },
    signer: {
      ...real,
      sign: (bytes, options) => (note("signer", options), real.sign(bytes, options)),
    },
    witnesses: [{
      witness: (_envelope, _signed, options) => (note("witness", options), Promise.resolve({})),
    }],
    verifier: {
      verify: (bundle, options) => (note("verifier", options), verifier.verify(bundle, options)),
    },
  }, { observer: recorder });
  const names = new Map(
    recorder.events.flatMap((event) =>
      event.kind === "span-start" ? [[event.span, event.name] as const] : []
    ),
  );
  assert.deepEqual(
    Object.fromEntries(Object.entries(within).map(([who, id]) => [who, names.get(id ?? 0)])),
    {
      source: "hash",
      hasher: "hash",
      signer: "sign.signature",
      witness: "sign.witness",
      verifier: "verify.signature",
    },
  );
});

test("combineObservers() sends every event to each", () => {
  const [one, other] = [new Recorder(), new Recorder()];
  const event: ObserverEvent = {
    kind: "progress",
    progress: { filesDone: 1, filesFound: 2, bytesDone: 3, bytesFound: 4, totalsFinal: false },
  };
  combineObservers(one, other).emit(event);
  combineObservers().emit(event);
  assert.deepEqual([one.events, other.events], [[event], [event]]);
});
