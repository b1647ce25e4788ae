import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ModelSigningError } from "../../../core/errors.ts";
import type { Hashed, HashSettings } from "../../../core/hasher.ts";
import type { ObserverEvent, Progress } from "../../../core/observer.ts";
import type { RunOptions } from "../../../core/options.ts";
import type { Entry } from "../../../core/source.ts";
import { createHasher, type EngineOptions } from "../../../plugins/hash/mod.ts";

const workerUrl = new URL("../../../plugins/hash/worker.ts", import.meta.url);

const ENGINES: Readonly<Record<string, EngineOptions>> = {
  serial: {},
  pooled: { workerUrl, jobs: 2, workersFrom: 0 },
};

/** Files of zeros that take no space: one that is read to its end, one that never is. */
const LARGE_BYTES = 1024 ** 3;
const HUGE_BYTES = 64 * LARGE_BYTES;

test("serial and pooled output are equal", async () => {
  await withDirectory(async (directory) => {
    for (let index = 0; index < 300; index++) {
      fs.writeFileSync(join(directory, `small-${index}`), Buffer.alloc(index * 37, index));
    }
    fs.writeFileSync(join(directory, "large"), Buffer.alloc(20_000_000, 1));
    for (const shardSize of [undefined, 100_000]) {
      for (const algorithm of ["sha256", "blake2b", "blake3"] as const) {
        const settings = { algorithm, ...(shardSize === undefined ? {} : { shardSize }) };
        const serial = await hashAll(list(directory), settings, {});
        for (const jobs of [1, 2, 5]) {
          const engine = { workerUrl, jobs, workersFrom: 0 };
          assert.deepEqual(
            sorted(await hashAll(list(directory), settings, engine)),
            sorted(serial),
          );
        }
      }
    }
  });
});

