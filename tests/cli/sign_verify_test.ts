import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { MODEL_FILES, SIGN, VERIFY, workbench } from "../support/workbench.ts";

/** The root digest, made without the program. */
function expectedRoot(): string {
  const names = Object.keys(MODEL_FILES).sort();
  const root = createHash("sha256");
  for (const name of names) {
    root.update(createHash("sha256").update(MODEL_FILES[name]!).digest());
  }
  return `sha256:${root.digest("hex")}`;
}

test("sign and verify tell what was signed, by whom, and end with 0", async () => {
  await using folder = await workbench();
  await folder.write({ "model/.git/HEAD": "ref\n" });
  const cwd = folder.path;
  const signed = await cli(SIGN, { cwd });
  assert.equal(signed.status, 0, signed.stderr);
  assert.equal(signed.stderr, "");
  for (const part of ["SIGNED", "model.sig", "3 files", ".git", expectedRoot()]) {
    assert.ok(signed.stdout.includes(part), part);
  }
  const verified = await cli(VERIFY, { cwd });
  assert.equal(verified.status, 0, verified.stderr);
  assert.match(verified.stdout, /^VERIFIED/);
  for (
    const part of [
      "EC P-256",
      "key hint",
      "no trusted timestamp",
      "3 files",
      ".git",
      expectedRoot(),
    ]
  ) assert.ok(verified.stdout.includes(part), part);
});

test("digest prints the root digest and nothing else", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  assert.deepEqual(await cli(["digest", "model"], { cwd }), {
    status: 0,
    stdout: `${expectedRoot()}\n`,
    stderr: "",
  });
});

test("digest lists each file, as text and as JSON", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const text = await cli(["digest", "model", "--files"], { cwd });
  assert.equal(text.stdout.split("\n").length, 5);
  assert.match(text.stdout, /\nsha256:[0-9a-f]{64} {2}weights\/part-2\.bin\n$/);
  const json = await cli(["digest", "model", "--files", "--format", "json"], { cwd });
  const value = JSON.parse(json.stdout);
  assert.equal(value.rootDigest, expectedRoot());
  assert.deepEqual(
    value.resources.map(({ name }: { name: string }) => `model/${name}`),
    Object.keys(MODEL_FILES).sort(),
  );
});

test("verify rejects with 1 and says that the signature holds and the files differ", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  await rm(join(cwd, "model/config.json"));
  await appendFile(join(cwd, "model/weights/part-1.bin"), "!");
  await folder.write({ "model/evil.py": "import os\n" });
  const { status, stdout } = await cli(VERIFY, { cwd });
  assert.equal(status, 1);
  assert.match(stdout, /^REJECTED .*signature holds.*files differ/);
  for (const code of ["FILE_MISSING", "FILE_MODIFIED", "FILE_UNSIGNED"]) {
    assert.ok(stdout.includes(code), code);
  }
  assert.match(stdout, /expected [0-9a-f]{64}\n +found +[0-9a-f]{64}\n/);
  assert.match(stdout, /Signed by +key EC P-256/);
});

test("verify forgives unsigned files when it is told to", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  await folder.write({ "model/notes.txt": "later\n" });
  assert.equal((await cli(VERIFY, { cwd })).status, 1);
  assert.equal((await cli([...VERIFY, "--ignore_unsigned_files"], { cwd })).status, 0);
});

test("ignore paths outside the model leave nothing out, with a warning, as in the Python tool", async () => {
  await using bench = await workbench();
  const cwd = bench.path;
  const signature = ["--signature", "model.sig"];
  const paths = [
    "key.pem",
    join(cwd, "key.pem"),
    "/etc/passwd",
    "..",
    "../elsewhere",
    "a//../../b",
  ];
  for (const path of [...paths, "/"]) {
    const ignore = ["--ignore-paths", path];
    for (const args of [[...SIGN, ...signature], VERIFY]) {
      const { status, stdout, stderr } = await cli([...args, ...ignore], { cwd });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /outside the model, so it leaves nothing out/);
      assert.match(stdout, /3 files/);
    }
  }
  const file = SIGN.map((arg) => arg === "model" ? "model/config.json" : arg);
  const { status, stderr } = await cli([...file, "--ignore-paths", "model.sig"], { cwd });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /outside the model/);
});

test("verify rejects a foreign key, and says that the files were not looked at", async () => {
  await using folder = await workbench();
  await using stranger = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  await writeFile(join(cwd, "key.pub"), await readFile(join(stranger.path, "key.pub")));
  const { status, stdout } = await cli(VERIFY, { cwd });
  assert.equal(status, 1);
  assert.match(stdout, /^REJECTED .*not looked at/);
  assert.match(stdout, /KEY_HINT_MISMATCH/);
});

test("verify rejects a signature file that is none", async () => {
  await using folder = await workbench();
  await folder.write({ "model.sig": "{}" });
  const { status, stdout } = await cli(VERIFY, { cwd: folder.path });
  assert.equal(status, 1);
  assert.match(stdout, /^REJECTED .*cannot be used/);
});

