import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { RunOptions } from "../../../core/options.ts";
import { askProgram, type ProgramAnswer } from "../../../plugins/_program/mod.ts";
import { workbench } from "../../support/workbench.ts";

/** What a shell script answers to `arguments of the call` and the input `in`. */
async function answer(
  script: string,
  options: RunOptions = {},
  environment: Readonly<Record<string, string>> = {},
): Promise<ProgramAnswer> {
  await using bench = await workbench();
  await bench.write({ tool: script.startsWith("#!") ? script : `#!/bin/sh\n${script}\n` });
  const path = join(bench.path, "tool");
  await chmod(path, 0o755);
  const call = { path, args: ["a b", "$c"], environment, input: "in\n", maxBytes: 1000 };
  return await askProgram({ ...call, timeout: 60_000 }, options);
}

if (process.platform !== "win32") {
  test("askProgram() gives arguments and input, and takes what is written", async () => {
    assert.deepEqual(await answer('read line; echo "$1,$2,$line"'), { stdout: "a b,$c,in\n" });
  });

  test("askProgram() passes on no settings of ours, and no entry of PATH that is relative", async () => {
    const PATH = ["", "/usr/bin", ".", "bin", "/bin"].join(delimiter);
    const { stdout } = await answer('echo "$PATH $KEPT"; env | grep -c MODEL_SIGNING_', {}, {
      PATH,
      KEPT: "kept",
      MODEL_SIGNING_PASSWORD: "hunter2",
    });
    assert.equal(stdout, "/usr/bin:/bin kept\n0\n");
  });

  test("askProgram() says why there is no answer, in no words of the program", async () => {
    const failed = await answer("echo said; echo hunter2 >&2; exit 3");
    assert.equal(failed.stdout, "said\n");
    assert.deepEqual(failed.fault, { reason: "it ended with status 3", status: 3, late: false });
    for (const stream of ["", " >&2"]) {
      assert.deepEqual((await answer(`exec cat /dev/zero${stream}`)).fault, {
        reason: "it wrote more than 1000 bytes",
        status: undefined,
        late: false,
      });
    }
    assert.deepEqual((await answer("exec sleep 600", { timeout: 100 })).fault, {
      reason: "it did not end within 0.1 s",
      status: undefined,
      late: true,
    });
    assert.deepEqual((await answer("kill -TERM $$")).fault, {
      reason: "it was ended by SIGTERM",
      status: undefined,
      late: false,
    });
    assert.deepEqual((await answer("#!/nonexistent/interpreter\n")).fault, {
      reason: "it could not be run (ENOENT)",
      status: undefined,
      late: false,
    });
  });

  test("askProgram() ends a program when the run is aborted", async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const running = answer("exec sleep 600", { signal: abort.signal });
    await assert.rejects(running, { code: "ABORTED" });
    await assert.rejects(answer("echo x", { signal: abort.signal }), { code: "ABORTED" });
  });
}
