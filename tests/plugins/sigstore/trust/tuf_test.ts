import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tufRefresh } from "../../../../plugins/sigstore/trust/tuf.ts";
import { parseMetadata, requireSigned } from "../../../../plugins/sigstore/trust/tuf_metadata.ts";
import { olpcJson } from "../../../sigstore/canonical_json.ts";
import { type KeyKind, newKey } from "../../../sigstore/keys.ts";
import {
  assertRefused,
  type Draft,
  KEYS,
  type Keys,
  LATER,
  loaderOf,
  newKeys,
  type Role,
  signatures,
  type Spec,
  tufRepository,
  UPDATE,
} from "./repository.ts";

const OFFLINE = { ...UPDATE, enforceExpiry: false };

/** Refreshes a repository from its first root. */
async function refresh(spec: Spec, rules = UPDATE) {
  const { root, load } = tufRepository(spec);
  return await tufRefresh(root, load, rules);
}

/** Changes one file's signed part. */
function edit(file: string, change: (signed: Draft) => void): Spec {
  return { edit: (name, signed) => name === file && change(signed) };
}

/** Changes one file after it was signed. */
function tamper(file: string, change: (metadata: Draft) => void): Spec {
  return { tamper: (name, metadata) => name === file && change(metadata) };
}

/** Refreshes a repository whose files were changed. */
async function refreshChanged(
  change: (files: Map<string, Buffer>) => void,
  spec: Spec = {},
): Promise<unknown> {
  const { root, files, load } = tufRepository(spec);
  change(files);
  return await tufRefresh(root, load, UPDATE);
}

test("tufRefresh() gives the targets of a repository that verifies", async () => {
  const state = await refresh({ targets: { "trusted_root.json": "root", "other": "other" } });
  assert.deepEqual([...state.wanted.keys()], ["trusted_root.json"]);
  assert.equal(Buffer.from(state.wanted.get("trusted_root.json")!).toString(), "root");
});

for (const kind of ["P-256", "P-384", "Ed25519"] as const) {
  test(`tufRefresh() accepts signatures of ${kind} keys`, async () => {
    const own = (type: KeyKind) => [newKey(type)];
    const keys: Keys = {
      root: own(kind),
      timestamp: own(kind),
      snapshot: own(kind),
      targets: own(kind),
    };
    assert.equal((await refresh({ keys })).targets.version, 1);
    await assertRefused(
      refresh({
        keys,
        tamper: (file, { signed }) => file === "1.targets.json" && signed.version++,
      }),
    );
  });
}

test("requireSigned() accepts RSA-PSS signatures with the longest salt", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const role = { keyids: ["a"], threshold: 1 };
  const signed = {
    _type: "root",
    spec_version: "1.0",
    version: 1,
    expires: "2030-01-01T00:00:00Z",
    consistent_snapshot: true,
    keys: {
      a: {
        keytype: "rsa",
        scheme: "rsassa-pss-sha256",
        keyval: { public: publicKey.export({ type: "spki", format: "pem" }) },
      },
    },
    roles: { root: role, timestamp: role, snapshot: role, targets: role },
  };
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_MAX_SIGN: saltLength } = constants;
  const sig = sign("sha256", Buffer.from(olpcJson(signed)), {
    key: privateKey,
    padding,
    saltLength,
  });
  const signatures = [{ keyid: "a", sig: sig.toString("hex") }];
  const bytes = Buffer.from(JSON.stringify({ signed, signatures }));
  const root = await parseMetadata("root", bytes, "root.json");
  requireSigned(root, root);
});

for (const instance of ["production", "staging"]) {
  test(`requireSigned() accepts Sigstore's own root of ${instance}, which ECDSA keys signed`, async () => {
    const url = new URL(
      `../../../../plugins/sigstore/data/${instance}.root.json`,
      import.meta.url,
    );
    const text = readFileSync(fileURLToPath(url), "utf8");
    const root = await parseMetadata("root", Buffer.from(text), "root.json");
    requireSigned(root, root);
    const other = await parseMetadata("root", Buffer.from(text.replace("true", "false")), "x.json");
    assert.throws(() => requireSigned(root, other), { code: "TRUST_REFUSED" });
  });
}

