import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { Logger } from "../../../../core/logger.ts";
import { serializeClientTrustConfig } from "../../../../plugins/sigstore/client_trust_config.ts";
import { cachePath, writeCache } from "../../../../plugins/sigstore/trust/cache.ts";
import type { BuiltInRepository } from "../../../../plugins/sigstore/trust/repository.ts";
import { newestOf, selectTrust } from "../../../../plugins/sigstore/trust/select.ts";
import {
  assertRefused,
  KEYS,
  LATER,
  newKeys,
  NOW,
  sha256,
  SIGNING_CONFIG,
  type Spec,
  type TestRepository,
  TRUSTED_ROOT,
  tufRepository,
} from "./repository.ts";

/** Version of the targets that counts as built in. */
const BUILT_IN = 5;

/** A repository whose trust is built in, with this root. */
function builtIn(root: Uint8Array, version: number | null = BUILT_IN): BuiltInRepository {
  return {
    id: "test",
    name: "the test's instance",
    url: "https://tuf.example.com",
    root,
    builtIn: {
      trustedRoot: JSON.parse(TRUSTED_ROOT),
      signingConfig: JSON.parse(SIGNING_CONFIG),
      date: new Date("2026-01-01"),
      ...(version === null ? {} : { version }),
    },
  };
}

/** The repository with newer targets than are built in. */
function newer(spec: Spec = {}): TestRepository {
  return tufRepository({ ...spec, versions: { targets: BUILT_IN + 1, ...spec.versions } });
}

/** Runs a test with a new folder. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trust-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fill(
  folder: string,
  { files }: TestRepository,
  version: number = BUILT_IN + 1,
  id: string = "test",
): Promise<void> {
  const cached = { url: "https://tuf.example.com", fetched: NOW, version, files };
  await writeCache(cachePath(folder, id), cached);
}

/** JSON whose objects are as `JSON.parse` makes them. */
function plain(json: unknown): unknown {
  return JSON.parse(JSON.stringify(json));
}

/** The trust that is found, and what was warned of. */
async function found(repository: BuiltInRepository, folder: string, now: Date = NOW) {
  const warnings: string[] = [];
  const logger: Logger = {
    log: (level, message) => level === "warn" && warnings.push(message),
  };
  const { origin } = await newestOf(repository, folder, now, { logger });
  return { origin, warnings };
}

test("newestOf() gives what is built in without a cache", async () => {
  await inFolder(async (folder) => {
    const { origin, warnings } = await found(builtIn(tufRepository().root), folder);
    assert.equal(origin.kind, "built-in");
    assert.equal(origin.version, BUILT_IN);
    assert.deepEqual([origin.notes, warnings], [[], []]);
    const none = await newestOf(builtIn(tufRepository().root), undefined, NOW, {});
    assert.equal(none.origin.kind, "built-in");
  });
});

test("newestOf() gives a cache that is newer and verifies, also after a rotation of the root", async () => {
  await inFolder(async (folder) => {
    const repository = newer({ rotations: [newKeys(), newKeys()] });
    await fill(folder, repository);
    const { origin, warnings } = await found(builtIn(repository.root), folder);
    assert.equal(origin.kind, "cache");
    assert.equal(origin.version, BUILT_IN + 1);
    assert.deepEqual(origin.fetched, NOW);
    assert.deepEqual([origin.notes, warnings], [[], []]);
  });
});

test("newestOf() dates a cache from its expiry when the repository tells the period", async () => {
  await inFolder(async (folder) => {
    const repository = newer({
      edit: (file, signed) => {
        if (file.endsWith("targets.json")) signed["x-tuf-on-ci-expiry-period"] = 365;
      },
    });
    await fill(folder, repository);
    const { origin } = await found(builtIn(repository.root), folder);
    assert.deepEqual(origin.date, new Date("2029-01-01T00:00:00Z"));
  });
});

test("newestOf() ignores a cache that is as old or older, without a word", async () => {
  for (const version of [BUILT_IN, BUILT_IN - 1]) {
    await inFolder(async (folder) => {
      const repository = tufRepository({ versions: { targets: version } });
      // Whatever the cache says of itself.
      for (const claimed of [version, BUILT_IN + 1]) {
        await fill(folder, repository, claimed);
        const { origin, warnings } = await found(builtIn(repository.root), folder);
        assert.equal(origin.kind, "built-in");
        assert.deepEqual([origin.notes, warnings], [[], []]);
      }
    });
  }
});

