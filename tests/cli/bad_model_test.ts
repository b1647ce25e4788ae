/** Models that cannot be signed or verified: one clear fault or finding, and nothing written. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertFault, assertRejected, assertStatus, assertVerdict } from "../support/outcome.ts";
import { snapshot } from "../support/snapshot.ts";
import { OLD_SIGNATURE, SIGN, VERIFY, type Workbench, workbench } from "../support/workbench.ts";

const VERIFY_JSON = [...VERIFY, "--format", "json"];

/** A workbench whose model was signed while it was still well. */
async function signedBench(): Promise<Workbench> {
  const bench = await workbench();
  assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
  return bench;
}

/** Asserts that `sign` and `digest` end with one fault, and leave the old signature and nothing else. */
async function assertNotSigned(
  bench: Workbench,
  fault: string,
  issue?: string,
  flags: readonly string[] = [],
): Promise<void> {
  const before = snapshot(bench.path);
  for (const args of [SIGN, ["digest", "model"]]) {
    const outcome = await cli([...args, ...flags], { cwd: bench.path });
    assertFault(outcome, 3, fault);
    assert.equal(outcome.stdout, "");
    if (issue !== undefined) assert.match(outcome.stderr, new RegExp(`\\[${issue}\\]`));
  }
  assert.deepEqual(snapshot(bench.path), before);
}

/** Asserts what `verify` says about the model as it is now. */
async function assertFound(bench: Workbench, ...issues: readonly string[]): Promise<void> {
  assertRejected(await cli(VERIFY_JSON, { cwd: bench.path }), issues);
}

test("a missing model ends with MODEL_NOT_FOUND", async () => {
  await using bench = await signedBench();
  await rm(join(bench.path, "model"), { recursive: true });
  await assertNotSigned(bench, "MODEL_NOT_FOUND");
  assertFault(await cli(VERIFY, { cwd: bench.path }), 3, "MODEL_NOT_FOUND");
});

test("an empty model cannot be signed, and against a signature all files are missing", async () => {
  await using bench = await signedBench();
  await rm(join(bench.path, "model"), { recursive: true });
  await mkdir(join(bench.path, "model/empty/folders"), { recursive: true });
  await assertNotSigned(bench, "MODEL_EMPTY");
  await assertFound(bench, "FILE_MISSING");
});

test("a model of nothing but git paths and ignored files is empty", async () => {
  await using bench = await signedBench();
  await rm(join(bench.path, "model"), { recursive: true });
  await bench.write({ "model/.git/HEAD": "ref", "model/.gitignore": "*", "model/notes": "x" });
  await assertNotSigned(bench, "MODEL_EMPTY", undefined, ["--ignore-paths", "notes"]);
});

test("empty files alone are a model, and in shards they are none", async () => {
  await using bench = await signedBench();
  await rm(join(bench.path, "model"), { recursive: true });
  await bench.write({ "model/empty": "" });
  await assertNotSigned(bench, "MODEL_EMPTY", undefined, ["--shard-size", "10"]);
  assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
});

test("a FIFO in the model is refused without being opened", async () => {
  await using bench = await signedBench();
  execFileSync("mkfifo", [join(bench.path, "model/pipe")]);
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_NOT_REGULAR");
  await assertFound(bench, "ENTRY_NOT_REGULAR");
});

test("a FIFO in the place of a signed file is refused without being opened", async () => {
  await using bench = await signedBench();
  await rm(join(bench.path, "model/config.json"));
  execFileSync("mkfifo", [join(bench.path, "model/config.json")]);
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_NOT_REGULAR");
  await assertFound(bench, "ENTRY_NOT_REGULAR");
});