test("tufRefresh() follows a chain of roots", async () => {
  const rotations = [newKeys(), newKeys(), newKeys()];
  const state = await refresh({ rotations });
  assert.equal(state.root.version, 4);
  assert.ok(["2", "3", "4"].every((version) => state.files.has(`${version}.root.json`)));
});

test("tufRefresh() accepts a repository without consistent snapshots", async () => {
  assert.equal((await refresh({ consistent: false })).targets.version, 1);
});

test("tufRefresh() accepts metadata that is listed with its version alone", async () => {
  const state = await refresh({
    edit: (_file, { meta }) => {
      for (const listed of Object.values<Draft>(meta ?? {})) {
        delete listed.length;
        delete listed.hashes;
      }
    },
  });
  assert.equal(state.targets.version, 1);
});

test("tufRefresh() gives the files that it takes to do the same again", async () => {
  const repository = tufRepository({ rotations: [newKeys()] });
  const first = await tufRefresh(repository.root, repository.load, UPDATE);
  const second = await tufRefresh(repository.root, loaderOf(first.files), UPDATE);
  assert.deepEqual([...second.files.keys()].sort(), [...first.files.keys()].sort());
});

for (const file of ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]) {
  const role = file.replace(/^1\.|\.json$/g, "");

  test(`tufRefresh() refuses a ${role} that was changed after signing`, async () => {
    await assertRefused(refresh(tamper(file, ({ signed }) => signed.added = "member")));
  });

  test(`tufRefresh() refuses a ${role} that a stranger signed`, async () => {
    const change = (metadata: Draft) =>
      metadata.signatures = signatures(metadata.signed, [newKey("P-256"), newKey("P-256")]);
    await assertRefused(refresh(tamper(file, change)));
  });

  test(`tufRefresh() refuses a ${role} without a signature`, async () => {
    await assertRefused(refresh(tamper(file, (metadata) => metadata.signatures = [])));
  });

  test(`tufRefresh() refuses a ${role} with two signatures of one key`, async () => {
    const twice = (metadata: Draft) => {
      metadata.signatures = [metadata.signatures[0], metadata.signatures[0]];
    };
    await assertRefused(refresh(tamper(file, twice)));
  });

  test(`tufRefresh() refuses a ${role} that calls itself something else`, async () => {
    const other = role === "targets" ? "snapshot" : "targets";
    await assertRefused(refresh(edit(file, (signed) => signed._type = other)));
  });

  test(`tufRefresh() refuses an expired ${role} when expiry is enforced`, async () => {
    await assertRefused(refresh({ expires: { [role]: "2026-05-31T23:59:59Z" } }));
  });

  test(`tufRefresh() reports an expired ${role} when expiry is not enforced`, async () => {
    const state = await refresh({ expires: { [role]: "2026-05-31T23:59:59Z" } }, OFFLINE);
    assert.deepEqual(state.expired.map((metadata) => metadata.role), [role]);
  });

  test(`tufRefresh() refuses a ${role} whose expiry is no time`, async () => {
    await assertRefused(refresh({ expires: { [role]: "next summer" } }));
    await assertRefused(refresh({ expires: { [role]: "Fri, 01 Jan 2100 00:00:00 GMT" } }));
  });

  test(`tufRefresh() refuses a ${role} that is garbage`, async () => {
    for (const text of ["", "garbage", "[]", "null", "{}", '{"signed": {}, "signatures": []}']) {
      const { root, files, load } = tufRepository();
      files.set(file, Buffer.from(text));
      await assertRefused(
        tufRefresh(file === "1.root.json" ? Buffer.from(text) : root, load, UPDATE),
      );
    }
  });

  test(`parseMetadata() refuses a ${role} with a member twice, or too many values`, async () => {
    const { files } = tufRepository();
    const text = files.get(file)!.toString();
    const many = JSON.stringify({ ...JSON.parse(text), more: Array(10_000).fill(0) });
    for (const bad of [text.replace("{", '{"signatures": [],'), many]) {
      await assertRefused(parseMetadata(role as Role, Buffer.from(bad), file));
    }
  });

  test(`tufRefresh() refuses a ${role} of a specification that it does not know`, async () => {
    await assertRefused(refresh(edit(file, (signed) => signed.spec_version = "2.0.0")));
  });

  test(`tufRefresh() refuses a ${role} with an absurd version`, async () => {
    for (const version of [0, -1, 1.5, "1", null, 2 ** 60]) {
      await assertRefused(refresh(edit(file, (signed) => signed.version = version)));
    }
  });
}

