/**
 * A TUF repository (TUF 1.0, consistent snapshots) laid out as Sigstore's: its targets are the trusted root and
 * the signing configuration.
 */

import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import { canonicalJson, olpcJson } from "./canonical_json.ts";
import { type Asked, Refused, refused, type Reply, text } from "./http.ts";
import { type Key, newKey, sha256, signWith, spoiled } from "./keys.ts";

/** What a test does to the repository. */
export type TufAction =
  /** Replaces one of the root's keys, in a new version that the old keys sign, too. */
  | "rotate-root"
  /** Publishes a new root that only keys of a stranger have signed. */
  | "hijack-root"
  /** Publishes a new root that is expired. */
  | "expire-root"
  /** Publishes new versions of everything but the root; `targets` replaces files by name. */
  | "bump"
  | "expire-timestamp"
  /** Goes back to lower versions of timestamp and snapshot. */
  | "rollback"
  /** Signs the timestamp with a key of a stranger. */
  | "wrong-signature"
  /** Serves targets of the right length that are not what the metadata says. */
  | "wrong-hash";

const DAY = 24 * 60 * 60 * 1000;

const SPEC_VERSION = "1.0.31";

/** Versions at the start: above 1, so that there is something to go back to. */
const FIRST_VERSION = 3;

type Keys = {
  /** Both sign each root. */
  readonly root: readonly Key[];
  readonly targets: Key;
  /** Signs snapshots and timestamps. */
  readonly online: Key;
};

/** The repository. */
export class TufRepository {
  readonly #targets: Readonly<Record<string, string>>;
  readonly #firstKeys: Keys = {
    root: rootKeys(),
    targets: newKey("P-256"),
    online: newKey("Ed25519"),
  };
  #keys: Keys = this.#firstKeys;
  readonly #files = new Map<string, Buffer>();
  #rootVersion = 0;
  #version = 0;

  /** @param targets files by name */
  constructor(targets: Readonly<Record<string, string>>) {
    this.#targets = targets;
    this.reset();
  }

  /** Version 1 of the root: what clients are given to begin with. */
  get firstRoot(): Buffer {
    return this.#files.get("1.root.json")!;
  }

  /** Puts everything back as it was at the start. */
  reset(): void {
    this.#files.clear();
    this.#keys = this.#firstKeys;
    this.#rootVersion = 0;
    this.#publishRoot(this.#keys.root);
    this.#version = FIRST_VERSION;
    this.#publish(this.#targets);
  }

  /** Answers a request below `/tuf`. */
  answer({ method, url }: Asked): Reply {
    const file = this.#files.get(decodeURIComponent(url.pathname.slice("/tuf/".length)));
    if (method !== "GET" || !file) throw new Refused(text("not found", 404));
    return { status: 200, headers: { "content-type": "application/json" }, body: file };
  }

  /** Does what a test asks for: `{action, targets?}`. Throws Refused. */
  act({ action, targets }: JsonObject): void {
    switch (action as TufAction) {
      case "rotate-root": {
        const old = this.#keys.root;
        const root = [newKey("P-256"), ...old.slice(1)];
        this.#keys = { ...this.#keys, root };
        return this.#publishRoot([...root, ...old.slice(0, 1)]);
      }
      case "hijack-root":
        this.#keys = { ...this.#keys, root: rootKeys() };
        return this.#publishRoot(this.#keys.root);
      case "expire-root":
        return this.#publishRoot(this.#keys.root, -DAY);
      case "bump":
        this.#version++;
        return this.#publish({ ...this.#targets, ...targets as Record<string, string> });
      case "expire-timestamp":
        return this.#publishTimestamp(++this.#version, -DAY);
      case "rollback":
        this.#version = Math.max(1, this.#version - 2);
        return this.#publish(this.#targets);
      case "wrong-signature":
        return this.#publishTimestamp(++this.#version, 7 * DAY, newKey("Ed25519"));
      case "wrong-hash":
        for (const [name, content] of this.#files) {
          if (name.startsWith("targets/")) this.#files.set(name, spoiled(content));
        }
        return;
      default:
        throw refused(400, "there is no such action");
    }
  }

  #publishRoot(signers: readonly Key[], lifetime: number = 365 * DAY): void {
    const { root, targets, online } = this.#keys;
    const version = ++this.#rootVersion;
    const role = (keys: readonly Key[]) => ({ keyids: keys.map(keyId), threshold: keys.length });
    const signed = {
      ...frame("root", version, lifetime),
      consistent_snapshot: true,
      keys: Object.fromEntries([...root, targets, online].map((key) => [keyId(key), tufKey(key)])),
      roles: {
        root: role(root),
        targets: role([targets]),
        snapshot: role([online]),
        timestamp: role([online]),
      },
    };
    this.#files.set(`${version}.root.json`, signedBy(signed, signers));
  }

  /** Publishes targets, snapshot and timestamp at the current version. */
  #publish(contents: Readonly<Record<string, string>>): void {
    const targets: Record<string, unknown> = {};
    for (const [name, content] of Object.entries(contents)) {
      const bytes = Buffer.from(content, "utf8");
      targets[name] = described(bytes);
      this.#files.set(`targets/${sha256(bytes).toString("hex")}.${name}`, bytes);
    }
    const version = this.#version;
    const signed = { ...frame("targets", version, 365 * DAY), targets };
    this.#files.set(`${version}.targets.json`, signedBy(signed, [this.#keys.targets]));
    this.#publishTimestamp(version, 7 * DAY);
  }

  /** Publishes a snapshot and a timestamp; the snapshot names the newest targets. */
  #publishTimestamp(version: number, lifetime: number, signer: Key = this.#keys.online): void {
    const targets = Math.max(
      ...[...this.#files.keys()].map((name) =>
        Number(/^(\d+)\.targets\.json$/.exec(name)?.[1] ?? 0)
      )
        .filter((known) => known <= version),
    );
    const snapshot = signedBy({
      ...frame("snapshot", version, 21 * DAY),
      meta: { "targets.json": { version: targets } },
    }, [this.#keys.online]);
    this.#files.set(`${version}.snapshot.json`, snapshot);
    const timestamp = {
      ...frame("timestamp", version, lifetime),
      meta: { "snapshot.json": { version, ...described(snapshot) } },
    };
    // A stranger's key is not in the root: its signature goes under the name of the right one.
    this.#files.set("timestamp.json", signedBy(timestamp, [signer], [this.#keys.online]));
  }
}

