import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import { checkWritable, readBundleFile, writeFileAtomically } from "../../core/files.ts";
import { MAX_BUNDLE_BYTES } from "../../core/limits.ts";
import { bundleOf, encode } from "../support/bundles.ts";
import { evaluation, moduleUrl } from "../support/evaluate.ts";
import { ROOT } from "../support/project.ts";

const OLD = "what was there before";
const NEW = Uint8Array.of(1, 2, 3);

async function inFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "files-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.equal(error.code, code);
}

/** Runs a script where `folder` is a file system of its own: Linux, as root or with user namespaces. */
function inMount(folder: string, options: string, script: string): string {
  const [runtime, ...args] = evaluation(script);
  const mount = `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`;
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const { stdout, stderr, status } = spawnSync(
    "unshare",
    ["--mount", ...asRoot, "sh", "-c", mount, folder, runtime, ...args],
    { encoding: "utf8", cwd: ROOT },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

test("readBundleFile() reads a signature file", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.sig");
    writeFileSync(path, encode(bundleOf()));
    const bundle = await readBundleFile(path);
    assert.ok(bundle.ok);
    assert.equal(bundle.value.material.kind, "public-key");
  });
});

test("readBundleFile() gives a finding for what is in the file", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.sig");
    for (const content of ["", "{", "\0".repeat(100)]) {
      writeFileSync(path, content);
      const bundle = await readBundleFile(path);
      assert.equal(bundle.ok ? undefined : bundle.issue.code, "BUNDLE_MALFORMED");
    }
  });
});

test("readBundleFile() refuses a file above the limit before it is read", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.sig");
    writeFileSync(path, "");
    // 8 TiB that take no room on disk: reading them would not end.
    for (const size of [MAX_BUNDLE_BYTES + 1, 8 * 1024 ** 4]) {
      truncateSync(path, size);
      const bundle = await readBundleFile(path);
      assert.equal(bundle.ok ? undefined : bundle.issue.code, "BUNDLE_TOO_LARGE");
    }
  });
});

test("readBundleFile() refuses what is missing or no regular file, and does not wait for a FIFO", async () => {
  await inFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    mkdirSync(at("folder"));
    writeFileSync(at("file"), "x");
    execFileSync("mkfifo", [at("fifo")]);
    symlinkSync("nowhere", at("dangling"));
    symlinkSync("loop", at("loop"));
    symlinkSync("fifo", at("link-to-fifo"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
    try {
      for (
        const path of [
          ...["missing", "folder", "fifo", "link-to-fifo", "socket", "dangling", "loop"].map(at),
          at("file/below"),
          at("x".repeat(300)),
          at("nul\0"),
          "/dev/null",
          "/dev/zero",
          "",
        ]
      ) await refused(readBundleFile(path), "BUNDLE_UNREADABLE");
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

test("readBundleFile() follows a symbolic link to a file", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "model.sig"), encode(bundleOf()));
    symlinkSync("model.sig", join(folder, "link"));
    assert.ok((await readBundleFile(join(folder, "link"))).ok);
  });
});

test("writeFileAtomically() writes a new file and replaces an old one, and leaves nothing else", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.sig");
    for (const content of [Uint8Array.of(1), new Uint8Array(3_000_000).fill(7), new Uint8Array()]) {
      await checkWritable(path);
      await writeFileAtomically(path, content);
      assert.deepEqual(Uint8Array.from(readFileSync(path)), content);
      assert.deepEqual(readdirSync(folder), ["model.sig"]);
    }
  });
});

test("writeFileAtomically() gives the file the permissions that new files have", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.sig");
    writeFileSync(join(folder, "plain"), "");
    await writeFileAtomically(path, NEW);
    assert.equal(lstatSync(path).mode, lstatSync(join(folder, "plain")).mode);
  });
});

test("writeFileAtomically() takes the longest and oddest names", async () => {
  await inFolder(async (folder) => {
    for (const name of ["x".repeat(255), "日".repeat(85), "-rf", " ", "a\nb", "\u202e"]) {
      await checkWritable(join(folder, name));
      await writeFileAtomically(join(folder, name), NEW);
      assert.deepEqual(readdirSync(folder), [name]);
      rmSync(join(folder, name));
    }
  });
});

