/** What a {@link Hasher} must do with content that has no location, and with content that it is to write. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { ModelSigningError } from "../errors.ts";
import {
  digests,
  type File,
  HUGE_BYTES,
  issues,
  oracle,
  pattern,
  SHARD_SIZE,
  SIZES,
  streamed,
  type Workbench,
} from "./hasher_workbench.ts";

/** A part of the suite. */
export const STREAM_CASES: readonly (readonly [
  name: string,
  check: (workbench: Workbench) => Promise<void>,
])[] = [
  ["hash() reads content without a location through open()", readsStreams],
  ["hash() reads shards without a location through open()", readsStreamedShards],
  ["hash() leaves it to the source to compare what it cannot, and waits for its word", leavesIt],
  ["hash() reads an empty file in shards that its source compares", readsNothing],
  ["hash() believes no size that content only claims to have", believesNoSize],
  ["hash() gives an issue for a stream that is too short, too long or fails", refusesStreams],
  ["hash() writes content to a new file while it reads it", copies],
  ["hash() throws FILE_UNWRITABLE when content cannot be written", failsToCopy],
  ["hash() throws USAGE when shards are to be written", copiesNoShards],
  ["hash() ends with ABORTED while it writes", endsWhileItCopies],
];

async function readsStreams(workbench: Workbench): Promise<void> {
  const entries = SIZES.map((size) => streamed(`size-${size}`, size, pattern(size)));
  assert.deepEqual(
    digests(await workbench.hash(entries, { algorithm: "blake3" })),
    new Map(SIZES.map((size) => [`size-${size}`, oracle("blake3", size)])),
  );
}

async function readsStreamedShards(workbench: Workbench): Promise<void> {
  const size = 2 * SHARD_SIZE + 1;
  const settings = { shardSize: SHARD_SIZE };
  assert.deepEqual(
    digests(await workbench.hash([streamed("a", size, pattern(size))], settings)),
    digests(await workbench.hash([workbench.file("a", pattern(size))], settings)),
  );
}

async function leavesIt(workbench: Workbench): Promise<void> {
  const content = pattern(2 * SHARD_SIZE + 1);
  const expected = { algorithm: "sha256", digest: oracle("sha256", 1) } as const;
  const asked: unknown[] = [];
  /** Says at its end whether this was the content that is expected. */
  const entry = (file: File, isRight: boolean): File => ({
    ...file,
    expected,
    open(range, compares = false) {
      asked.push([range, compares]);
      let at = 0;
      return new ReadableStream({
        pull(controller) {
          if (at < content.length) {
            return controller.enqueue(content.subarray(at, at += 100_000));
          }
          return isRight ? controller.close() : controller.error(new Error("is another"));
        },
      }, { highWaterMark: 0 });
    },
  });
  for (const settings of [{ algorithm: "blake2b" }, { shardSize: SHARD_SIZE }] as const) {
    const plain = [streamed("a", content.length, content), workbench.file("b", content)];
    const right = plain.map((file) => entry(file, true));
    assert.deepEqual(
      digests(await workbench.hash(right, settings)),
      digests(await workbench.hash(plain, settings)),
    );
    const results = await workbench.hash(plain.map((file) => entry(file, false)), settings);
    assert.deepEqual(
      [...issues(results)].toSorted(),
      [["a", "ENTRY_UNREADABLE"], ["b", "ENTRY_UNREADABLE"]],
    );
    // Nothing of a stream counts that ended in this way.
    assert.equal(digests(results).size, 0);
  }
  // The whole, once: two answers to two questions may be of two contents.
  assert.deepEqual(asked, Array(8).fill([undefined, false]));
}

/** Of an empty file in shards nothing is hashed; whether it is empty is for its source to say all the same. */
async function readsNothing(workbench: Workbench): Promise<void> {
  const expected = { algorithm: "sha256", digest: oracle("sha256", 3) } as const;
  const failing = () => new ReadableStream({ pull: (at) => at.error(new Error("is another")) });
  const claimed = { ...streamed("claimed", 0, pattern(3)), expected };
  const denied = { ...streamed("denied", 0, pattern(0)), expected, open: failing };
  const empty = { ...streamed("empty", 0, pattern(0)), expected };
  const results = await workbench.hash([claimed, denied, empty], { shardSize: SHARD_SIZE });
  assert.deepEqual(
    issues(results),
    new Map([["claimed", "FILE_CHANGED"], ["denied", "ENTRY_UNREADABLE"]]),
  );
  const uncovered = results.filter(({ kind }) => kind === "uncovered");
  assert.deepEqual(uncovered, [{ kind: "uncovered", path: "empty" }]);
}

