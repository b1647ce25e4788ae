/** Small TUF repositories with everything in them that a test wants to be wrong. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ModelSigningError } from "../../../../core/errors.ts";
import type { TufLoad, TufRules } from "../../../../plugins/sigstore/trust/tuf.ts";
import { olpcJson } from "../../../sigstore/canonical_json.ts";
import { type Key, newKey, pem, signWith } from "../../../sigstore/keys.ts";

/** The roles of metadata. */
export type Role = "root" | "timestamp" | "snapshot" | "targets";

/** Keys of each role. Every role needs signatures of all of its keys. */
export type Keys = Readonly<Record<Role, readonly Key[]>>;

/** JSON that tests change. */
// deno-lint-ignore no-explicit-any
export type Draft = any;

/** What a repository is to be. Everything has a default. */
export type Spec = {
  readonly keys?: Keys;
  /** Keys of roots 2, 3, …; each is signed by the keys before and its own. */
  readonly rotations?: readonly Keys[];
  readonly versions?: Partial<Record<Exclude<Role, "root">, number>>;
  /** For all roots the same. */
  readonly expires?: Partial<Record<Role, string>>;
  readonly targets?: Readonly<Record<string, string>>;
  /** Default true. */
  readonly consistent?: boolean;
  /** Changes what is signed; `file` is the name in the repository. */
  readonly edit?: (file: string, signed: Draft) => void;
  /** Changes the signed file. */
  readonly tamper?: (file: string, metadata: Draft) => void;
};

/** A repository, and the first version of its root. */
export type TestRepository = {
  readonly root: Buffer;
  readonly files: Map<string, Buffer>;
  readonly load: TufLoad;
};

/** Before every default expiry. */
export const NOW: Date = new Date("2026-06-01T00:00:00Z");

/** After every default expiry. */
export const LATER: Date = new Date("2032-01-01T00:00:00Z");

/** A trusted root that can be read. */
export const TRUSTED_ROOT: string = data("production.trusted_root.json");

/** A signing config that can be read. */
export const SIGNING_CONFIG: string = data("production.signing_config.json");

/** Rules of an update. */
export const UPDATE: TufRules = {
  now: NOW,
  enforceExpiry: true,
  wanted: ["trusted_root.json", "signing_config.v0.2.json"],
};

/** The keys of a repository that says nothing about them. */
export const KEYS: Keys = newKeys();

/** One new key for each role, and two for the root. */
export function newKeys(): Keys {
  return {
    root: [newKey("P-256"), newKey("P-256")],
    timestamp: [newKey("P-256")],
    snapshot: [newKey("P-256")],
    targets: [newKey("P-256")],
  };
}

/** Makes a repository. */
export function tufRepository(spec: Spec = {}): TestRepository {
  const { keys = KEYS, rotations = [], consistent = true, versions = {} } = spec;
  const {
    targets = { "trusted_root.json": TRUSTED_ROOT, "signing_config.v0.2.json": SIGNING_CONFIG },
  } = spec;
  const files = new Map<string, Buffer>();
  const chain = [keys, ...rotations];
  for (const [index, own] of chain.entries()) {
    const signers = [...chain[index - 1]?.root ?? [], ...own.root];
    written(`${index + 1}.root.json`, "root", index + 1, rootPart(own, consistent), signers);
  }
  const last = chain.at(-1)!;

  /** Signs metadata and gives what other metadata lists of it. */
  function written(
    file: string,
    role: Role,
    version: number,
    part: Draft,
    signers: readonly Key[],
  ): Draft {
    const expires = spec.expires?.[role] ?? "2030-01-01T00:00:00Z";
    const signed = { _type: role, spec_version: "1.0.31", version, expires, ...part };
    spec.edit?.(file, signed);
    const metadata = { signed, signatures: signatures(signed, signers) };
    spec.tamper?.(file, metadata);
    const bytes = Buffer.from(JSON.stringify(metadata, undefined, 1));
    files.set(file, bytes);
    return { version, length: bytes.length, hashes: { sha256: sha256(bytes) } };
  }
  const prefixed = (version: number, file: string) => consistent ? `${version}.${file}` : file;

  const listed: Draft = {};
  for (const [name, content] of Object.entries(targets)) {
    const digest = sha256(content);
    files.set(`targets/${consistent ? `${digest}.` : ""}${name}`, Buffer.from(content));
    listed[name] = { length: Buffer.byteLength(content), hashes: { sha256: digest } };
  }
  const { targets: targetsVersion = 1, snapshot = 1, timestamp = 1 } = versions;
  const top = written(
    prefixed(targetsVersion, "targets.json"),
    "targets",
    targetsVersion,
    { targets: listed },
    last.targets,
  );
  const meta = written(
    prefixed(snapshot, "snapshot.json"),
    "snapshot",
    snapshot,
    { meta: { "targets.json": top } },
    last.snapshot,
  );
  written(
    "timestamp.json",
    "timestamp",
    timestamp,
    { meta: { "snapshot.json": meta } },
    last.timestamp,
  );
  return { root: files.get("1.root.json")!, files, load: loaderOf(files) };
}

/** Gives files from a map. */
export function loaderOf(files: ReadonlyMap<string, Uint8Array>): TufLoad {
  return (file) => Promise.resolve(files.get(file));
}

/** Signatures of what is signed. */
export function signatures(signed: Draft, keys: readonly Key[]): Draft {
  const bytes = Buffer.from(olpcJson(signed));
  return [...new Set(keys)].map((key) => ({
    keyid: keyId(key),
    sig: signWith(key, bytes).toString("hex"),
  }));
}

/** The name of a key in metadata. */
export function keyId(key: Key): string {
  return sha256(key.spki);
}

/** Lowercase hex. */
export function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Asserts that something is refused, with this code. */
export async function assertRefused(
  promise: Promise<unknown>,
  code: string = "TRUST_REFUSED",
): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

function rootPart(keys: Keys, consistent: boolean): Draft {
  const all = Object.values(keys).flat();
  return {
    consistent_snapshot: consistent,
    keys: Object.fromEntries(all.map((key) => [keyId(key), keyPart(key)])),
    roles: Object.fromEntries(
      Object.entries(keys).map(([role, own]) => [
        role,
        { keyids: own.map(keyId), threshold: own.length },
      ]),
    ),
  };
}

function keyPart(key: Key): Draft {
  const [keytype, scheme] = ({
    "P-256": ["ecdsa", "ecdsa-sha2-nistp256"],
    "P-384": ["ecdsa", "ecdsa-sha2-nistp384"],
    "Ed25519": ["ed25519", "ed25519"],
  })[key.kind]!;
  return { keytype, scheme, keyval: { public: pem("PUBLIC KEY", key.spki) } };
}

function data(name: string): string {
  const url = new URL(`../../../../plugins/sigstore/data/${name}`, import.meta.url);
  return readFileSync(fileURLToPath(url), "utf8");
}
