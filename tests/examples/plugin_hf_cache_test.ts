/** The ES module source of examples/plugins/hf-cache, with a cache as huggingface_hub lays it out. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { sourceContract } from "../../core/contract/mod.ts";
import hfCache from "../../examples/plugins/hf-cache/hf_cache.ts";
import { pluginHost } from "../../mod.ts";
import { assertFault, assertStatus, assertVerdict } from "../support/outcome.ts";
import { type PluginBench, pluginBench } from "../support/plugin_bench.ts";

const MODULE = fileURLToPath(
  new URL("../../examples/plugins/hf-cache/hf_cache.ts", import.meta.url),
);
const PLUGIN = ["--plugin", MODULE];
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const OTHER = "f".repeat(40);

const FILES: Readonly<Record<string, string>> = {
  "config.json": '{"layers": 2}\n',
  "weights/model.safetensors": "large file of weights\n".repeat(1000),
  ".gitattributes": "*.safetensors filter=lfs\n",
};

/** What the cache calls the content: large files by their SHA-256, others by git's SHA-1. */
function blobName(path: string, content: string): string {
  return path.endsWith(".safetensors")
    ? createHash("sha256").update(content).digest("hex")
    : createHash("sha1").update(`blob ${content.length}\0${content}`).digest("hex");
}

type Cache = {
  readonly hub: string;
  readonly blobs: string;
  readonly snapshot: string;
  /** Adds a file to the snapshot, as a link into the blobs. */
  add(path: string, content: string): Promise<string>;
};

async function cache(bench: PluginBench): Promise<Cache> {
  const hub = join(bench.path, "hub");
  const folder = join(hub, "models--acme--tiny");
  const [blobs, snapshot] = [join(folder, "blobs"), join(folder, "snapshots", COMMIT)];
  for (const place of [blobs, snapshot, join(folder, "refs", "pr")]) {
    await mkdir(place, { recursive: true });
  }
  await writeFile(join(folder, "refs", "main"), COMMIT);
  await writeFile(join(folder, "refs", "pr", "1"), COMMIT);
  const add = async (path: string, content: string) => {
    const blob = join(blobs, blobName(path, content));
    const link = join(snapshot, path);
    await mkdir(dirname(link), { recursive: true });
    await writeFile(blob, content);
    await symlink(relative(dirname(link), blob), link);
    return blob;
  };
  for (const [path, content] of Object.entries(FILES)) await add(path, content);
  return { hub, blobs, snapshot, add };
}

function digest(bench: PluginBench, { hub }: Cache, reference: string) {
  return bench.run(["digest", reference, "--files", ...PLUGIN, "--hf-cache-dir", hub]);
}

test("hf-cache signs the names of the snapshot, by branch, by pull request and by commit", async () => {
  await using bench = await pluginBench();
  const made = await cache(bench);
  const outputs: string[] = [];
  for (const revision of ["", "@main", "@pr/1", `@${COMMIT}`]) {
    const outcome = await digest(bench, made, `hf-cache:acme/tiny${revision}`);
    assertStatus(outcome, 0, revision);
    outputs.push(outcome.stdout);
  }
  assert.equal(new Set(outputs).size, 1);
  for (const path of Object.keys(FILES)) assert.ok(outputs[0]!.includes(`  ${path}\n`), outputs[0]);
});

test("hf-cache finds the cache where the environment says", async () => {
  await using bench = await pluginBench();
  const { hub } = await cache(bench);
  const args = ["digest", "hf-cache:acme/tiny", ...PLUGIN];
  assertStatus(await bench.run(args, { env: { HF_HUB_CACHE: hub } }), 0, "HF_HUB_CACHE");
  await mkdir(join(bench.path, "hf"));
  await symlink(hub, join(bench.path, "hf", "hub"));
  const env = { HF_HUB_CACHE: "hub", HF_HOME: join(bench.path, "hf") };
  assertStatus(await bench.run(args, { env }), 0, "HF_HOME");
});

test("a signature of a cached model verifies in the cache and as a folder, and notices a change", async () => {
  await using bench = await pluginBench();
  const made = await cache(bench);
  const key = ["--signature", "tiny.sig", ...PLUGIN, "--hf-cache-dir", made.hub];
  const model = "hf-cache:acme/tiny";
  const sign = ["sign", "key", model, "--private-key", "key.pem", ...key];
  assertStatus(await bench.run(sign), 0, "sign");
  const verify = ["verify", "key", model, "--public-key", "key.pub", ...key, "--format", "json"];
  assertVerdict(await bench.run(verify), "verified", 0, []);
  for (const [path, content] of Object.entries(FILES)) {
    await bench.write({ [`copy/${path}`]: content });
  }
  const copy = ["verify", "key", "copy", "--public-key", "key.pub", "--signature", "tiny.sig"];
  assertStatus(await bench.run(copy), 0, "as a folder");
  await writeFile(join(made.blobs, blobName("config.json", FILES["config.json"]!)), "{}");
  assertVerdict(await bench.run(verify), "rejected", 1, ["FILE_MODIFIED"]);
});

