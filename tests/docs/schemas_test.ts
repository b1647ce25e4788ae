/** What `--format json` prints, against the schemas in docs/. That of `verify` has tests beside the reports. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Schema, Validator } from "@cfworker/json-schema";
import type { Io } from "../../cli/io.ts";
import { run } from "../../cli/run.ts";
import { builtinPlugins } from "../../plugins/mod.ts";
import { encode, type Loose, p256, signedBundle } from "../support/bundles.ts";
import { LAYERS } from "../support/oci_cli.ts";
import { writeLayout } from "../support/oci_layout.ts";
import { CONFIG } from "../support/oci_push.ts";
import { Pki } from "../support/pki.ts";
import { signerSource } from "../support/plugin_modules.ts";
import { workbench } from "../support/workbench.ts";

const DOCS = new URL("../../docs/", import.meta.url);

function schemaOf(name: string): Loose {
  return JSON.parse(readFileSync(new URL(`${name}.schema.json`, DOCS), "utf8"));
}

function errorsIn(name: string, value: Loose): readonly unknown[] {
  return new Validator(schemaOf(name) as Schema, "2020-12", false).validate(value).errors;
}

/** Runs the program in this process; gives what it printed as JSON. */
async function printed(status: number, ...args: readonly string[]): Promise<Loose> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const collect = (into: string[]) => ({
    isTerminal: false,
    columns: () => 80,
    write: (data: string | Uint8Array) => void into.push(Buffer.from(data).toString("utf8")),
  });
  const io: Io = {
    stdout: collect(stdout),
    stderr: collect(stderr),
    // No home folder: nothing of this machine is read, nothing is kept.
    env: { PATH: "" },
    colors: "never",
    animated: false,
  };
  const ended = await run(args, io, {
    version: "1.2.3",
    plugins: builtinPlugins,
    workerUrl: new URL("../../cli/hash_worker.ts", import.meta.url),
    signal: new AbortController().signal,
  });
  assert.equal(ended, status, stderr.join(""));
  return args.includes("json") ? JSON.parse(stdout.join("")) : undefined;
}

const JSON_FORMAT = ["--format", "json"] as const;

test("digest prints what docs/digest.schema.json describes", async () => {
  await using bench = await workbench();
  const model = join(bench.path, "model");
  const brief = await printed(0, "digest", model, ...JSON_FORMAT);
  assert.deepEqual(errorsIn("digest", brief), []);
  const long = await printed(
    ...[0, "digest", model, "--files", "--shard-size", "9"] as const,
    ...["--hash-algorithm", "blake2b", "--ignore-paths", "config.json", ...JSON_FORMAT],
  );
  assert.deepEqual(errorsIn("digest", long), []);
  assert.deepEqual(long.coverage.ignored, ["config.json"]);
  assert.notDeepEqual(errorsIn("digest", { ...long, rootDigest: "" }), []);
  assert.notDeepEqual(errorsIn("digest", { ...long, another: 1 }), []);
});

test("inspect prints what docs/inspect.schema.json describes", async () => {
  await using bench = await workbench();
  using pki = new Pki();
  const at = (name: string) => join(bench.path, name);
  const root = pki.root();
  const leaf = pki.leaf(root);
  await bench.write({ "odd.sig": encode(signedBundle(encode({ odd: true }), p256())) });
  const method = [at("model"), "--ignore-paths", "config.json", "--log-level", "error"];
  await printed(
    ...[0, "sign", "key", ...method, "--private-key", at("key.pem")] as const,
    ...["--signature", at("key.sig")],
  );
  await printed(
    ...[0, "sign", "certificate", ...method, "--private-key", leaf.key] as const,
    ...["--signing-certificate", leaf.certificate, "--signature", at("certificate.sig")],
  );
  for (const name of ["key.sig", "certificate.sig", "odd.sig"]) {
    const claims = await printed(0, "inspect", at(name), ...JSON_FORMAT);
    assert.deepEqual(errorsIn("inspect", claims), [], name);
    assert.equal("issue" in claims, name === "odd.sig");
    assert.notDeepEqual(errorsIn("inspect", { ...claims, verified: true }), []);
  }
});

test("plugin list and plugin check print what their schemas describe", async () => {
  await using bench = await workbench();
  const path = join(bench.path, "demo.mjs");
  await bench.write({ "demo.mjs": signerSource() });
  const named = ["--plugin", path, "--plugin", `${path}.missing`];
  const list = await printed(3, "plugin", "list", ...named, ...JSON_FORMAT);
  assert.deepEqual(errorsIn("plugin-list", list), []);
  assert.equal(list.plugins.at(-1).origin.path, path);
  assert.equal(list.unusable[0].code, "PLUGIN_NOT_FOUND");
  const check = await printed(0, "plugin", "check", path, ...JSON_FORMAT);
  assert.deepEqual(errorsIn("plugin-check", check), []);
  check.results[0].outcome = "failed";
  assert.notDeepEqual(errorsIn("plugin-check", check), []);
});

test("discover prints what docs/discover.schema.json describes", async () => {
  await using bench = await workbench();
  const model = `oci-layout:${join(bench.path, "layout")}`;
  writeLayout(join(bench.path, "layout"), { layers: LAYERS, config: CONFIG });
  const key = ["--private-key", join(bench.path, "key.pem"), "--log-level", "error"];
  await printed(0, "sign", "key", model, ...key);
  const found = await printed(
    ...[0, "discover", model, "--output", join(bench.path, "signatures"), ...JSON_FORMAT] as const,
  );
  assert.deepEqual(errorsIn("discover", found), []);
  assert.equal(found.signatures.length, 1);
  delete found.signatures[0].method;
  assert.notDeepEqual(errorsIn("discover", found), []);
});

test("trust show prints what docs/trust.schema.json describes", async () => {
  for (const args of [[], ["--use-staging"]]) {
    const trust = await printed(0, "trust", "show", ...args, ...JSON_FORMAT);
    assert.deepEqual(errorsIn("trust", trust), []);
    assert.ok(trust.signing.logs.services.length > 0);
    delete trust.transparencyLogs[0].keyId;
    assert.notDeepEqual(errorsIn("trust", trust), []);
  }
});

test("definitions of one name are the same in all schemas", () => {
  const known = new Map<string, unknown>();
  for (const file of readdirSync(DOCS).filter((name) => name.endsWith(".schema.json"))) {
    const { $defs = {} } = JSON.parse(readFileSync(new URL(file, DOCS), "utf8"));
    for (const [name, definition] of Object.entries($defs)) {
      if (!known.has(name)) known.set(name, definition);
      assert.deepEqual(definition, known.get(name), `${name} in ${file}`);
    }
  }
  assert.ok(known.has("serialization"));
});
