/** What every {@link Hasher} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  appendFileSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ModelSigningError } from "../errors.ts";
import type { HasherFactory, HashType } from "../hasher.ts";
import type { ObserverEvent, Progress } from "../observer.ts";
import { shardName, shardRanges } from "../shard.ts";
import type { Entry } from "../source.ts";
import type { ContractCase } from "./case.ts";
import {
  BLAKE3,
  digests,
  type File,
  from,
  issues,
  oracle,
  pattern,
  sha256,
  streamed,
  Workbench,
} from "./hasher_workbench.ts";

/** Around nothing, BLAKE3's chunk (1 KiB), the usual read buffer (1 MiB), and more than two of those. */
const SIZES: readonly number[] = [...BLAKE3.keys()];

/** A multiple of the pattern's 251 bytes, so that each shard's content is the pattern again. */
const SHARD_SIZE = 257_024;

const SHARDED_SIZES: readonly number[] = [
  0,
  1,
  SHARD_SIZE - 1,
  SHARD_SIZE,
  SHARD_SIZE + 1,
  2 * SHARD_SIZE,
  2 * SHARD_SIZE + 1,
  3 * SHARD_SIZE - 1,
];

const ALGORITHMS: readonly HashType[] = ["sha256", "blake2b", "blake3"];

/** Far more than is hashed before an abort arrives. */
const HUGE_BYTES = 16 * 1024 ** 3;

/**
 * The suite. Cases write to the temporary directory and clean up; sparse files are the largest.
 *
 * @param make the hashers under test
 */
export function hasherContract(make: HasherFactory): readonly ContractCase[] {
  const bound = (check: (workbench: Workbench) => Promise<void>) => async () => {
    const workbench = new Workbench(make);
    try {
      await check(workbench);
    } finally {
      workbench.remove();
    }
  };
  const cases:
    readonly (readonly [name: string, check: (workbench: Workbench) => Promise<void>])[] = [
      ...ALGORITHMS.flatMap((algorithm) =>
        [
          [
            `hash() gives the ${algorithm} digest of files of every size`,
            (workbench: Workbench) => hashesFiles(workbench, algorithm),
          ],
          [
            `hash() gives the ${algorithm} digests of shards around every boundary`,
            (workbench: Workbench) => hashesShards(workbench, algorithm),
          ],
        ] as const
      ),
      ["hash() gives one result for each of many files", hashesMany],
      ["hash() gives the same in whatever order entries come", isOrderFree],
      ["hash() reads content without a location through open()", readsStreams],
      ["hash() reads shards without a location through open()", readsStreamedShards],
      ["hash() gives an issue for a stream that is too short, too long or fails", refusesStreams],
      ["hash() writes content to a new file while it reads it", copies],
      ["hash() throws FILE_UNWRITABLE when content cannot be written", failsToCopy],
      ["hash() throws USAGE when shards are to be written", copiesNoShards],
      ["hash() ends with ABORTED while it writes", endsWhileItCopies],
      ["hash() passes on ignored and refused entries", passesOn],
      ["hash() passes on a digest of its own algorithm, with its extras", passesDigests],
      ["hash() gives an issue for a digest it cannot use", refusesDigests],
      ["hash() gives a file's extras to its resources, also to shards", carriesExtras],
      ["hash() gives an issue for content with another digest than expected", comparesExpected],
      ["hash() gives an issue for a file that was replaced, changed or removed", noticesChanges],
      ["hash() gives one issue for a file of several shards", noticesChangesOnce],
      ["hash() follows a symbolic link only when told to", followsLinks],
      ["hash() throws what the entries throw", throwsOutage],
      ["hash() ends with ABORTED when the signal has fired", endsWhenAborted],
      ["hash() ends with ABORTED in the middle of a file", endsInTheMiddle],
      ["hash() can be left early", canBeLeft],
      ["hash() tells progress up to the totals", tellsProgress],
    ];
  return cases.map(([name, check]) => ({ name, run: bound(check) }));
}

async function hashesFiles(workbench: Workbench, algorithm: HashType): Promise<void> {
  const entries = SIZES.map((size) => workbench.file(`size-${size}`, pattern(size)));
  assert.deepEqual(
    digests(await workbench.hash(entries, { algorithm })),
    new Map(SIZES.map((size) => [`size-${size}`, oracle(algorithm, size)])),
  );
}