for (const [name, engine] of Object.entries(ENGINES)) {
  test(`${name}: hash() does not wait for a FIFO that took a file's place`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "file"), "content");
      const entries = list(directory);
      fs.unlinkSync(join(directory, "file"));
      execFileSync("mkfifo", [join(directory, "file")]);
      assert.deepEqual(codes(await hashAll(entries, {}, engine)), ["FILE_CHANGED"]);
    });
  });

  test(`${name}: hash() notices a directory that took a file's place`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "file"), "content");
      const entries = list(directory);
      fs.unlinkSync(join(directory, "file"));
      fs.mkdirSync(join(directory, "file"));
      assert.deepEqual(codes(await hashAll(entries, {}, engine)), ["FILE_CHANGED"]);
    });
  });

  test(`${name}: hash() notices a file behind another link to its folder`, async () => {
    await withDirectory(async (directory) => {
      fs.mkdirSync(join(directory, "a"));
      fs.mkdirSync(join(directory, "b"));
      fs.writeFileSync(join(directory, "a", "file"), "content");
      fs.writeFileSync(join(directory, "b", "file"), "another");
      const entries = list(join(directory, "a"));
      fs.renameSync(join(directory, "a"), join(directory, "away"));
      fs.symlinkSync("b", join(directory, "a"));
      assert.deepEqual(codes(await hashAll(entries, {}, engine)), ["FILE_CHANGED"]);
    });
  });

  for (
    const [change, apply] of Object.entries({
      "shrinks": (path: string) => fs.truncateSync(path, 1),
      "grows": (path: string) => fs.appendFileSync(path, "more"),
      "is written to": (path: string) => {
        const file = fs.openSync(path, "r+");
        fs.writeSync(file, "changed", 0);
        fs.closeSync(file);
      },
    })
  ) {
    test(`${name}: hash() notices a file that ${change} while it is hashed`, async () => {
      await withDirectory(async (directory) => {
        const path = join(directory, "file");
        fs.writeFileSync(path, "");
        fs.truncateSync(path, LARGE_BYTES);
        let pending = true;
        const observer = {
          emit(event: ObserverEvent) {
            if (!pending || event.kind !== "progress" || event.progress.bytesDone === 0) return;
            pending = false;
            apply(path);
          },
        };
        const results = await hashAll(list(directory), {}, engine, { observer });
        assert.equal(pending, false);
        assert.deepEqual(codes(results), ["FILE_CHANGED"]);
      });
    });
  }

  test(`${name}: hash() gives an issue for a file that cannot be opened`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "file"), "content");
      const [entry] = list(directory);
      assert.ok(entry?.kind === "file" && entry.location);
      const location = { ...entry.location, path: join(directory, "x".repeat(300)) };
      const results = await hashAll([{ ...entry, location }], {}, engine);
      assert.deepEqual(codes(results), ["ENTRY_UNREADABLE"]);
    });
  });

  test(`${name}: hash() shows movement within a file`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "huge"), "");
      fs.truncateSync(join(directory, "huge"), HUGE_BYTES);
      const seen: Progress[] = [];
      const controller = new AbortController();
      const observer = {
        emit(event: ObserverEvent) {
          if (event.kind !== "progress") return;
          seen.push(event.progress);
          if (event.progress.bytesDone > 0) controller.abort();
        },
      };
      await assert.rejects(
        hashAll(list(directory), {}, engine, { observer, signal: controller.signal }),
        { code: "ABORTED" },
      );
      const { bytesDone, filesFound, filesDone, current } = seen.at(-1)!;
      assert.ok(bytesDone > 0 && bytesDone < HUGE_BYTES);
      assert.deepEqual({ filesFound, filesDone, current }, {
        filesFound: 1,
        filesDone: 0,
        current: "huge",
      });
    });
  });

  test(`${name}: disposing of the hasher ends it`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "huge"), "");
      fs.truncateSync(join(directory, "huge"), HUGE_BYTES);
      const hasher = createHasher({ algorithm: "sha256", allowSymlinks: false }, engine);
      const first = hasher.hash(from(list(directory)), {})[Symbol.asyncIterator]().next();
      const ended = assert.rejects(first, { code: "ABORTED" });
      await hasher[Symbol.asyncDispose]();
      await ended;
    });
  });

  test(`${name}: a process may end after an aborted run`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "huge"), "");
      fs.truncateSync(join(directory, "huge"), HUGE_BYTES);
      const [entry] = list(directory);
      const program = join(directory, "program.ts");
      const mod = new URL("../../../plugins/hash/mod.ts", import.meta.url);
      const options = { ...engine, ...(engine.workerUrl ? { workerUrl: String(workerUrl) } : {}) };
      fs.writeFileSync(
        program,
        `import { createHasher } from ${JSON.stringify(String(mod))};
        const controller = new AbortController();
        const options = ${JSON.stringify(options)};
        if (options.workerUrl) options.workerUrl = new URL(options.workerUrl);
        const hasher = createHasher({ algorithm: "sha256", allowSymlinks: false }, options);
        async function* entries() { yield ${JSON.stringify(entry)}; }
        const observer = { emit: ({ progress }) => progress.bytesDone > 0 && controller.abort() };
        try {
          for await (const _ of hasher.hash(entries(), { observer, signal: controller.signal }));
        } catch (error) {
          console.log(error.code);
        }`,
      );
      const { stdout } = await promisify(execFile)(process.execPath, [...runtimeFlags(), program]);
      assert.equal(stdout.trim(), "ABORTED");
    });
  });
}

test("hash() fails with HASH_WORKER_FAILED when the worker's module is missing", async () => {
  await withDirectory(async (directory) => {
    fs.writeFileSync(join(directory, "file"), "content");
    const missing = pathToFileURL(join(directory, "missing.ts"));
    const engine = { workerUrl: missing, workersFrom: 0 };
    await assert.rejects(hashAll(list(directory), {}, engine), { code: "HASH_WORKER_FAILED" });
  });
});

test("hash() fails with HASH_WORKER_FAILED while a stream stalls", async () => {
  const stalled: Entry = {
    kind: "file",
    path: "stalled",
    size: 1,
    open: () => new ReadableStream({ pull: () => new Promise(() => {}) }),
  };
  const missing = pathToFileURL(join(tmpdir(), "missing-worker.ts"));
  const engine = { workerUrl: missing, workersFrom: 0 };
  await assert.rejects(hashAll([stalled], {}, engine), { code: "HASH_WORKER_FAILED" });
});

