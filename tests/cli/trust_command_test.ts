/** `trust` and the method that may be left out, with the built-in providers. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertFault, assertStatus, type Outcome } from "../support/outcome.ts";
import { workbench } from "../support/workbench.ts";

/** Runs the program with a cache and a home of its own. */
function run(folder: string, ...args: readonly string[]): Promise<Outcome> {
  return cli(args, { cwd: folder, env: { HOME: folder, XDG_CACHE_HOME: join(folder, "cache") } });
}

test("trust alone, and with an unknown word, is misused and names its commands", async () => {
  await using folder = await workbench();
  const alone = await run(folder.path, "trust");
  assertFault(alone, 2, "USAGE");
  assert.match(alone.stderr, /show, update, export/);
  const misspelt = await run(folder.path, "trust", "shw");
  assertFault(misspelt, 2, "USAGE");
  assert.match(misspelt.stderr, /did you mean show/);
  assertFault(await run(folder.path, "trust", "export"), 2, "USAGE");
  assertFault(await run(folder.path, "trust", "show", "extra"), 2, "USAGE");
});

test("trust show tells what is built in, as text and as JSON", async () => {
  await using folder = await workbench();
  const text = await run(folder.path, "trust", "show");
  assertStatus(text, 0, "trust show");
  assert.match(text.stdout, /https:\/\/rekor\.sigstore\.dev/);
  const json = await run(folder.path, "trust", "show", "--format", "json");
  assertStatus(json, 0, "trust show --format json");
  assert.equal(typeof JSON.parse(json.stdout), "object");
});

test("trust export writes FILE, also when JSON names it", async () => {
  await using folder = await workbench();
  assertStatus(await run(folder.path, "trust", "export", "a.json"), 0, "trust export");
  const named = await run(
    folder.path,
    ...["trust", "export", "--json", '{"file": "b.json"}', "--log-level", "error"],
  );
  // What was done is told to whoever did not ask for silence.
  assert.deepEqual(named, { status: 0, stdout: "", stderr: "" });
  const [first, second] = await Promise.all(
    ["a.json", "b.json"].map((name) => readFile(join(folder.path, name), "utf8")),
  );
  assert.equal(first, second);
  assert.ok("trustedRoot" in JSON.parse(first ?? ""));
});

test("completion and help know the commands of trust", async () => {
  await using folder = await workbench();
  const complete = await run(folder.path, "completion", "bash", "trust", "");
  for (const word of ["show", "update", "export"]) assert.ok(complete.stdout.includes(word), word);
  const help = await run(folder.path, "trust", "export", "--help");
  assert.match(help.stdout, /model-signing trust export \[OPTIONS\] FILE/);
});

test("sign MODEL and verify MODEL are the Sigstore method", async () => {
  await using folder = await workbench();
  // Neither gets as far as a service: the one lacks its model, the other an identity.
  const sign = await run(folder.path, "sign", "missing", "--identity-token", "no token");
  assert.equal(sign.status, 3);
  assert.ok(!sign.stderr.includes("no token"), sign.stderr);
  const verify = await run(folder.path, "verify", "model", "--signature", "model.sig");
  assertFault(verify, 2, "USAGE");
  assert.match(verify.stderr, /verify sigstore needs --identity/);
  const misspelt = await run(folder.path, "verify", "certficate", "model", "--signature", "s");
  assertFault(misspelt, 2, "USAGE");
  assert.match(misspelt.stderr, /did you mean certificate/);
});
