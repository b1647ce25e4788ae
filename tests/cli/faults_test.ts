import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { tellFault } from "../../cli/report/faults.ts";
import type { Log } from "../../cli/log.ts";
import { type Issue, ModelSigningError, textLogger } from "../../core/mod.ts";
import { runtimeCommand } from "../support/cli.ts";
import { workbench } from "../support/workbench.ts";

function told(error: unknown, level: Log["level"] = "info"): { status: number; text: string } {
  let text = "";
  const write = (more: string) => void (text += more);
  const logger = textLogger({ level, write });
  const log: Log = { level, format: "text", toFile: false, logger, tell: write };
  return { status: tellFault(error, write, log), text };
}

test("tellFault() maps usage to 2 and everything else to 3", () => {
  assert.equal(told(new ModelSigningError("USAGE", "x")).status, 2);
  assert.equal(told(new ModelSigningError("USAGE_IGNORE_PATH", "x")).status, 2);
  assert.equal(told(new ModelSigningError("MODEL_NOT_FOUND", "x")).status, 3);
  assert.equal(told("not even an error").status, 3);
});

test("tellFault() calls an unexpected error INTERNAL, and shows its stack at debug level only", () => {
  const error = new TypeError("x is not a function");
  assert.match(told(error).text, /\[INTERNAL\]/);
  assert.ok(!told(error).text.includes("faults_test.ts"));
  assert.ok(told(error, "debug").text.includes("faults_test.ts"));
  assert.equal(told(error, "silent").text, "");
});

test("tellFault() lists the first 20 findings on lines of their own and counts the rest", () => {
  const issues = [...Array(25).keys()].map((index): Issue => ({
    code: "ENTRY_SYMLINK",
    message: `entry ${index}\x1b[31m`,
  }));
  const { text } = told(new ModelSigningError("MODEL_REFUSED", "x", { issues, hint: "do this" }));
  assert.equal(text.split("[ENTRY_SYMLINK]\n").length - 1, 20);
  assert.match(text, /and 5 more\nmodel-signing: hint: do this\n$/);
  assert.ok(!text.includes("\x1b"));
});

test("tellFault() names the option that sets the limit which was passed", () => {
  const late = new ModelSigningError("NETWORK_TIMEOUT", "x did not answer within 30 s");
  assert.match(told(late).text, /hint: .*--timeout\n$/);
  const own = new ModelSigningError("NETWORK_TIMEOUT", "x", { hint: "do this" });
  assert.match(told(own).text, /hint: do this\n$/);
});

test("tellFault() shows no identity token, wherever one stands", () => {
  const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJkZXYifQ.c2lnbmF0dXJl-_1";
  const said = `unexpected argument "${token}"`;
  const issue: Issue = { code: "ENTRY_SYMLINK", message: said };
  for (
    const error of [
      new ModelSigningError("USAGE", said, { hint: said, issues: [issue], cause: Error(said) }),
      new TypeError(said),
      said,
    ]
  ) {
    const { text } = told(error, "debug");
    assert.match(text, /unexpected argument "\[redacted\]"/);
    for (const part of token.split(".")) assert.ok(!text.includes(part), text);
  }
  // Not what only begins like one.
  assert.match(told(new ModelSigningError("USAGE", "eyJ.eyJ.")).text, /eyJ\.eyJ\./);
});

/** Run by the tests of signals. */
const SIGNALS = JSON.stringify(new URL("../../cli/signals.ts", import.meta.url).href);

test("SIGHUP ends a run, unless it was ignored from the beginning, as by nohup", async () => {
  if (process.platform !== "linux") return;
  await using folder = await workbench();
  const script = join(folder.path, "hangup.ts");
  await writeFile(
    script,
    `import { abortOnSignals } from ${SIGNALS};
     const signal = abortOnSignals();
     const end = () => { console.log(signal.reason ?? "none"); process.exit(); };
     signal.addEventListener("abort", end);
     if (process.listenerCount("SIGHUP") === 0) end();
     setInterval(() => {}, 1000);
     process.kill(process.pid, "SIGHUP");`,
  );
  const command = runtimeCommand(script);
  const ended = (words: readonly string[]) => spawnSync("env", words, { encoding: "utf8" }).stdout;
  assert.equal(ended(["--default-signal=HUP", ...command]), "aborted by SIGHUP\n");
  assert.equal(ended(["--ignore-signal=HUP", ...command]), "none\n");
});

test("a second SIGINT ends a process that the first one did not", async () => {
  await using folder = await workbench();
  const script = join(folder.path, "stubborn.ts");
  await writeFile(
    script,
    `import { abortOnSignals } from ${SIGNALS};
     abortOnSignals().addEventListener("abort", () => console.log("first"));
     setInterval(() => {}, 1000);
     console.log("ready");`,
  );
  const [runtime, ...args] = runtimeCommand(script);
  const child = spawn(runtime, args, { stdio: ["ignore", "pipe", "inherit"] });
  // Once when it is ready and once when it has told of the first signal.
  child.stdout.on("data", () => process.kill(child.pid!, "SIGINT"));
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(status, 130);
});