test("newestOf() goes by the date when no version of the built-in trust is known", async () => {
  const cases = [["2029-12-31", "built-in"], ["2020-01-01", "cache"]] as const;
  for (const [date, kind] of cases) {
    await inFolder(async (folder) => {
      const repository = tufRepository({
        edit: (file, signed) => {
          if (file.endsWith("targets.json")) signed["x-tuf-on-ci-expiry-period"] = 365;
        },
      });
      await fill(folder, repository);
      const known = builtIn(repository.root, null);
      const undated = { ...known.builtIn, date: new Date(date) };
      const { origin } = await found({ ...known, builtIn: undated }, folder);
      assert.equal(origin.kind, kind);
    });
  }
});

test("newestOf() ignores the cache of another repository, with a warning and a note", async () => {
  await inFolder(async (folder) => {
    await fill(folder, newer({ keys: newKeys() }));
    const { origin, warnings } = await found(builtIn(tufRepository().root), folder);
    assert.equal(origin.kind, "built-in");
    assert.deepEqual([origin.notes.length, warnings.length], [1, 1]);
  });
});

test("newestOf() ignores a cache with any file changed, missing or garbage", async () => {
  const repository = newer();
  const bad: ((text: string) => string | undefined)[] = [
    () => undefined,
    () => "garbage",
    (text) => text.replace(/[0-9]/, (digit) => String((Number(digit) + 1) % 10)),
  ];
  for (const file of repository.files.keys()) {
    if (file === "1.root.json") continue;
    for (const change of bad) {
      const files = new Map(repository.files);
      const text = change(files.get(file)!.toString());
      if (text === undefined) files.delete(file);
      else files.set(file, Buffer.from(text));
      await inFolder(async (folder) => {
        await fill(folder, { ...repository, files });
        const { origin, warnings } = await found(builtIn(repository.root), folder);
        assert.equal(origin.kind, "built-in", file);
        assert.deepEqual([origin.notes.length, warnings.length], [1, 1], file);
      });
    }
  }
});

test("newestOf() ignores a cache file that is garbage, a folder, or holds a trust that cannot be read", async () => {
  const repository = newer();
  const makers: ((path: string, folder: string) => Promise<unknown>)[] = [
    (path) => writeFile(path, "garbage"),
    (path) => mkdir(path),
    (_path, folder) => fill(folder, newer({ targets: { "trusted_root.json": "{}" } })),
  ];
  for (const make of makers) {
    await inFolder(async (folder) => {
      const path = cachePath(folder, "test");
      await mkdir(dirname(path), { recursive: true });
      await make(path, folder);
      const { origin, warnings } = await found(builtIn(repository.root), folder);
      assert.equal(origin.kind, "built-in");
      assert.deepEqual([origin.notes.length, warnings.length], [1, 1]);
    });
  }
});

test("newestOf() uses an expired cache and notes it", async () => {
  await inFolder(async (folder) => {
    const repository = newer({ expires: { timestamp: "2026-05-20T00:00:00Z" } });
    await fill(folder, repository);
    const { origin, warnings } = await found(builtIn(repository.root), folder);
    assert.equal(origin.kind, "cache");
    assert.match(origin.notes.join(), /timestamp expired on 2026-05-20/);
    assert.deepEqual(warnings, []);
    const later = await found(builtIn(repository.root), folder, LATER);
    assert.match(later.origin.notes.join(), /root expired on 2030-01-01/);
  });
});

test("selectTrust() gives the production instance, and the staging instance when asked", async () => {
  await inFolder(async (cacheFolder) => {
    const production = await selectTrust({ cacheFolder });
    const staging = await selectTrust({ cacheFolder, useStaging: true });
    assert.equal(production.origin.version, 14);
    assert.equal(production.root.certificateAuthorities[0]?.uri, "https://fulcio.sigstore.dev");
    assert.equal(staging.root.certificateAuthorities[0]?.uri, "https://fulcio.sigstage.dev");
    for (const { root, origin, signingConfig } of [production, staging]) {
      assert.equal(origin.kind, "built-in");
      assert.deepEqual(root.refused, []);
      assert.ok(signingConfig);
    }
  });
});