test("a FIFO and a device are no models", async () => {
  await using bench = await signedBench();
  execFileSync("mkfifo", [join(bench.path, "pipe")]);
  for (const model of ["pipe", "/dev/zero"]) {
    const at = (args: readonly string[]) => args.map((arg) => arg === "model" ? model : arg);
    assertFault(await cli(at(SIGN), { cwd: bench.path }), 3, "MODEL_REFUSED");
    assertFault(await cli(at(VERIFY), { cwd: bench.path }), 3, "MODEL_REFUSED");
    assertFault(await cli(["digest", model], { cwd: bench.path }), 3, "MODEL_REFUSED");
  }
});

test("a socket in the model is refused", async () => {
  await using bench = await signedBench();
  const server = createServer().listen(join(bench.path, "model/socket"));
  try {
    await once(server, "listening");
    await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_NOT_REGULAR");
    await assertFound(bench, "ENTRY_NOT_REGULAR");
  } finally {
    server.close();
  }
});

test("a device is refused also behind a link that is followed", async () => {
  await using bench = await signedBench();
  await symlink("/dev/zero", join(bench.path, "model/zero"));
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_NOT_REGULAR", ["--allow-symlinks"]);
});

test("a symbolic link is refused by default", async () => {
  await using bench = await signedBench();
  await symlink("config.json", join(bench.path, "model/link.json"));
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_SYMLINK");
  await assertFound(bench, "ENTRY_SYMLINK");
});

test("a signed file that became a link to the same content is refused", async () => {
  await using bench = await signedBench();
  await rm(join(bench.path, "model/config.json"));
  await bench.write({ "elsewhere.json": '{"layers": 2}\n' });
  await symlink("../elsewhere.json", join(bench.path, "model/config.json"));
  await assertFound(bench, "ENTRY_SYMLINK");
  // The signature says how links were treated; --allow-symlinks does not widen it.
  const outcome = await cli([...VERIFY_JSON, "--allow-symlinks"], { cwd: bench.path });
  assertRejected(outcome, ["ENTRY_SYMLINK"]);
});

test("a cycle of links and a dangling link are refused when links are followed", async () => {
  await using bench = await signedBench();
  const flags = ["--allow-symlinks"];
  await symlink("..", join(bench.path, "model/weights/up"));
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_SYMLINK_CYCLE", flags);
  await rm(join(bench.path, "model/weights/up"));
  await symlink("nowhere", join(bench.path, "model/weights/dangling"));
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_SYMLINK_DANGLING", flags);
  await rm(join(bench.path, "model/weights/dangling"));
  await symlink("itself", join(bench.path, "model/weights/itself"));
  await assertNotSigned(bench, "MODEL_REFUSED", "ENTRY_SYMLINK_CYCLE", flags);
});

test("several bad entries are all named in one fault", async () => {
  await using bench = await signedBench();
  await symlink("config.json", join(bench.path, "model/link.json"));
  execFileSync("mkfifo", [join(bench.path, "model/weights/pipe")]);
  await writeFile(join(bench.path, "model/bad\\name"), "a backslash is fine here");
  const outcome = await cli(SIGN, { cwd: bench.path });
  assertFault(outcome, 3, "MODEL_REFUSED");
  assert.match(outcome.stderr, /link\.json.*\[ENTRY_SYMLINK\]/);
  assert.match(outcome.stderr, /weights\/pipe.*\[ENTRY_NOT_REGULAR\]/);
});

// Other systems refuse to make such a name.
if (process.platform === "linux") {
  test("a name that is not UTF-8 is refused, and one that holds U+FFFD likewise", async () => {
    await using bench = await signedBench();
    const make = (octal: string) =>
      execFileSync("sh", ["-c", `: > "$(printf 'bad${octal}name')"`], {
        cwd: join(bench.path, "model"),
      });
    for (const octal of ["\\377", "\\303", "\\355\\240\\200", "\\357\\277\\275"]) {
      make(octal);
      const before = await cli(["digest", "model"], { cwd: bench.path });
      assertFault(before, 3, "MODEL_REFUSED");
      assert.match(before.stderr, /\[ENTRY_NAME\]/);
      assertFault(await cli(SIGN, { cwd: bench.path }), 3, "MODEL_REFUSED");
      await assertFound(bench, "ENTRY_NAME");
      execFileSync("sh", ["-c", "rm bad*name"], { cwd: join(bench.path, "model") });
    }
  });
}

