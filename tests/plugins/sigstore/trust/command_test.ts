import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { Settings } from "../../../../core/plugin.ts";
import { trustCommand } from "../../../../plugins/sigstore/trust/command.ts";
import { assertRefused, TRUSTED_ROOT, tufRepository } from "./repository.ts";

/** Long enough for the machine's own clock. */
const EXPIRES = "2090-01-01T00:00:00Z";

/** Runs a subcommand with a folder of its own for caches, and gives what it printed. */
async function run(
  name: string,
  settings: Settings,
  cacheFolder: string,
  operand?: string,
): Promise<string> {
  assert.ok("subcommands" in trustCommand);
  const command = trustCommand.subcommands.find((each) => each.name === name);
  assert.ok(command, name);
  const before = process.env["XDG_CACHE_HOME"];
  process.env["XDG_CACHE_HOME"] = cacheFolder;
  let printed = "";
  try {
    const stdout = (text: string) => void (printed += text);
    const status = await command.run(
      settings,
      operand === undefined ? { stdout, success: stdout } : { stdout, success: stdout, operand },
    );
    assert.equal(status, 0);
  } finally {
    if (before === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = before;
  }
  return printed;
}

/** Runs a test with a new folder. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trust-command-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("trust show prints every log and authority of the built-in trust", async () => {
  await inFolder(async (folder) => {
    const page = await run("show", {}, folder);
    const root = JSON.parse(TRUSTED_ROOT);
    for (const { baseUrl, logId } of [...root.tlogs, ...root.ctlogs]) {
      assert.ok(page.includes(baseUrl), baseUrl);
      assert.ok(page.includes(Buffer.from(logId.keyId, "base64").toString("hex")), baseUrl);
    }
    for (const { uri } of [...root.certificateAuthorities, ...root.timestampAuthorities]) {
      assert.ok(page.includes(uri), uri);
    }
    assert.match(page, /built in, of 2026-05-12/);
  });
});

test("trust show --format json prints the same as JSON", async () => {
  await inFolder(async (folder) => {
    const view = JSON.parse(await run("show", { format: "json", "use-staging": true }, folder));
    assert.equal(view.origin.kind, "built-in");
    assert.equal(view.origin.date, "2026-04-17T00:00:00Z");
    assert.equal(typeof view.origin.ageInDays, "number");
    assert.equal(view.transparencyLogs.at(-1).key, "Ed25519");
    assert.equal(view.signing.logs.use, "any");
  });
});

test("trust show prints nothing that could move the cursor", async () => {
  await inFolder(async (folder) => {
    const json = JSON.parse(TRUSTED_ROOT);
    const evil = "https://x/\u001b[2J\u202e\n";
    json.tlogs[0].baseUrl = evil;
    json.certificateAuthorities[0].uri = evil;
    json.ctlogs[0].publicKey.keyDetails = evil;
    const path = join(folder, "root.json");
    await writeFile(path, JSON.stringify(json));
    for (const format of ["text", "json"]) {
      const page = await run("show", { "trust-root": path, format }, folder);
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(page, /[\u001b\u202e]/);
    }
  });
});

test("trust export writes what --trust-config reads, and - prints it", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "instance.json");
    await run("export", {}, folder, path);
    const shown = JSON.parse(await run("show", { "trust-config": path, format: "json" }, folder));
    const known = JSON.parse(await run("show", { format: "json" }, folder));
    assert.deepEqual({ ...shown, origin: null }, { ...known, origin: null });
    assert.equal(await run("export", {}, folder, "-"), await readFile(path, "utf8"));
  });
});

test("trust export leaves out a signing config that there is not", async () => {
  await inFolder(async (folder) => {
    const [root, exported] = [join(folder, "root.json"), join(folder, "instance.json")];
    await writeFile(root, TRUSTED_ROOT);
    await run("export", { "trust-root": root }, folder, exported);
    const view = JSON.parse(
      await run("show", { "trust-config": exported, format: "json" }, folder),
    );
    assert.equal(view.signing, undefined);
  });
});

test("trust update fetches a repository that show and export then know by its root", async () => {
  await inFolder(async (folder) => {
    const expires = { root: EXPIRES, timestamp: EXPIRES, snapshot: EXPIRES, targets: EXPIRES };
    const repository = tufRepository({ expires });
    const server = createServer((request, response) => {
      const body = repository.files.get(request.url!.slice(1));
      response.statusCode = body ? 200 : 404;
      response.end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const root = join(folder, "tuf_root.json");
      await writeFile(root, repository.root);
      const settings = { "tuf-root": root };
      await assertRefused(run("show", settings, folder), "TRUST_UNAVAILABLE");
      const said = await run(
        "update",
        { ...settings, "tuf-url": `http://127.0.0.1:${port}` },
        folder,
      );
      assert.match(said, /version 1/);
      const view = JSON.parse(await run("show", { ...settings, format: "json" }, folder));
      assert.equal(view.origin.kind, "cache");
      assert.equal(view.origin.version, 1);
      const exported = join(folder, "instance.json");
      await run("export", settings, folder, exported);
      await run("show", { "trust-config": exported }, folder);
      // As a mirror of Sigstore's it has no say.
      const mirror = { "tuf-url": `http://127.0.0.1:${port}` };
      await assertRefused(run("update", mirror, folder), "TRUST_REFUSED");
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

test("trust update refuses settings that name two repositories, or half of one", async () => {
  await inFolder(async (folder) => {
    const root = join(folder, "tuf_root.json");
    await writeFile(root, tufRepository().root);
    await assertRefused(run("update", { "tuf-root": root }, folder), "USAGE");
    const both = { "tuf-root": root, "use-staging": true, "tuf-url": "http://127.0.0.1:1" };
    await assertRefused(run("update", both, folder), "USAGE");
  });
});

test("trust takes what could weaken trust from the command line only", () => {
  assert.ok("subcommands" in trustCommand);
  for (const { options } of trustCommand.subcommands) {
    for (const option of options.filter(({ name }) => name !== "format")) {
      assert.equal(option.fromEnvironment, false, option.name);
    }
  }
});