test("tufRefresh() refuses members that are missing, though the library has defaults", async () => {
  // Its default for a missing list of a timestamp is version 1 of the snapshot: what was signed here says so too.
  const { root, files } = tufRepository();
  const part = { _type: "timestamp", spec_version: "1.0.31", version: 1 };
  const signed = { ...part, expires: "2030-01-01T00:00:00Z" };
  const full = { ...signed, meta: { "snapshot.json": { version: 1 } } };
  const bytes = JSON.stringify({ signed, signatures: signatures(full, KEYS.timestamp) });
  files.set("timestamp.json", Buffer.from(bytes));
  await assertRefused(tufRefresh(root, loaderOf(files), UPDATE));
});

test("tufRefresh() refuses a role with fewer signatures than its threshold", async () => {
  const change = (metadata: Draft) => metadata.signatures.pop();
  await assertRefused(refresh(tamper("1.root.json", change)));
});

test("tufRefresh() refuses a root that the one before has not signed", async () => {
  const spec: Spec = { rotations: [newKeys()] };
  await refresh(spec);
  const unsigned = (metadata: Draft) => {
    const before = signatures(metadata.signed, KEYS.root).map(({ keyid }: Draft) => keyid);
    metadata.signatures = metadata.signatures.filter(({ keyid }: Draft) => !before.includes(keyid));
  };
  await assertRefused(refresh({ ...spec, ...tamper("2.root.json", unsigned) }));
});

test("tufRefresh() refuses a root that it has not signed itself", async () => {
  const rotations = [newKeys()];
  const own = signatures({}, rotations[0]!.root).map(({ keyid }: Draft) => keyid);
  const unsigned = (metadata: Draft) => {
    metadata.signatures = metadata.signatures.filter(({ keyid }: Draft) => !own.includes(keyid));
  };
  await assertRefused(refresh({ rotations, ...tamper("2.root.json", unsigned) }));
});

test("tufRefresh() refuses a root of another version than its place has", async () => {
  for (const version of [1, 3, 1000]) {
    const change = edit("2.root.json", (signed) => signed.version = version);
    await assertRefused(refresh({ rotations: [newKeys()], ...change }));
  }
});

test("tufRefresh() accepts an expired root on the way to one that is not", async () => {
  const change = edit("2.root.json", (signed) => signed.expires = "2020-01-01T00:00:00Z");
  const state = await refresh({ rotations: [newKeys(), newKeys()], ...change });
  assert.equal(state.root.version, 3);
});

test("tufRefresh() refuses an endless chain of roots", async () => {
  assert.equal((await refresh({ rotations: Array(256).fill(KEYS) })).root.version, 257);
  await assertRefused(refresh({ rotations: Array(257).fill(KEYS) }));
});

test("tufRefresh() refuses metadata of another version than is listed", async () => {
  for (const file of ["1.snapshot.json", "1.targets.json"]) {
    await assertRefused(refresh(edit(file, (signed) => signed.version = 2)));
  }
});

test("tufRefresh() refuses metadata of another length or digest than is listed", async () => {
  for (const file of ["1.snapshot.json", "1.targets.json"]) {
    const spaced = (files: Map<string, Buffer>) =>
      files.set(file, Buffer.concat([files.get(file)!, Buffer.from("\n")]));
    await assertRefused(refreshChanged(spaced));
    // The space at the start of the second line becomes a tab: of the same length, and signed alike.
    const retyped = (files: Map<string, Buffer>) =>
      files.set(file, Buffer.from(files.get(file)!.toString().replace("\n ", "\n\t")));
    await assertRefused(refreshChanged(retyped));
  }
});

test("tufRefresh() refuses a target of another length or digest than is listed", async () => {
  for (const change of [(text: string) => `${text}\n`, (text: string) => text.replace("{", "[")]) {
    await assertRefused(refreshChanged((files) => {
      const name = [...files.keys()].find((file) => file.endsWith(".trusted_root.json"))!;
      files.set(name, Buffer.from(change(files.get(name)!.toString())));
    }));
  }
});