/** Time enough to change a file between its listing and the end of its hashing. */
const LARGE_BYTES = 2 ** 31;

/** What can happen to a model once it has been listed. */
const CHANGES: Readonly<Record<string, (model: string) => Promise<unknown>>> = {
  "that grows": (model) => writeFile(join(model, "a-large"), "!", { flag: "a" }),
  "that shrinks": (model) => truncate(join(model, "a-large"), LARGE_BYTES / 2),
  "that is written to in place": (model) => writeFile(join(model, "a-large"), "!", { flag: "r+" }),
  "that becomes empty": (model) => truncate(join(model, "a-large"), 0),
};

for (const [change, apply] of Object.entries(CHANGES)) {
  test(`a file ${change} while it is hashed is not signed, and not verified`, async () => {
    await using bench = await workbench();
    const model = join(bench.path, "model");
    await writeFile(join(model, "a-large"), "");
    await truncate(join(model, "a-large"), LARGE_BYTES);
    await writeFile(join(bench.path, "model.sig"), OLD_SIGNATURE);
    const whileHashing = async (args: readonly string[]) => {
      let changed: Promise<unknown> | undefined;
      const outcome = await cli([...args, "--log-level", "debug"], {
        cwd: bench.path,
        step: { after: "enumerate done", act: () => changed = apply(model) },
      });
      assert.ok(changed !== undefined, "the model was listed");
      await changed;
      await truncate(join(model, "a-large"), LARGE_BYTES);
      return outcome;
    };

    const before = snapshot(bench.path);
    assertFault(await whileHashing(SIGN), 3, "MODEL_REFUSED");
    assert.deepEqual(snapshot(bench.path), before);

    assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
    assertVerdict(await whileHashing(VERIFY_JSON), "inconclusive", 3, ["FILE_CHANGED"]);
  });
}

/** Sixteen such files keep one job busy while most of them are still to be opened. */
const FILE_BYTES = 2 ** 27;

/** What can happen to files that were listed and not yet opened. */
const REPLACEMENTS: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  "replaced by a link to the same content": async (file) => {
    await rename(file, `${file}.moved`);
    await symlink(`${file}.moved`, file);
  },
  "replaced by another file": async (file) => {
    await writeFile(`${file}.new`, "");
    await truncate(`${file}.new`, FILE_BYTES);
    await rename(`${file}.new`, file);
  },
  "removed": (file) => rm(file),
};

for (const [change, apply] of Object.entries(REPLACEMENTS)) {
  test(`files ${change} after they were listed are not signed, and not verified`, async () => {
    await using bench = await workbench();
    const files = Array.from({ length: 16 }, (_, index) => join(bench.path, `model/${index}.bin`));
    const restore = async () => {
      for (const file of files) {
        await rm(file, { force: true });
        await writeFile(file, "");
        await truncate(file, FILE_BYTES);
      }
    };
    const whileHashing = async (args: readonly string[]) => {
      await restore();
      let changed: Promise<unknown> | undefined;
      const outcome = await cli([...args, "--log-level", "debug", "--jobs", "1"], {
        cwd: bench.path,
        step: { after: "enumerate done", act: () => changed = Promise.all(files.map(apply)) },
      });
      await changed;
      return outcome;
    };
    assertFault(await whileHashing(SIGN), 3, "MODEL_REFUSED");
    assert.ok(!existsSync(join(bench.path, "model.sig")));
    await restore();
    assertStatus(await cli(SIGN, { cwd: bench.path }), 0, "sign");
    assertVerdict(await whileHashing(VERIFY_JSON), "inconclusive", 3, ["FILE_CHANGED"]);
  });
}