function rootKeys(): readonly Key[] {
  return [newKey("P-256"), newKey("P-256")];
}

/** What the signed parts of all roles begin with. */
function frame(type: string, version: number, lifetime: number): Record<string, unknown> {
  const expires = new Date(Date.now() + lifetime).toISOString().replace(/\.\d+Z$/, "Z");
  return { _type: type, spec_version: SPEC_VERSION, version, expires };
}

/** @param names keys that the signatures are said to be of */
function signedBy(signed: unknown, keys: readonly Key[], names: readonly Key[] = keys): Buffer {
  const bytes = Buffer.from(olpcJson(signed), "utf8");
  const signatures = keys.map((key, index) => ({
    keyid: keyId(names[index]!),
    sig: signWith(key, bytes).toString("hex"),
  }));
  return Buffer.from(canonicalJson({ signatures, signed }), "utf8");
}

function described(bytes: Buffer): Record<string, unknown> {
  return { length: bytes.length, hashes: { sha256: sha256(bytes).toString("hex") } };
}

/** TUF 4.2: the digest of the key's canonical form. */
function keyId(key: Key): string {
  return sha256(olpcJson(tufKey(key))).toString("hex");
}

/** ECDSA keys as PEM and Ed25519 keys as hex, as Sigstore's repositories have them. */
function tufKey({ kind, publicKey, spki }: Key): unknown {
  return kind === "Ed25519"
    ? {
      keytype: "ed25519",
      scheme: "ed25519",
      keyval: { public: spki.subarray(-32).toString("hex") },
    }
    : {
      keytype: "ecdsa",
      scheme: "ecdsa-sha2-nistp256",
      keyval: { public: publicKey.export({ type: "spki", format: "pem" }) },
    };
}