test("hf-cache notices a large file that is not what the cache says it is", async () => {
  await using bench = await pluginBench();
  const made = await cache(bench);
  const path = "weights/model.safetensors";
  await writeFile(join(made.blobs, blobName(path, FILES[path]!)), "x".repeat(FILES[path]!.length));
  const outcome = await digest(bench, made, "hf-cache:acme/tiny");
  assertFault(outcome, 3, "MODEL_REFUSED");
  assert.match(outcome.stderr, /ENTRY_DIGEST/);
});

test("hf-cache refuses it, too, when it is hashed otherwise", async () => {
  await using bench = await pluginBench();
  const { hub, add } = await cache(bench);
  await writeFile(await add("other.safetensors", "as it was"), "as it is!");
  for (const how of [["--hash-algorithm", "blake3"], ["--shard-size", "4"]]) {
    const args = ["digest", "hf-cache:acme/tiny", ...PLUGIN, "--hf-cache-dir", hub, ...how];
    const outcome = await bench.run(args);
    assertFault(outcome, 3, "MODEL_REFUSED");
    assert.match(outcome.stderr, /other\.safetensors.*\[ENTRY_UNREADABLE\]/);
  }
});

test("hf-cache follows no link that leads out of the blobs", async () => {
  await using bench = await pluginBench();
  const outside: readonly (readonly [string, string, (made: Cache) => Promise<void>])[] = [
    ["absolute", "ENTRY_SYMLINK", ({ snapshot }) => symlink("/etc/passwd", join(snapshot, "x"))],
    [
      "relative",
      "ENTRY_SYMLINK",
      ({ snapshot }) => symlink("../../../../key.pem", join(snapshot, "x")),
    ],
    ["by name", "ENTRY_SYMLINK", async ({ snapshot, blobs }) => {
      await writeFile(join(blobs, "notes.txt"), "x");
      await symlink("../../blobs/notes.txt", join(snapshot, "x"));
    }],
    ["into another model", "ENTRY_SYMLINK", async ({ snapshot, hub }) => {
      await bench.write({ [`hub/models--acme--other/blobs/${OTHER}`]: "x" });
      await symlink(join(hub, "models--acme--other", "blobs", OTHER), join(snapshot, "x"));
    }],
    ["through a blob", "ENTRY_NOT_REGULAR", async ({ snapshot, blobs }) => {
      await symlink("/etc/passwd", join(blobs, OTHER));
      await symlink(`../../blobs/${OTHER}`, join(snapshot, "x"));
    }],
    [
      "nowhere",
      "ENTRY_SYMLINK_DANGLING",
      ({ snapshot }) => symlink(`../../blobs/${OTHER}`, join(snapshot, "x")),
    ],
    ["to a folder", "ENTRY_SYMLINK", ({ snapshot }) => symlink("../../blobs", join(snapshot, "x"))],
  ];
  for (const [what, code, arrange] of outside) {
    await rm(join(bench.path, "hub"), { recursive: true, force: true });
    const made = await cache(bench);
    await arrange(made);
    const outcome = await digest(bench, made, "hf-cache:acme/tiny");
    assertFault(outcome, 3, "MODEL_REFUSED");
    assert.ok(outcome.stderr.includes(`[${code}]`), `${what}: ${outcome.stderr}`);
  }
});

test("hf-cache refuses references that name no cached model", async () => {
  await using bench = await pluginBench();
  const made = await cache(bench);
  for (
    const reference of [
      "hf-cache:",
      "hf-cache:../tiny",
      "hf-cache:acme/../tiny",
      "hf-cache:acme/tiny/more",
      "hf-cache:acme/tiny@",
      "hf-cache:acme/tiny@../../x",
      "hf-cache:acme/tiny@a/../b",
      "hf-cache:acme--tiny",
      "hf-cache:acme/ti ny",
    ]
  ) assertFault(await digest(bench, made, reference), 2, "USAGE");
  for (
    const reference of [
      "hf-cache:acme/none",
      "hf-cache:acme/tiny@v9",
      `hf-cache:acme/tiny@${OTHER}`,
    ]
  ) {
    assertFault(await digest(bench, made, reference), 3, "MODEL_NOT_FOUND");
  }
});

test("hf-cache passes plugin check", async () => {
  await using bench = await pluginBench();
  const { hub } = await cache(bench);
  const set = ["--set", `hf-cache-dir=${hub}`, "--reference", "hf-cache:acme/tiny"];
  const outcome = await bench.run(["plugin", "check", MODULE, ...set, "--format", "json"]);
  assertStatus(outcome, 0, "check");
  const { results } = JSON.parse(outcome.stdout);
  assert.ok(results.length > 20);
});

test("the contract suites run on a plugin without the program, as its author's own tests do", async () => {
  await using bench = await pluginBench();
  const { hub } = await cache(bench);
  const { providers } = hfCache(pluginHost);
  const provider = providers.find((provider) => provider.kind === "source");
  assert.ok(provider);
  const cases = sourceContract(async () =>
    (await provider.open("hf-cache:acme/tiny", { "hf-cache-dir": hub }, {})).source
  );
  assert.ok(cases.length > 0);
  for (const { run } of cases) await run();
});