test("sign writes only the bundle to stdout when it is told to", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const { status, stdout, stderr } = await cli([...SIGN, "--signature", "-"], { cwd });
  assert.equal(status, 0, stderr);
  assert.ok("dsseEnvelope" in JSON.parse(stdout));
  assert.match(stderr, /^SIGNED/);
  await writeFile(join(cwd, "model.sig"), stdout);
  assert.equal((await cli(VERIFY, { cwd })).status, 0);
});

test("sign leaves its own signature out of the model, also on the second run", async () => {
  await using folder = await workbench();
  const cwd = join(folder.path, "model");
  const args = ["sign", "key", ".", "--private-key", "../key.pem"];
  assert.equal((await cli(args, { cwd })).status, 0);
  const first = await readFile(join(cwd, "model.sig"), "utf8");
  assert.equal((await cli(args, { cwd })).status, 0);
  const payload = (text: string) => JSON.parse(text).dsseEnvelope.payload;
  assert.equal(payload(await readFile(join(cwd, "model.sig"), "utf8")), payload(first));
});

test("sign finds out before hashing that the signature cannot be written", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  // The key is missing too; a complaint about the target shows that it was looked at first.
  for (const target of ["missing/model.sig", "model", "key.pub/model.sig"]) {
    const args = ["sign", "key", "model", "--private-key", "none.pem", "--signature", target];
    const { status, stderr } = await cli(args, { cwd });
    assert.equal(status, 3, target);
    assert.match(stderr, /\[FILE_UNWRITABLE\]/, target);
  }
});

test("sign refuses to replace a single-file model by its signature", async () => {
  await using folder = await workbench();
  await folder.write({ "model.bin": "weights" });
  const cwd = folder.path;
  const args = ["sign", "key", "model.bin", "--private-key", "key.pem", "--signature"];
  const { status } = await cli([...args, "./model.bin"], { cwd });
  assert.equal(status, 2);
  assert.equal(await readFile(join(cwd, "model.bin"), "utf8"), "weights");
});

test("sign that fails leaves the old signature and no other file", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  const before = await readFile(join(cwd, "model.sig"));
  const names = await readdir(cwd);
  await rm(join(cwd, "model"), { recursive: true });
  await mkdir(join(cwd, "model"));
  const { status, stderr } = await cli(SIGN, { cwd });
  assert.equal(status, 3);
  assert.match(stderr, /\[MODEL_EMPTY\]/);
  assert.deepEqual(await readFile(join(cwd, "model.sig")), before);
  assert.deepEqual(await readdir(cwd), names);
});

test("inspect says that nothing was verified, as text and as JSON", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  const text = await cli(["inspect", "model.sig"], { cwd });
  assert.equal(text.status, 0);
  assert.match(text.stdout, /^NOTHING WAS VERIFIED/);
  for (const part of ["key hint", "3 files", "sha256", "weights/part-1.bin", expectedRoot()]) {
    assert.ok(text.stdout.includes(part), part);
  }
  const json = JSON.parse((await cli(["inspect", "model.sig", "--format=json"], { cwd })).stdout);
  assert.equal(json.verified, false);
  assert.equal(json.method, "key");
  assert.equal(json.statement.resources.length, 3);
});

test("a model or signature that is missing ends with 3 and a code", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const model = await cli(["digest", "none"], { cwd });
  assert.equal(model.status, 3);
  assert.match(model.stderr, /^model-signing: error: .*\[MODEL_NOT_FOUND\]/);
  const signature = await cli(VERIFY, { cwd });
  assert.equal(signature.status, 3);
  assert.match(signature.stderr, /\[BUNDLE_UNREADABLE\]/);
  assert.equal((await cli(["inspect", "key.pem"], { cwd })).status, 3);
});

test("wrong usage ends with 2, and stdout stays empty", async () => {
  await using folder = await workbench();
  for (const args of [[], ["sign", "pgp", "model"], ["digest", "model", "--frob"]]) {
    const { status, stdout, stderr } = await cli(args, { cwd: folder.path });
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^model-signing: error: .*\[USAGE\]\nmodel-signing: hint: /);
  }
});

test("options come from the environment, from JSON on stdin and from the command line", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const env = {
    MODEL_SIGNING_PRIVATE_KEY: "none.pem",
    MODEL_SIGNING_SIGNATURE: "environment.sig",
    MODEL_SIGNING_IGNORE_PATHS: "config.json",
  };
  const stdin = JSON.stringify({ model: "model", private_key: "key.pem", shard_size: "1KiB" });
  const signed = await cli(["sign", "key", "--json", "-"], { cwd, env, stdin });
  assert.equal(signed.status, 0, signed.stderr);
  assert.match(signed.stderr, /MODEL_SIGNING_IGNORE_PATHS is ignored/);
  assert.match(signed.stdout, /3 files/);
  assert.match(signed.stdout, /in shards of 1\.00 KiB/);
  const args = [...VERIFY.slice(0, -2), "--signature", "environment.sig"];
  assert.equal((await cli(args, { cwd })).status, 0);
});
