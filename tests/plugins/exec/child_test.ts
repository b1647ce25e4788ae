import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { evaluation, moduleUrl } from "../../support/evaluate.ts";
import { workbench } from "../../support/workbench.ts";

function output(script: string): string {
  const [runtime, ...args] = evaluation(`import process from "node:process";\n${script}`);
  return execFileSync(runtime, args, { encoding: "utf8" });
}

test("importing the library registers nothing for the end of the process", () => {
  const count = `process.listenerCount("exit")`;
  const found = output(
    `const before = ${count}; await import("${
      moduleUrl("mod.ts")
    }"); console.log(${count} - before);`,
  );
  assert.equal(found, "0\n");
});

if (process.platform !== "win32") {
  test("PluginChild leaves nothing at the end of the process once it has ended, and comes first before", () => {
    const found = output(`
      const { PluginChild } = await import("${moduleUrl("plugins/exec/child.ts")}");
      process.on("exit", () => {});
      const before = process.listeners("exit");
      const options = { who: "plugin", environment: {}, declared: [] };
      const one = await PluginChild.start("/bin/cat", options);
      const two = await PluginChild.start("/bin/cat", options);
      const children = process.listeners("exit")[0];
      await one.close();
      console.log(process.listeners("exit")[0] === children && !before.includes(children));
      await two.close();
      console.log(process.listeners("exit").includes(children));
    `);
    assert.equal(found, "true\nfalse\n");
  });

  test("PluginChild does not outlive this process, nor does its folder", async () => {
    await using bench = await workbench();
    const pid = join(bench.path, "pid");
    await bench.write({ program: `#!/bin/sh\necho $$ > '${pid}'\nexec sleep 600\n` });
    const path = join(bench.path, "program");
    await chmod(path, 0o755);
    const options = { who: "plugin", environment: {}, declared: [] };
    const folder = output(`
      import { existsSync, readFileSync } from "node:fs";
      import { setTimeout as sleep } from "node:timers/promises";
      const { PluginChild } = await import("${moduleUrl("plugins/exec/child.ts")}");
      const child = await PluginChild.start(${JSON.stringify(path)}, ${JSON.stringify(options)});
      const pid = ${JSON.stringify(pid)};
      while (!existsSync(pid) || !readFileSync(pid, "utf8").endsWith("\\n")) await sleep(10);
      console.log(child.folder);
      process.exit(0);
    `).trimEnd();
    await assert.rejects(stat(folder), { code: "ENOENT" });
    const started = Number(await readFile(pid, "utf8"));
    const runs = () => {
      try {
        return process.kill(started, 0);
      } catch {
        return false;
      }
    };
    while (runs()) await sleep(10);
  });
}