async function hashesShards(workbench: Workbench, algorithm: HashType): Promise<void> {
  const entries = SHARDED_SIZES.map((size) => workbench.file(`a:b-${size}`, pattern(size)));
  const results = await workbench.hash(entries, { algorithm, shardSize: SHARD_SIZE });
  const expected = new Map<string, string>();
  for (const size of SHARDED_SIZES) {
    for (const range of shardRanges(size, SHARD_SIZE)) {
      const digest = oracle(algorithm, range.end - range.start);
      expected.set(shardName(`a:b-${size}`, range), digest);
    }
  }
  assert.deepEqual(digests(results), expected);
  assert.deepEqual(results.filter(({ kind }) => kind !== "resource"), [
    { kind: "uncovered", path: "a:b-0" },
  ]);
  const total = results.reduce((sum, r) => sum + (r.kind === "resource" ? r.size : 0), 0);
  assert.equal(total, SHARDED_SIZES.reduce((sum, size) => sum + size));
}

async function hashesMany(workbench: Workbench): Promise<void> {
  const names = Array.from({ length: 1500 }, (_, index) => `file-${index}`);
  const results = await workbench.hash(
    names.map((name) => workbench.file(name, Buffer.from(name))),
    {},
  );
  assert.equal(results.length, names.length);
  assert.deepEqual(digests(results), new Map(names.map((name) => [name, sha256(name)])));
}

async function isOrderFree(workbench: Workbench): Promise<void> {
  const entries = SIZES.map((size) => workbench.file(`size-${size}`, pattern(size)));
  const there = await workbench.hash(entries, {});
  const back = await workbench.hash(entries.toReversed(), {});
  assert.deepEqual(digests(there), digests(back));
}

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

async function passesOn(workbench: Workbench): Promise<void> {
  const issue = { code: "ENTRY_NOT_REGULAR", message: "is a socket", path: "socket" } as const;
  const results = await workbench.hash([
    { kind: "ignored", path: ".git" },
    { kind: "refused", path: "socket", issue },
  ], {});
  const kinds = results.toSorted((a, b) => a.kind < b.kind ? -1 : 1);
  assert.deepEqual(kinds, [{ kind: "ignored", path: ".git" }, { kind: "issue", issue }]);
}

async function passesDigests(workbench: Workbench): Promise<void> {
  const digest = sha256("layer");
  const extra = { mediaType: "application/octet-stream" };
  const results = await workbench.hash([
    { kind: "digest", path: "layer", size: 5, algorithm: "sha256", digest, extra },
    { kind: "digest", path: "plain", size: 5, algorithm: "sha256", digest },
  ], {});
  const resource = { name: "layer", digest, algorithm: "sha256", extra } as const;
  assert.deepEqual(results, [
    { kind: "resource", resource, size: 5, stated: true },
    {
      kind: "resource",
      resource: { name: "plain", digest, algorithm: "sha256" },
      size: 5,
      stated: true,
    },
  ]);
}

async function refusesDigests(workbench: Workbench): Promise<void> {
  const entry: Entry = {
    kind: "digest",
    path: "layer",
    size: 5,
    algorithm: "sha256",
    digest: sha256("layer"),
  };
  for (const settings of [{ algorithm: "blake3" }, { shardSize: SHARD_SIZE }] as const) {
    const results = await workbench.hash([entry], settings);
    assert.deepEqual(issues(results), new Map([["layer", "ENTRY_UNREADABLE"]]));
    assert.equal(digests(results).size, 0);
  }
}

async function carriesExtras(workbench: Workbench): Promise<void> {
  const extra = { mediaType: "application/octet-stream" };
  const entries = [
    { ...workbench.file("located", pattern(10)), extra },
    { ...streamed("streamed", 10, pattern(10)), extra },
  ];
  for (const settings of [{}, { shardSize: 4 }]) {
    const results = await workbench.hash(entries, settings);
    assert.equal(results.length, settings.shardSize === undefined ? 2 : 6);
    for (const result of results) {
      assert.deepEqual(result.kind === "resource" && result.resource.extra, extra);
    }
  }
}

async function comparesExpected(workbench: Workbench): Promise<void> {
  const right = { algorithm: "sha256", digest: oracle("sha256", 1024) } as const;
  const wrong = { algorithm: "sha256", digest: oracle("sha256", 1023) } as const;
  const entries = [
    { ...workbench.file("right", pattern(1024)), expected: right },
    { ...workbench.file("wrong", pattern(1024)), expected: wrong },
    { ...streamed("streamed", 1024, pattern(1024)), expected: wrong },
  ];
  const results = await workbench.hash(entries, {});
  assert.deepEqual([...digests(results).keys()], ["right"]);
  assert.deepEqual(
    [...issues(results)].toSorted(),
    [["streamed", "ENTRY_DIGEST"], ["wrong", "ENTRY_DIGEST"]],
  );
  // The digests of another algorithm, or of a part, cannot be compared with it.
  for (const settings of [{ algorithm: "blake2b" }, { shardSize: 1024 }] as const) {
    assert.equal(issues(await workbench.hash(entries, settings)).size, 0);
  }
}

