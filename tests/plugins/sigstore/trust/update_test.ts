import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { cachePath } from "../../../../plugins/sigstore/trust/cache.ts";
import type { Repository } from "../../../../plugins/sigstore/trust/repository.ts";
import { updateCache } from "../../../../plugins/sigstore/trust/update.ts";
import {
  assertRefused,
  KEYS,
  LATER,
  newKeys,
  NOW,
  SIGNING_CONFIG,
  type Spec,
  type TestRepository,
  TRUSTED_ROOT,
  tufRepository,
} from "./repository.ts";

/** How the server answers instead of with the file. */
type Fault = { readonly status: number; readonly body: string };

/** A repository behind HTTP, and a cache folder. */
class Bench implements AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  /** What it serves, which may change. */
  served: TestRepository;
  readonly faults: Map<string, Fault> = new Map();
  readonly asked: string[] = [];
  /** What happens before a file is answered. */
  hold: (file: string) => Promise<void> = () => Promise.resolve();
  readonly #close: () => Promise<void>;

  constructor(folder: string, url: string, served: TestRepository, close: () => Promise<void>) {
    this.folder = folder;
    this.url = url;
    this.served = served;
    this.#close = close;
  }

  async update(more: Partial<Repository> = {}, now: Date = NOW) {
    const repository = { id: "test", name: "a test", root: this.served.root, ...more };
    return await updateCache(repository, { url: this.url, cacheFolder: this.folder, now });
  }

  /** The cache file's text. */
  async cached(): Promise<string> {
    return await readFile(cachePath(this.folder, "test"), "utf8");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function bench(spec: Spec = {}): Promise<Bench> {
  const server = createServer(async (request, response) => {
    const file = request.url!.slice("/tuf/".length);
    self.asked.push(file);
    const fault = self.faults.get(file);
    const body = fault?.body ?? self.served.files.get(file);
    await self.hold(file);
    response.statusCode = fault?.status ?? (body === undefined ? 404 : 200);
    response.end(body ?? "nothing here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), "trust-update-"));
  const url = `http://127.0.0.1:${port}/tuf/`;
  const self: Bench = new Bench(folder, url, tufRepository(spec), async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return self;
}

const OLD: Spec = { versions: { timestamp: 5, snapshot: 5, targets: 5 } };
const NEW: Spec = { versions: { timestamp: 6, snapshot: 6, targets: 6 } };

test("updateCache() fetches a repository and says which versions there were", async () => {
  await using b = await bench(OLD);
  const first = await b.update();
  assert.equal(first.before, undefined);
  assert.equal(first.after.targets.version, 5);
  b.served = tufRepository(NEW);
  const second = await b.update();
  assert.equal(second.before?.targets.version, 5);
  assert.equal(second.after.targets.version, 6);
  assert.equal(JSON.parse(await b.cached()).version, 6);
});

test("updateCache() takes up the chain of roots where the cache has it", async () => {
  await using b = await bench({ ...OLD, rotations: [newKeys(), newKeys()] });
  await b.update();
  b.asked.length = 0;
  await b.update();
  assert.deepEqual(b.asked.filter((file) => file.endsWith("root.json") && !file.includes("/")), [
    "4.root.json",
  ]);
});

test("updateCache() takes 403 for a root that does not exist, as object stores answer", async () => {
  await using b = await bench(OLD);
  b.faults.set("2.root.json", { status: 403, body: "<xml/>" });
  assert.equal((await b.update()).after.root.version, 1);
});

test("updateCache() replaces a cache that cannot be used", async () => {
  await using b = await bench(OLD);
  const { path } = await b.update();
  for (const text of ["garbage", JSON.stringify({ ...JSON.parse(await b.cached()), files: {} })]) {
    await writeFile(path, text);
    assert.equal((await b.update()).before, undefined);
    assert.equal(JSON.parse(await b.cached()).version, 5);
  }
});

/** Updates a cache that has {@link OLD} and expects it to stay as it was. */
async function assertStays(
  change: (b: Bench) => void,
  code: string,
  { more, now }: { readonly more?: Partial<Repository>; readonly now?: Date } = {},
): Promise<void> {
  await using b = await bench(OLD);
  await b.update();
  const before = await b.cached();
  b.served = tufRepository(NEW);
  change(b);
  await assertRefused(b.update(more, now), code);
  assert.equal(await b.cached(), before);
  assert.deepEqual(await readdir(dirname(cachePath(b.folder, "test"))), ["test.json"]);
}

for (const file of ["timestamp.json", "6.snapshot.json", "6.targets.json"]) {
  test(`updateCache() leaves the cache as it was when ${file} cannot be had`, async () => {
    await assertStays((b) => b.faults.set(file, { status: 404, body: "" }), "NETWORK_STATUS");
    await assertStays((b) => b.faults.set(file, { status: 200, body: "garbage" }), "TRUST_REFUSED");
    const body = " ".repeat(6 * 1024 * 1024);
    await assertStays((b) => b.faults.set(file, { status: 200, body }), "NETWORK_RESPONSE");
  });
}

test("updateCache() leaves the cache as it was when a root cannot be had", async () => {
  const body = " ".repeat(6 * 1024 * 1024);
  const large = { status: 200, body };
  await assertStays((b) => b.faults.set("2.root.json", large), "NETWORK_RESPONSE");
  await assertStays(
    (b) => b.faults.set("2.root.json", { status: 200, body: "{}" }),
    "TRUST_REFUSED",
  );
  await assertStays(
    (b) => b.faults.set("2.root.json", { status: 401, body: "" }),
    "NETWORK_STATUS",
  );
});

test("updateCache() leaves the cache as it was when the last file is missing", async () => {
  await assertStays((b) => {
    for (const file of b.served.files.keys()) {
      if (file.startsWith("targets/")) b.faults.set(file, { status: 404, body: "" });
    }
  }, "NETWORK_STATUS");
});

test("updateCache() leaves the cache as it was when nobody answers", async () => {
  await using b = await bench(OLD);
  await b.update();
  const before = await b.cached();
  const closed = { id: "test", name: "a test", root: b.served.root };
  await assertRefused(
    updateCache(closed, { url: "http://127.0.0.1:1", cacheFolder: b.folder, now: NOW }),
    "NETWORK_UNREACHABLE",
  );
  assert.equal(await b.cached(), before);
});

test("updateCache() refuses older versions than the cache has", async () => {
  const older = tufRepository({ versions: { timestamp: 4, snapshot: 4, targets: 4 } });
  await assertStays((b) => b.served = older, "TRUST_REFUSED");
});

test("updateCache() goes back to lower versions once the keys were replaced that signed higher ones", async () => {
  const high = { timestamp: 1_000_000, snapshot: 1_000_000, targets: 1_000_000 };
  await using b = await bench({ versions: high });
  await b.update();
  const { timestamp, snapshot } = newKeys();
  b.served = tufRepository({ ...NEW, rotations: [{ ...KEYS, timestamp, snapshot }] });
  const { after } = await b.update();
  assert.equal(after.timestamp.version, 6);
  assert.equal(JSON.parse(await b.cached()).version, 6);
});

test("updateCache() refuses a repository of others", async () => {
  const { files } = tufRepository({ ...NEW, keys: newKeys() });
  await assertStays((b) => b.served = { ...b.served, files }, "TRUST_REFUSED");
});

test("updateCache() refuses expired metadata", async () => {
  await assertStays(() => {}, "TRUST_REFUSED", { now: LATER });
});

test("updateCache() refuses a trusted root that nobody could use", async () => {
  const unusable = tufRepository({ ...NEW, targets: { "trusted_root.json": "{}" } });
  await assertStays((b) => b.served = unusable, "TRUST_MALFORMED");
});

test("updateCache() refuses targets that are older than what is built in", async () => {
  const builtIn = {
    trustedRoot: JSON.parse(TRUSTED_ROOT),
    signingConfig: JSON.parse(SIGNING_CONFIG),
    date: new Date("2026-01-01"),
  };
  await using b = await bench(OLD);
  await assertRefused(b.update({ builtIn: { ...builtIn, version: 6 } }));
  await assert.rejects(b.cached());
  await b.update({ builtIn: { ...builtIn, version: 5 } });
});

test("updateCache() says so when the cache cannot be written", async () => {
  await using b = await bench(OLD);
  await writeFile(join(b.folder, "sigstore"), "a file in the folder's place");
  await assertRefused(b.update(), "FILE_UNWRITABLE");
});

test("updateCache() refuses addresses that are no service's", async () => {
  await using b = await bench(OLD);
  const repository = { id: "test", name: "a test", root: b.served.root };
  for (const url of ["nonsense", "http://tuf.example.com", "file:///etc", "https://me:pw@host/"]) {
    const promise = updateCache(repository, { url, cacheFolder: b.folder, now: NOW });
    await assertRefused(promise, "USAGE");
  }
});

test("updateCache() ends when it is aborted, and leaves the cache as it was", async () => {
  await using b = await bench(OLD);
  const repository = { id: "test", name: "a test", root: b.served.root };
  const signal = AbortSignal.abort();
  const promise = updateCache(repository, { url: b.url, cacheFolder: b.folder, now: NOW, signal });
  await assertRefused(promise, "ABORTED");
  await assert.rejects(b.cached());
});

test("updateCache() beside itself leaves one whole state, the newest", async () => {
  await using b = await bench(OLD);
  const runs = Array.from({ length: 8 }, (_, index) => {
    if (index === 4) b.served = tufRepository(NEW);
    // One that meets a mix of both states fails, and that is all.
    return b.update().then(() => "done", () => "failed");
  });
  assert.ok((await Promise.all(runs)).includes("done"));
  const { after } = await b.update();
  assert.equal(after.targets.version, 6);
  assert.equal(JSON.parse(await b.cached()).version, 6);
  assert.deepEqual(await readdir(dirname(cachePath(b.folder, "test"))), ["test.json"]);
});

test("updateCache() does not put an older state in the place of a newer one that came meanwhile", async () => {
  await using b = await bench(OLD);
  const { served } = b;
  // While the last file is on its way another update finishes.
  const last = [...served.files.keys()].find((file) => file.includes("signing_config"))!;
  let other: Promise<unknown> | undefined;
  b.hold = async (file) => {
    if (file !== last || other) return;
    b.served = tufRepository(NEW);
    other = b.update();
    await other;
    b.served = served;
  };
  await b.update();
  assert.equal(JSON.parse(await b.cached()).version, 6);
});
