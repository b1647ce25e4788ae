/** What every {@link Hasher} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  appendFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { ModelSigningError } from "../errors.ts";
import type { HasherFactory, HashType } from "../hasher.ts";
import type { ObserverEvent, Progress } from "../observer.ts";
import { shardName, shardRanges } from "../shard.ts";
import type { Entry } from "../source.ts";
import type { ContractCase } from "./case.ts";
import { STREAM_CASES } from "./hasher_streams.ts";
import {
  digests,
  type File,
  from,
  HUGE_BYTES,
  issues,
  oracle,
  pattern,
  sha256,
  SHARD_SIZE,
  SIZES,
  streamed,
  Workbench,
} from "./hasher_workbench.ts";

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
      ...STREAM_CASES,
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
