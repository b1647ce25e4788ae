import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import type { HashInput } from "../../../core/hash.ts";
import type { CommandProvider, Settings } from "../../../core/plugin.ts";
import { signModel } from "../../../core/sign.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { keySigner } from "../../../plugins/key/mod.ts";
import { attachCommand } from "../../../plugins/oci/attach_command.ts";
import { discoverCommand } from "../../../plugins/oci/discover_command.ts";
import { openOciModel } from "../../../plugins/oci/open_model.ts";
import { encode, hintOf, p256, sha256, signedBundle, statementOf } from "../../support/bundles.ts";
import { writeLayout } from "../../support/oci_layout.ts";
import type { TestLayer } from "../../support/oci_manifests.ts";
import { type Workbench, workbench } from "../../support/workbench.ts";

const KEYS = p256();
const LAYERS: readonly TestLayer[] = [{ content: "weights", title: "weights.bin" }];

type Ran = { readonly stdout: string; readonly warnings: readonly string[] };

/** Runs a command on the layout of a workbench. */
async function run(
  command: CommandProvider,
  bench: Workbench,
  settings: Settings = {},
): Promise<Ran> {
  assert.ok("run" in command);
  const out: string[] = [];
  const warnings: string[] = [];
  const status = await command.run(settings, {
    operand: `oci-layout:${layoutIn(bench)}`,
    stdout: (text) => void out.push(text),
    success: (text) => void out.push(text),
    logger: { log: (level, message) => void (level === "warn" && warnings.push(message)) },
  });
  assert.equal(status, 0);
  return { stdout: out.join(""), warnings };
}

function layoutIn(bench: Workbench): string {
  return join(bench.path, "layout");
}

async function code(run: Promise<unknown>): Promise<string | undefined> {
  return await run.then(() => undefined, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    return error.code;
  });
}

/** A workbench with a layout. */
async function laidOut(layers = LAYERS): Promise<Workbench> {
  const bench = await workbench();
  writeLayout(layoutIn(bench), { layers });
  return bench;
}

/** Writes a signature of a model to a file, and gives its path. */
async function signatureOf(
  bench: Workbench,
  source: HashInput["source"],
  how: Partial<HashInput> = {},
): Promise<string> {
  const hasher = hasherFactory();
  const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS), ...how });
  await bench.write({ "model.sig": bytes });
  return join(bench.path, "model.sig");
}

async function layoutSource(bench: Workbench): Promise<HashInput["source"]> {
  return (await openOciModel(`oci-layout:${layoutIn(bench)}`)).source;
}

async function found(bench: Workbench): Promise<readonly Readonly<Record<string, string>>[]> {
  const { stdout } = await run(discoverCommand, bench, { format: "json" });
  return JSON.parse(stdout).signatures;
}

