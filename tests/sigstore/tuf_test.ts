import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Metadata, MetadataKind, type Root } from "@tufjs/models";
import type { Loose } from "../support/bundles.ts";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";
import { sha256 } from "./_client.ts";

type Role = "root" | "timestamp" | "snapshot" | "targets";

const KINDS = {
  root: MetadataKind.Root,
  timestamp: MetadataKind.Timestamp,
  snapshot: MetadataKind.Snapshot,
  targets: MetadataKind.Targets,
} as const;

async function get({ tuf }: Sigstore, path: string): Promise<string> {
  const response = await fetch(`${tuf}/${path}`);
  assert.equal(response.status, 200, path);
  return await response.text();
}

/** Metadata of one role, with whether `root` vouches for it. */
async function role(
  sigstore: Sigstore,
  root: Metadata<Root>,
  path: string,
  name: Role,
): Promise<{ readonly signed: Loose; readonly vouched: boolean }> {
  const json = JSON.parse(await get(sigstore, path));
  const metadata = Metadata.fromJSON(KINDS[name] as MetadataKind.Root, json);
  return { signed: json.signed, vouched: holds(root, name, metadata) };
}

function holds(root: Metadata<Root>, name: Role, metadata: Metadata<Root>): boolean {
  try {
    root.verifyDelegate(name, metadata);
    return true;
  } catch {
    return false;
  }
}

function rootOf(text: string): Metadata<Root> {
  return Metadata.fromJSON(MetadataKind.Root, JSON.parse(text));
}

function isExpired({ signed }: { readonly signed: Loose }): boolean {
  return Date.parse(signed.expires) < Date.now();
}

test("the repository leads from the first root to the trusted root", async () => {
  await using sigstore = await startSigstore();
  const text = readFileSync(sigstore.tufRoot, "utf8");
  assert.equal(text, await get(sigstore, "1.root.json"));
  const root = rootOf(text);
  assert.ok(holds(root, "root", root));
  const timestamp = await role(sigstore, root, "timestamp.json", "timestamp");
  const { version, length, hashes } = timestamp.signed.meta["snapshot.json"];
  const path = `${version}.snapshot.json`;
  const bytes = await get(sigstore, path);
  assert.equal(bytes.length, length);
  assert.equal(sha256(bytes).toString("hex"), hashes.sha256);
  const snapshot = await role(sigstore, root, path, "snapshot");
  const newest = snapshot.signed.meta["targets.json"].version;
  const targets = await role(sigstore, root, `${newest}.targets.json`, "targets");
  assert.ok(timestamp.vouched && snapshot.vouched && targets.vouched);
  for (
    const [name, file] of [
      ["trusted_root.json", sigstore.trustedRoot],
      ["signing_config.v0.2.json", sigstore.signingConfig],
    ] as const
  ) {
    const digest = targets.signed.targets[name].hashes.sha256;
    const target = await get(sigstore, `targets/${digest}.${name}`);
    assert.equal(target, readFileSync(file, "utf8"));
    assert.equal(sha256(target).toString("hex"), digest);
  }
});

test("the repository rotates its root with the old keys' consent, or without", async () => {
  await using sigstore = await startSigstore();
  const first = rootOf(await get(sigstore, "1.root.json"));
  await sigstore.tufAct("rotate-root");
  const second = rootOf(await get(sigstore, "2.root.json"));
  assert.ok(holds(first, "root", second) && holds(second, "root", second));
  assert.notDeepEqual(first.signed.roles["root"]!.keyIDs, second.signed.roles["root"]!.keyIDs);
  await sigstore.tufAct("hijack-root");
  const third = rootOf(await get(sigstore, "3.root.json"));
  assert.ok(!holds(second, "root", third) && holds(third, "root", third));
  await sigstore.reset();
  assert.equal((await fetch(`${sigstore.tuf}/2.root.json`)).status, 404);
});

test("the repository publishes other targets in higher versions", async () => {
  await using sigstore = await startSigstore();
  const root = rootOf(await get(sigstore, "1.root.json"));
  const before = await role(sigstore, root, "timestamp.json", "timestamp");
  await sigstore.tufAct("bump", { "trusted_root.json": "another" });
  const after = await role(sigstore, root, "timestamp.json", "timestamp");
  const { version } = after.signed;
  assert.ok(version > before.signed.version);
  const { signed, vouched } = await role(sigstore, root, `${version}.targets.json`, "targets");
  assert.ok(vouched);
  const digest = sha256("another").toString("hex");
  assert.equal(signed.targets["trusted_root.json"].hashes.sha256, digest);
  assert.equal(await get(sigstore, `targets/${digest}.trusted_root.json`), "another");
});

test("the repository misbehaves as it is told", async () => {
  await using sigstore = await startSigstore();
  const root = rootOf(await get(sigstore, "1.root.json"));
  const timestamp = () => role(sigstore, root, "timestamp.json", "timestamp");
  const { signed: { version } } = await timestamp();

  await sigstore.tufAct("expire-timestamp");
  const expired = await timestamp();
  assert.ok(expired.vouched && isExpired(expired) && expired.signed.version > version);

  await sigstore.reset();
  await sigstore.tufAct("rollback");
  const older = await timestamp();
  assert.ok(older.vouched && !isExpired(older) && older.signed.version < version);

  await sigstore.reset();
  await sigstore.tufAct("wrong-signature");
  assert.ok(!(await timestamp()).vouched);

  await sigstore.reset();
  await sigstore.tufAct("expire-root");
  const next = await role(sigstore, root, "2.root.json", "root");
  assert.ok(next.vouched && isExpired(next));

  await sigstore.reset();
  await sigstore.tufAct("wrong-hash");
  const right = readFileSync(sigstore.trustedRoot, "utf8");
  const target = await get(sigstore, `targets/${sha256(right).toString("hex")}.trusted_root.json`);
  assert.equal(target.length, right.length);
  assert.notEqual(target, right);
});