test("tufRefresh() refuses a target without a digest of SHA-256 or SHA-512", async () => {
  for (const hashes of [{}, { md5: "0".repeat(32) }, { sha256: "../../x" }, { sha256: "AB" }]) {
    const change = edit("1.targets.json", ({ targets }) => {
      targets["trusted_root.json"].hashes = hashes;
    });
    await assertRefused(refresh(change));
  }
});

test("tufRefresh() refuses a repository without the first target that is wanted", async () => {
  await assertRefused(refresh({ targets: { other: "" } }));
});

test("tufRefresh() refuses a repository that lacks a file", async () => {
  for (const [file] of tufRepository().files) {
    if (file === "1.root.json") continue;
    await assertRefused(refreshChanged((files) => files.delete(file)));
  }
});

test("tufRefresh() refuses files that are larger than their limit", async () => {
  const padding = " ".repeat(5 * 1024 * 1024);
  for (const file of ["2.root.json", "timestamp.json"]) {
    const change = (files: Map<string, Buffer>) =>
      files.set(file, Buffer.concat([files.get(file)!, Buffer.from(padding)]));
    await assertRefused(refreshChanged(change, { rotations: [newKeys()] }));
  }
  await assertRefused(refresh({ targets: { "trusted_root.json": padding } }));
});

test("tufRefresh() names the limit when it asks for a file", async () => {
  const { root, load } = tufRepository();
  const asked = new Map<string, number>();
  await tufRefresh(root, (file, maxBytes) => {
    asked.set(file, maxBytes);
    return load(file, maxBytes);
  }, UPDATE);
  for (const [file, maxBytes] of asked) assert.ok(maxBytes <= 1024 * 1024, `${file} ${maxBytes}`);
});

/** Refreshes a repository that was in another state before. */
async function refreshAfter(before: Spec, now: Spec) {
  const previous = await refresh(before);
  return await refresh(now, { ...UPDATE, previous });
}

test("tufRefresh() accepts newer versions than before", async () => {
  const versions = { timestamp: 3, snapshot: 3, targets: 3 };
  const state = await refreshAfter({ versions: { timestamp: 2, snapshot: 2, targets: 2 } }, {
    versions,
  });
  assert.equal(state.targets.version, 3);
});

for (const role of ["timestamp", "snapshot", "targets"] as const) {
  test(`tufRefresh() refuses an older ${role} than before`, async () => {
    const versions = { timestamp: 5, snapshot: 5, targets: 5 };
    // The others do not go back.
    const now = { timestamp: 6, snapshot: 6, targets: 6, [role]: 4 };
    await assertRefused(refreshAfter({ versions }, { versions: now }));
  });
}

test("tufRefresh() refuses a snapshot that no longer lists what it listed", async () => {
  const extra = edit("1.snapshot.json", ({ meta }) => meta["delegated.json"] = { version: 1 });
  await assertRefused(
    refreshAfter(extra, { versions: { timestamp: 2, snapshot: 2 } }),
  );
});

test("tufRefresh() keeps the timestamp that it has when there is no newer one", async () => {
  const { root, files, load } = tufRepository();
  const previous = await tufRefresh(root, load, UPDATE);
  const { signed } = JSON.parse(files.get("timestamp.json")!.toString());
  signed.expires = "2040-01-01T00:00:00Z";
  const other = JSON.stringify({ signed, signatures: signatures(signed, KEYS.timestamp) });
  files.set("timestamp.json", Buffer.from(other));
  const state = await tufRefresh(root, load, { ...UPDATE, previous });
  assert.equal(state.timestamp.expires.toISOString(), "2030-01-01T00:00:00.000Z");
  assert.notEqual(Buffer.from(state.files.get("timestamp.json")!).toString(), other);
});

test("tufRefresh() accepts lower versions once the keys were replaced that signed higher ones", async () => {
  const rotations: readonly Keys[] = [{
    ...KEYS,
    timestamp: [newKey("P-256")],
    snapshot: [newKey("P-256")],
  }];
  const high = { timestamp: 1_000_000, snapshot: 1_000_000, targets: 1_000_000 };
  const state = await refreshAfter({ versions: high }, { rotations });
  assert.equal(state.timestamp.version, 1);
});

test("tufRefresh() counts a day after every expiry as expired", async () => {
  const state = await refresh({}, { ...OFFLINE, now: LATER });
  assert.equal(state.expired.length, 4);
});
