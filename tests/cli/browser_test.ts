import assert from "node:assert/strict";
import { chmod, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { test } from "node:test";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { browserCommand, openBrowser } from "../../cli/browser.ts";
import { type Workbench, workbench } from "../support/workbench.ts";

const ADDRESS = "https://issuer.example/auth?state=a&nonce=b";

/** A folder with an `xdg-open` in it. */
async function desktop(script: string): Promise<Workbench> {
  const folder = await workbench();
  await folder.write({ "bin/xdg-open": script });
  await chmod(join(folder.path, "bin/xdg-open"), 0o755);
  return folder;
}

async function written(path: string): Promise<string> {
  for (;;) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text.endsWith("end\n")) return text;
    await sleep(20);
  }
}

test("browserCommand() names the system's own program by its absolute path", async () => {
  assert.deepEqual(await browserCommand(ADDRESS, "darwin", {}), {
    program: "/usr/bin/open",
    args: [ADDRESS],
  });
  assert.deepEqual(await browserCommand(ADDRESS, "win32", { SystemRoot: "C:\\Windows" }), {
    program: "C:\\Windows\\System32\\rundll32.exe",
    args: ["url.dll,FileProtocolHandler", ADDRESS],
  });
  assert.equal(await browserCommand(ADDRESS, "win32", { SystemRoot: "Windows" }), undefined);
  assert.equal(await browserCommand(ADDRESS, "win32", {}), undefined);
});

test("browserCommand() finds xdg-open on PATH, but not in the current folder", async () => {
  await using folder = await desktop("#!/bin/sh\n");
  const bin = join(folder.path, "bin");
  const command = (PATH: string) => browserCommand(ADDRESS, "linux", { DISPLAY: ":0", PATH });
  assert.deepEqual(await command(`::.:${folder.path}:${bin}`), {
    program: join(bin, "xdg-open"),
    args: [ADDRESS],
  });
  assert.equal(await command(`:.:${relative(process.cwd(), bin)}:`), undefined);
  const back = process.cwd();
  process.chdir(bin);
  try {
    assert.equal(await command(bin), undefined);
  } finally {
    process.chdir(back);
  }
  await chmod(join(bin, "xdg-open"), 0o644);
  assert.equal(await command(bin), undefined);
});

test("browserCommand() gives nothing without a graphical session", async () => {
  await using folder = await desktop("#!/bin/sh\n");
  const PATH = join(folder.path, "bin");
  const SSH_CONNECTION = "192.0.2.1 5000 192.0.2.2 22";
  assert.equal(await browserCommand(ADDRESS, "linux", { PATH }), undefined);
  assert.equal(
    await browserCommand(ADDRESS, "linux", { PATH, DISPLAY: "", SSH_CONNECTION }),
    undefined,
  );
  assert.equal(await browserCommand(ADDRESS, "darwin", { SSH_CONNECTION }), undefined);
  assert.equal(
    await browserCommand(ADDRESS, "win32", { SSH_CONNECTION, SystemRoot: "C:\\Windows" }),
    undefined,
  );
  // A display that is forwarded is one.
  assert.ok(
    await browserCommand(ADDRESS, "linux", { PATH, DISPLAY: "localhost:10.0", SSH_CONNECTION }),
  );
  assert.ok(await browserCommand(ADDRESS, "linux", { PATH, WAYLAND_DISPLAY: "wayland-0" }));
});

test("browserCommand() refuses what is not an address of the web, and escapes the rest", async () => {
  const refused = ["file:///etc/passwd", "javascript:alert(1)", "-a Calculator", "", "example.com"];
  for (const url of refused) assert.equal(await browserCommand(url, "darwin", {}), undefined, url);
  assert.deepEqual(
    (await browserCommand('http://127.0.0.1:8080/a "b"\n?c=$(d)', "darwin", {}))?.args,
    [
      "http://127.0.0.1:8080/a%20%22b%22?c=$(d)",
    ],
  );
});

test("openBrowser() hands over the address alone, without our settings in the environment", async () => {
  await using folder = await desktop(
    '#!/bin/sh\n{ echo "$#"; echo "$1"; pwd; env; echo end; } > "$OUTPUT"\n',
  );
  const output = join(folder.path, "output");
  const env = {
    PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}`,
    DISPLAY: ":0",
    OUTPUT: output,
    KEPT: "kept",
    BUN_OPTIONS: "--bad",
    BUN_BE_BUN: "1",
    MODEL_SIGNING_IDENTITY_TOKEN: "secret",
  };
  assert.equal(await openBrowser(ADDRESS, env), true);
  const lines = (await written(output)).split("\n");
  assert.deepEqual(lines.slice(0, 3), ["1", ADDRESS, join(folder.path, "bin")]);
  assert.ok(lines.includes("KEPT=kept"));
  assert.ok(!/MODEL_SIGNING_|secret|BUN_/.test(lines.join("\n")));
});

test("openBrowser() waits for no browser, and tells when none could be started", async () => {
  await using folder = await desktop("#!/bin/sh\nexec sleep 5\n");
  const env = { PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}`, DISPLAY: ":0" };
  assert.equal(await openBrowser(ADDRESS, env), true);
  // More than the system takes for one argument.
  assert.equal(await openBrowser(`${ADDRESS}${"a".repeat(1 << 20)}`, env), false);
  await folder.write({ "bin/xdg-open": `#!${join(folder.path, "missing")}\n` });
  assert.equal(await openBrowser(ADDRESS, env), false);
  assert.equal(await openBrowser("file:///etc/passwd", env), false);
});