test("writeFileAtomically() replaces a link by the file, and leaves what it led to", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "target"), OLD);
    symlinkSync("target", join(folder, "model.sig"));
    await writeFileAtomically(join(folder, "model.sig"), NEW);
    assert.ok(lstatSync(join(folder, "model.sig")).isFile());
    assert.equal(readFileSync(join(folder, "target"), "utf8"), OLD);
  });
});

test("writeFileAtomically() refuses to take the place of anything but a file", async () => {
  await inFolder(async (folder) => {
    const at = (name: string) => join(folder, name);
    mkdirSync(at("folder"));
    mkdirSync(at("full"));
    writeFileSync(at("full/x"), "x");
    execFileSync("mkfifo", [at("fifo")]);
    symlinkSync("/dev/null", at("device"));
    for (const name of ["folder", "full", "fifo", "device"]) {
      await refused(checkWritable(at(name)), "FILE_UNWRITABLE");
      await refused(writeFileAtomically(at(name), NEW), "FILE_UNWRITABLE");
    }
    assert.deepEqual(readdirSync(folder).toSorted(), ["device", "fifo", "folder", "full"]);
    assert.ok(lstatSync(at("fifo")).isFIFO());
    assert.equal(readlinkSync(at("device")), "/dev/null");
    assert.deepEqual(readdirSync(at("folder")), []);
  });
});

test("writeFileAtomically() refuses paths that cannot be", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "file"), OLD);
    for (
      const path of [
        join(folder, "missing/model.sig"),
        join(folder, "file/model.sig"),
        join(folder, "x".repeat(256)),
        join(folder, "nul\0"),
        "/proc/model.sig",
        "/dev/null/model.sig",
      ]
    ) {
      await refused(writeFileAtomically(path, NEW), "FILE_UNWRITABLE");
    }
    assert.deepEqual(readdirSync(folder), ["file"]);
    assert.equal(readFileSync(join(folder, "file"), "utf8"), OLD);
    await refused(checkWritable(join(folder, "missing/model.sig")), "FILE_UNWRITABLE");
    await refused(checkWritable(join(folder, "file/model.sig")), "FILE_UNWRITABLE");
  });
});

test("checkWritable() leaves everything as it is", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "model.sig");
    await checkWritable(path);
    assert.ok(!existsSync(path));
    writeFileSync(path, OLD);
    await checkWritable(path);
    assert.equal(readFileSync(path, "utf8"), OLD);
    assert.deepEqual(readdirSync(folder), ["model.sig"]);
  });
});

if (process.platform === "linux") {
  test("writeFileAtomically() leaves the old file when the disk is full, and nothing else", async () => {
    await inFolder((folder) => {
      const output = inMount(
        folder,
        "size=64k",
        `
        const { readdirSync, readFileSync, writeFileSync } = await import("node:fs");
        const { writeFileAtomically } = await import(${JSON.stringify(moduleUrl("core/files.ts"))});
        const path = ${JSON.stringify(join(folder, "model.sig"))};
        writeFileSync(path, ${JSON.stringify(OLD)});
        const error = await writeFileAtomically(path, new Uint8Array(1e6)).catch((error) => error);
        console.log(JSON.stringify([
          error?.code,
          readFileSync(path, "utf8"),
          readdirSync(${JSON.stringify(folder)}),
        ]));
      `,
      );
      assert.deepEqual(JSON.parse(output), ["FILE_UNWRITABLE", OLD, ["model.sig"]]);
    });
  });

  test("writeFileAtomically() and checkWritable() refuse a folder that is read-only", async () => {
    await inFolder((folder) => {
      const output = inMount(
        folder,
        "ro",
        `
        const { checkWritable, writeFileAtomically } = await import(
          ${JSON.stringify(moduleUrl("core/files.ts"))}
        );
        const path = ${JSON.stringify(join(folder, "model.sig"))};
        const errors = [
          await writeFileAtomically(path, new Uint8Array(1)).catch((error) => error),
          await checkWritable(path).catch((error) => error),
        ];
        console.log(JSON.stringify(errors.map((error) => error?.code)));
      `,
      );
      assert.deepEqual(JSON.parse(output), ["FILE_UNWRITABLE", "FILE_UNWRITABLE"]);
    });
  });
}