test("hash() opens no stream after an abort, and cancels those before", async () => {
  for (const engine of Object.values(ENGINES)) {
    const controller = new AbortController();
    const { signal } = controller;
    const seen = { opened: 0, cancelled: 0, late: 0 };
    const entry: Entry = {
      kind: "file",
      path: "file",
      size: 1,
      open() {
        seen.opened++;
        if (signal.aborted) seen.late++;
        return new ReadableStream({ cancel: () => void seen.cancelled++ });
      },
    };
    const entries = async function* (): AsyncGenerator<Entry> {
      yield entry;
      await Promise.resolve();
      controller.abort();
      yield entry;
    };
    await assert.rejects(hashAll(entries(), {}, engine, { signal }), { code: "ABORTED" });
    // What was under way when the run ended may go on until here.
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(seen, { opened: seen.opened, cancelled: seen.opened, late: 0 });
  }
});

for (
  const [what, program] of Object.entries({
    "throws": "throw new Error('broken')",
    "ends": "process.exit(1)",
  })
) {
  test(`hash() fails with HASH_WORKER_FAILED when a worker ${what}`, async () => {
    await withDirectory(async (directory) => {
      fs.writeFileSync(join(directory, "file"), "content");
      const entries = list(directory);
      const path = join(directory, "worker.mjs");
      fs.writeFileSync(
        path,
        `import process from "node:process";
        import { parentPort } from "node:worker_threads";
        parentPort.on("message", () => { ${program} });`,
      );
      const engine = { workerUrl: pathToFileURL(path), workersFrom: 0 };
      await assert.rejects(hashAll(entries, {}, engine), { code: "HASH_WORKER_FAILED" });
    });
  });
}

test("hash() says at debug level that BLAKE3 is not native", async () => {
  await withDirectory(async (directory) => {
    fs.writeFileSync(join(directory, "file"), "content");
    for (const base of Object.values(ENGINES)) {
      const levels: string[] = [];
      const logger = { log: (level: string) => void levels.push(level) };
      const settings = { algorithm: "blake3" } as const;
      await hashAll(list(directory), settings, base, { logger });
      assert.deepEqual(levels, []);
      await hashAll(list(directory), settings, { ...base, native: false }, { logger });
      assert.deepEqual(levels, ["debug"]);
    }
  });
});

test("createHasher() refuses a shard size or number of jobs that is not a positive integer", () => {
  const settings = { algorithm: "sha256", allowSymlinks: false } as const;
  for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    for (
      const make of [
        () => createHasher({ ...settings, shardSize: value }),
        () => createHasher(settings, { jobs: value }),
      ]
    ) {
      assert.throws(make, (error) => error instanceof ModelSigningError && error.code === "USAGE");
    }
  }
});

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = fs.mkdtempSync(join(tmpdir(), "hash-engine-"));
  try {
    await use(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function list(directory: string): Entry[] {
  return fs.readdirSync(directory).map((name) => {
    const path = join(directory, name);
    const { dev, ino, size, mtimeMs } = fs.lstatSync(path);
    return {
      kind: "file",
      path: name,
      size,
      location: { path, device: dev, inode: ino, modified: mtimeMs },
      open() {
        throw new Error("a file with a location is opened by that");
      },
    };
  });
}

async function hashAll(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  settings: Partial<HashSettings>,
  engine: EngineOptions,
  options: RunOptions = {},
): Promise<Hashed[]> {
  const all = { algorithm: "sha256", allowSymlinks: false, ...settings } as const;
  await using hasher = createHasher(all, engine);
  const results: Hashed[] = [];
  for await (const hashed of hasher.hash(from(entries), options)) results.push(hashed);
  return results;
}

async function* from<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}

function codes(results: readonly Hashed[]): readonly string[] {
  return results.map((result) => result.kind === "issue" ? result.issue.code : result.kind);
}

function sorted(results: readonly Hashed[]): readonly string[] {
  return results.map((result) => JSON.stringify(result)).sort();
}

/** How this runtime is told to run a program. */
function runtimeFlags(): readonly string[] {
  return "deno" in process.versions ? ["run", "--allow-all"] : [];
}