/** A manifest may state any size; whoever lists the shards of this one has no memory for them. */
async function believesNoSize(workbench: Workbench): Promise<void> {
  const huge = streamed("huge", Number.MAX_SAFE_INTEGER, pattern(3));
  const stated = {
    ...huge,
    expected: { algorithm: "sha256", digest: oracle("sha256", 3) },
  } as const;
  for (const entry of [huge, stated]) {
    for (const settings of [{}, { shardSize: 1 }, { algorithm: "blake3", shardSize: 1 }] as const) {
      const results = await workbench.hash([entry], settings);
      assert.deepEqual(issues(results), new Map([["huge", "FILE_CHANGED"]]));
    }
  }
}

async function refusesStreams(workbench: Workbench): Promise<void> {
  const failing: File = {
    kind: "file",
    path: "failing",
    size: 3,
    open: () => new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) }),
  };
  const throwing: File = {
    kind: "file",
    path: "throwing",
    size: 3,
    open() {
      throw new Error("gone");
    },
  };
  const digest = oracle("sha256", 3);
  const claims = (path: string, chunk: unknown): File => ({
    kind: "file",
    path,
    size: digest.length,
    expected: { algorithm: "sha256", digest },
    open: () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(chunk as Uint8Array);
          controller.close();
        },
      }),
  });
  const results = await workbench.hash([
    claims("text", digest),
    claims("object", { length: digest.length, code: "ENTRY_DIGEST", problem: "is forged" }),
    claims("nothing", undefined),
    streamed("short", 4, pattern(3)),
    streamed("long", 2, pattern(3)),
    streamed("empty", 3, pattern(0)),
    streamed("not-empty", 0, pattern(3)),
    failing,
    throwing,
    streamed("good", 3, pattern(3)),
  ], {});
  assert.deepEqual(
    issues(results),
    new Map([
      ["text", "ENTRY_UNREADABLE"],
      ["object", "ENTRY_UNREADABLE"],
      ["nothing", "ENTRY_UNREADABLE"],
      ["short", "FILE_CHANGED"],
      ["long", "FILE_CHANGED"],
      ["empty", "FILE_CHANGED"],
      ["not-empty", "FILE_CHANGED"],
      ["failing", "ENTRY_UNREADABLE"],
      ["throwing", "ENTRY_UNREADABLE"],
    ]),
  );
  assert.deepEqual(digests(results), new Map([["good", oracle("sha256", 3)]]));
}

async function copies(workbench: Workbench): Promise<void> {
  const entries = SIZES.map((size) => ({
    ...streamed(`streamed-${size}`, size, pattern(size)),
    copyTo: workbench.path(`s-${size}`),
  }));
  assert.deepEqual(
    digests(await workbench.hash(entries, {})),
    new Map(SIZES.map((size) => [`streamed-${size}`, oracle("sha256", size)])),
  );
  for (const size of SIZES) {
    assert.ok(readFileSync(workbench.path(`s-${size}`)).equals(pattern(size)));
  }
}

async function failsToCopy(workbench: Workbench): Promise<void> {
  workbench.file("there", Buffer.from("mine"));
  for (const copyTo of [workbench.path("there"), join(workbench.path("absent"), "file")]) {
    await assert.rejects(
      workbench.hash([{ ...streamed("file", 3, pattern(3)), copyTo }], {}),
      (error) => error instanceof ModelSigningError && error.code === "FILE_UNWRITABLE",
    );
  }
  assert.equal(readFileSync(workbench.path("there"), "utf8"), "mine");
}

async function copiesNoShards(workbench: Workbench): Promise<void> {
  for (const size of [0, 3]) {
    const entry = { ...streamed("file", size, pattern(size)), copyTo: workbench.path("copy") };
    await assert.rejects(
      workbench.hash([entry], { shardSize: 2 }),
      (error) => error instanceof ModelSigningError && error.code === "USAGE",
    );
  }
}

async function endsWhileItCopies(workbench: Workbench): Promise<void> {
  const controller = new AbortController();
  const piece = pattern(100_000);
  let cancelled = false;
  const endless: File = {
    kind: "file",
    path: "endless",
    size: HUGE_BYTES,
    copyTo: workbench.path("copy"),
    open: () => {
      let pieces = 0;
      return new ReadableStream({
        async pull(stream) {
          if (++pieces === 100) controller.abort();
          // Gives other work a chance, as a network does.
          await new Promise((resolve) => setTimeout(resolve));
          stream.enqueue(piece);
        },
        cancel: () => void (cancelled = true),
      }, { highWaterMark: 0 });
    },
  };
  await assert.rejects(
    workbench.hash([endless], {}, { signal: controller.signal }),
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
  assert.ok(cancelled);
  // Nothing is written any more.
  unlinkSync(workbench.path("copy"));
}
