/** `trust` as a user runs it, with the TUF repository of the loopback Sigstore. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../../../support/cli.ts";
import { assertFault, assertStatus, type Outcome } from "../../../support/outcome.ts";
import { type Sigstore, startSigstore } from "../../../support/sigstore.ts";
import { sha256 } from "./repository.ts";

/** A running instance and a user's cache folder. */
class Bench implements AsyncDisposable {
  readonly sigstore: Sigstore;
  readonly folder: string;

  constructor(sigstore: Sigstore, folder: string) {
    this.sigstore = sigstore;
    this.folder = folder;
  }

  async trust(name: string, ...args: readonly string[]): Promise<Outcome> {
    const { tufRoot } = this.sigstore;
    const all = ["trust", name, ...args, "--tuf-root", tufRoot];
    return await cli(all, {
      env: { XDG_CACHE_HOME: this.folder, LOCALAPPDATA: this.folder, HOME: this.folder },
    });
  }

  async update(): Promise<Outcome> {
    return await this.trust("update", "--tuf-url", this.sigstore.tuf);
  }

  async shown(): Promise<{ readonly origin: Record<string, unknown> }> {
    const outcome = await this.trust("show", "--format", "json");
    assertStatus(outcome, 0, "trust show");
    return JSON.parse(outcome.stdout);
  }

  /** The state of the cache: a digest of its file. */
  async cached(): Promise<string> {
    const id = sha256(await readFile(this.sigstore.tufRoot));
    return sha256(await readFile(join(this.folder, "model-signing", "sigstore", `${id}.json`)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sigstore.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function bench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "trust-loopback-"));
  return new Bench(await startSigstore(), folder);
}

test("trust update, show and export work with a private instance", async () => {
  await using b = await bench();
  assertFault(await b.trust("show"), 3, "TRUST_UNAVAILABLE");
  assertStatus(await b.update(), 0, "trust update");
  const { origin } = await b.shown();
  assert.equal(origin["kind"], "cache");

  await b.sigstore.tufAct("rotate-root");
  await b.sigstore.tufAct("bump");
  assertStatus(await b.update(), 0, "trust update after a rotation");
  const later = await b.shown();
  assert.equal(later.origin["version"], Number(origin["version"]) + 1);

  await b.sigstore.reset();
  const exported = await b.trust("export", "-");
  assertStatus(exported, 0, "trust export");
  const config = JSON.parse(await readFile(b.sigstore.trustConfig, "utf8"));
  assert.deepEqual(JSON.parse(exported.stdout), config);
  // What show and export need is in the cache.
  assert.deepEqual(await b.sigstore.requests(), []);
});

test("trust update refuses every attack on the repository and leaves the cache as it was", async () => {
  await using b = await bench();
  const { sigstore } = b;
  await sigstore.tufAct("bump");
  assertStatus(await b.update(), 0, "trust update");
  const before = await b.cached();
  const attacks = [
    "hijack-root",
    "expire-root",
    "expire-timestamp",
    "rollback",
    "wrong-signature",
    "wrong-hash",
  ] as const;
  for (const attack of attacks) {
    await sigstore.reset();
    await sigstore.tufAct("bump");
    // As new as the cache, so that only the attack is wrong.
    await sigstore.tufAct(attack);
    assertFault(await b.update(), 3, "TRUST_REFUSED");
    assert.equal(await b.cached(), before, attack);
  }
});