test("attach keeps a signature beside the model, where discover finds it", async () => {
  await using bench = await laidOut();
  const signature = await signatureOf(bench, await layoutSource(bench));
  const { warnings } = await run(attachCommand, bench, { signature });
  assert.deepEqual(warnings, []);
  const [only, ...others] = await found(bench);
  assert.deepEqual(others, []);
  const { reference, ...claims } = only!;
  assert.match(reference!, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(claims, {
    method: "key",
    signer: `key ${hintOf(KEYS.publicKey)}`,
    predicateType: "https://model_signing/signature/v1.0",
  });
});

test("attach refuses a signature that is not about the model, unless it is forced", async () => {
  const misfits: readonly ((bench: Workbench) => Promise<HashInput["source"]>)[] = [
    // Another manifest with the same layers.
    async (bench) => {
      const manifest = JSON.parse(
        new TextDecoder().decode(writeLayout(layoutIn(bench), { layers: LAYERS })),
      );
      const other = join(bench.path, "other");
      writeLayout(other, { layers: LAYERS, manifest: { ...manifest, annotations: { a: "b" } } });
      return (await openOciModel(`oci-layout:${other}`)).source;
    },
    // A folder with other content, and one with another file.
    async (bench) => {
      await bench.write({ "folder/weights.bin": "other" });
      return await fileSystemSource(join(bench.path, "folder"));
    },
    async (bench) => {
      await bench.write({ "folder/weights.bin": "weights", "folder/more": "x" });
      return await fileSystemSource(join(bench.path, "folder"));
    },
  ];
  for (const make of misfits) {
    await using bench = await laidOut();
    const signature = await signatureOf(bench, await make(bench));
    assert.equal(await code(run(attachCommand, bench, { signature })), "BUNDLE_REFUSED");
    assert.deepEqual(await found(bench), []);
    const { warnings } = await run(attachCommand, bench, { signature, force: true });
    assert.equal(warnings.length, 1);
    assert.equal((await found(bench)).length, 1);
  }
});

test("attach warns of a signature that does not cover everything, or cannot be compared", async () => {
  await using bench = await laidOut();
  await bench.write({ "folder/weights.bin": "weights" });
  const folder = await fileSystemSource(join(bench.path, "folder"));
  for (const how of [{}, { algorithm: "blake2b" }, { shardSize: 3 }] as const) {
    const signature = await signatureOf(bench, folder, how);
    const { warnings } = await run(attachCommand, bench, { signature });
    assert.equal(warnings.length, 1, JSON.stringify(how));
  }
  assert.equal((await found(bench)).length, 3);
});

test("attach refuses what is no signature of a model, and a model without a scheme", async () => {
  await using bench = await laidOut();
  const attestation = { ...statementOf(["a"]), predicateType: "https://slsa.dev/provenance/v1" };
  await bench.write({
    "garbage": "{}",
    "attestation": encode(signedBundle(encode(attestation), KEYS)),
  });
  for (const name of ["garbage", "attestation"]) {
    const signature = join(bench.path, name);
    assert.equal(await code(run(attachCommand, bench, { signature })), "BUNDLE_REFUSED");
  }
  const absent = join(bench.path, "absent");
  assert.equal(await code(run(attachCommand, bench, { signature: absent })), "BUNDLE_UNREADABLE");
  assert.deepEqual(await found(bench), []);
  const signature = await signatureOf(bench, await layoutSource(bench));
  assert.ok("run" in attachCommand);
  const io = { operand: layoutIn(bench), stdout: () => {}, success: () => {} };
  assert.equal(await code(attachCommand.run({ signature }, io)), "USAGE_OCI_REFERENCE");
});

test("discover writes the signatures to files, byte by byte", async () => {
  await using bench = await laidOut();
  const signature = await signatureOf(bench, await layoutSource(bench));
  await run(attachCommand, bench, { signature });
  const output = join(bench.path, "sub/signatures");
  await run(discoverCommand, bench, { output });
  const [name, ...others] = readdirSync(output);
  assert.deepEqual(others, []);
  assert.ok(readFileSync(join(output, name!)).equals(readFileSync(signature)));
  assert.equal(await code(run(discoverCommand, bench, { output: signature })), "FILE_UNWRITABLE");
});

test("discover tells for people what it tells in JSON, also when there is nothing", async () => {
  await using bench = await laidOut();
  const { stdout: none } = await run(discoverCommand, bench);
  assert.equal(none.trim().split("\n").length, 1);
  const signature = await signatureOf(bench, await layoutSource(bench));
  await run(attachCommand, bench, { signature });
  const [only] = await found(bench);
  const { stdout } = await run(discoverCommand, bench);
  for (const text of Object.values(only!)) assert.ok(stdout.includes(text), text);
});

test("discover shows what others made of a signature safely", async () => {
  await using bench = await laidOut();
  const signature = await signatureOf(bench, await layoutSource(bench));
  await run(attachCommand, bench, { signature });
  // The bundle's blob is replaced in place: its digest does not fit any more.
  const digest = sha256(readFileSync(signature));
  await bench.write({ [`layout/blobs/sha256/${digest}`]: "\u001b[31mred" });
  const [only] = await found(bench);
  assert.ok(only!["problem"] !== undefined && only!["method"] === undefined);
  assert.doesNotMatch((await run(discoverCommand, bench)).stdout, /\u001b/);
});