async function noticesChanges(workbench: Workbench): Promise<void> {
  const changes: Readonly<Record<string, (path: string) => void>> = {
    removed: (path) => unlinkSync(path),
    grown: (path) => appendFileSync(path, "more"),
    shrunk: (path) => truncateSync(path, 2),
    touched: (path) => utimesSync(path, 1, 1),
    replaced(path) {
      const { atime, mtime } = statSync(path);
      writeFileSync(`${path}.new`, "1234567890");
      utimesSync(`${path}.new`, atime, mtime);
      renameSync(`${path}.new`, path);
    },
    linked(path) {
      renameSync(path, `${path}.target`);
      symlinkSync(`${path}.target`, path);
    },
  };
  const entries = Object.keys(changes).map((name) =>
    workbench.file(name, Buffer.from("0123456789"))
  );
  const untouched = workbench.file("untouched", Buffer.from("0123456789"));
  for (const [name, change] of Object.entries(changes)) change(workbench.path(name));
  const results = await workbench.hash([...entries, untouched], {});
  assert.deepEqual(
    issues(results),
    new Map(Object.keys(changes).map((name) => [name, "FILE_CHANGED"])),
  );
  assert.deepEqual(digests(results), new Map([["untouched", sha256("0123456789")]]));
}

async function noticesChangesOnce(workbench: Workbench): Promise<void> {
  const entry = workbench.file("file", pattern(3 * SHARD_SIZE));
  appendFileSync(workbench.path("file"), "more");
  const results = await workbench.hash([entry], { shardSize: SHARD_SIZE });
  assert.equal(results.length, 1);
  assert.deepEqual(issues(results), new Map([["file", "FILE_CHANGED"]]));
}

async function followsLinks(workbench: Workbench): Promise<void> {
  const target = workbench.file("target", pattern(10));
  symlinkSync(workbench.path("target"), workbench.path("link"));
  const location = { ...target.location!, path: workbench.path("link") };
  const link: File = { ...target, path: "link", location };
  const followed = await workbench.hash([link], { allowSymlinks: true });
  assert.deepEqual(digests(followed), new Map([["link", oracle("sha256", 10)]]));
  const refused = await workbench.hash([link], { allowSymlinks: false });
  assert.deepEqual(issues(refused), new Map([["link", "FILE_CHANGED"]]));
}

async function throwsOutage(workbench: Workbench): Promise<void> {
  const outage = new ModelSigningError("MODEL_UNREADABLE", "the model is gone");
  async function* entries(): AsyncGenerator<Entry> {
    yield workbench.file("file", pattern(10));
    await Promise.reject(outage);
  }
  await assert.rejects(workbench.hash(entries(), {}), (error) => error === outage);
}

async function endsWhenAborted(workbench: Workbench): Promise<void> {
  const entries = [workbench.file("file", pattern(10))];
  await assert.rejects(
    workbench.hash(entries, {}, { signal: AbortSignal.abort() }),
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
}

async function endsInTheMiddle(workbench: Workbench): Promise<void> {
  const controller = new AbortController();
  const observer = {
    emit(event: ObserverEvent) {
      if (event.kind === "progress" && event.progress.bytesDone > 0) controller.abort();
    },
  };
  await assert.rejects(
    workbench.hash([workbench.sparse("huge", HUGE_BYTES)], {}, {
      signal: controller.signal,
      observer,
    }),
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
}

async function canBeLeft(workbench: Workbench): Promise<void> {
  await using hasher = workbench.make({});
  const entries = [streamed("stream", 3, pattern(3)), workbench.sparse("huge", HUGE_BYTES)];
  for (let index = 0; index < 100; index++) {
    entries.push(workbench.file(`small-${index}`, pattern(10)));
  }
  let results = 0;
  for await (const _ of hasher.hash(from(entries), {})) {
    results++;
    break;
  }
  assert.equal(results, 1);
}

async function tellsProgress(workbench: Workbench): Promise<void> {
  const seen: Progress[] = [];
  const observer = {
    emit(event: ObserverEvent) {
      if (event.kind === "progress") seen.push(event.progress);
    },
  };
  const entries = SIZES.map((size) => workbench.file(`size-${size}`, pattern(size)));
  await workbench.hash(entries, {}, { observer });
  const total = SIZES.reduce((sum, size) => sum + size);
  const { current: _, ...last } = seen.at(-1)!;
  assert.deepEqual(last, {
    filesDone: SIZES.length,
    filesFound: SIZES.length,
    bytesDone: total,
    bytesFound: total,
    totalsFinal: true,
  });
}