test("selectTrust() ignores caches of Sigstore's instances that others have signed", async () => {
  await inFolder(async (cacheFolder) => {
    const repository = tufRepository({ versions: { targets: 100 } });
    await fill(cacheFolder, repository, 100, "production");
    await fill(cacheFolder, repository, 100, "staging");
    for (const useStaging of [true, false]) {
      const { origin } = await selectTrust({ cacheFolder, useStaging });
      assert.equal(origin.kind, "built-in");
      assert.equal(origin.notes.length, 1);
    }
  });
});

test("selectTrust() reads a trusted root file, and a client trust config file", async () => {
  await inFolder(async (folder) => {
    const trustRoot = join(folder, "root.json");
    await writeFile(trustRoot, TRUSTED_ROOT);
    await utimes(trustRoot, NOW, NOW);
    const root = await selectTrust({ trustRoot });
    assert.deepEqual(root.origin, { kind: "file", name: trustRoot, date: NOW, notes: [] });
    assert.equal(root.signingConfig, undefined);
    assert.deepEqual(plain(root.message), JSON.parse(TRUSTED_ROOT));

    const trustConfig = join(folder, "config.json");
    const messages = {
      trustedRoot: JSON.parse(TRUSTED_ROOT),
      signingConfig: JSON.parse(SIGNING_CONFIG),
    };
    await writeFile(trustConfig, serializeClientTrustConfig(messages));
    const config = await selectTrust({ trustConfig });
    assert.equal(config.root.transparencyLogs.length, root.root.transparencyLogs.length);
    assert.deepEqual(plain(config.signingConfig), messages.signingConfig);

    // Each in the other's place.
    await assertRefused(selectTrust({ trustRoot: trustConfig }), "TRUST_MALFORMED");
    await assertRefused(selectTrust({ trustConfig: trustRoot }), "TRUST_MALFORMED");
  });
});

test("selectTrust() notes what in a file cannot be used", async () => {
  await inFolder(async (folder) => {
    const trustRoot = join(folder, "root.json");
    const json = JSON.parse(TRUSTED_ROOT);
    delete json.tlogs[0].publicKey.validFor;
    await writeFile(trustRoot, JSON.stringify(json));
    const { origin, root } = await selectTrust({ trustRoot });
    assert.equal(origin.notes.length, 1);
    assert.equal(root.transparencyLogs.length, json.tlogs.length - 1);
  });
});

test("selectTrust() refuses files that are missing, garbage or too large", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "file.json");
    for (const choice of [{ trustRoot: path }, { trustConfig: path }]) {
      await rm(path, { force: true });
      await assertRefused(selectTrust(choice), "FILE_UNREADABLE");
      await writeFile(path, "garbage");
      await assertRefused(selectTrust(choice), "TRUST_MALFORMED");
      await writeFile(path, " ".repeat(5 * 1024 * 1024));
      await assertRefused(selectTrust(choice), "FILE_UNREADABLE");
    }
  });
});

test("selectTrust() refuses two things to trust", async () => {
  const choices = [
    { useStaging: true, trustRoot: "a" },
    { useStaging: true, trustConfig: "a" },
    { useStaging: true, tufRoot: "a" },
    { trustConfig: "a", trustRoot: "b" },
    { trustConfig: "a", tufRoot: "b" },
  ];
  for (const choice of choices) await assertRefused(selectTrust(choice), "USAGE");
});

test("selectTrust() gives a repository that is trusted by its root once it was fetched", async () => {
  await inFolder(async (cacheFolder) => {
    const repository = tufRepository({ keys: KEYS });
    const tufRoot = join(cacheFolder, "root.json");
    await writeFile(tufRoot, repository.root);
    await assertRefused(selectTrust({ tufRoot, cacheFolder, now: NOW }), "TRUST_UNAVAILABLE");
    const id = sha256(repository.root);
    await fill(cacheFolder, repository, 1, id);
    const { origin } = await selectTrust({ tufRoot, cacheFolder, now: NOW });
    assert.equal(origin.kind, "cache");
    // There is nothing else to fall back on.
    await fill(cacheFolder, tufRepository({ keys: newKeys() }), 1, id);
    await assertRefused(selectTrust({ tufRoot, cacheFolder, now: NOW }));
  });
});
