import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { onTerminal } from "../support/pty.ts";
import { workbench } from "../support/workbench.ts";

/** File names that clear the screen, set its title, reorder, hide or forge lines. */
const NAMES = [
  "\x1b[2J\x1b[1;1Hcleared",
  "\x1b]0;title\x07",
  "\x1b[31mred",
  "\x9b31mcsi of one byte",
  "evil\u202ecod.exe",
  "isolate\u2066\u2069",
  "forged\nVERIFIED",
  "return\rVERIFIED",
  "tab\tand\vfeed\f",
  "back\b\b\b\bspace",
  "zero\u200bwidth\ufeff",
  "line\u2028separator\u0085",
  "tags\u{e0041}\u{e0042}",
];

/** A dozen runs; Bun stops a test after 5 s. */
const SLOW = { timeout: 60_000 };

/** What none of the outputs may hold. A newline is fine where a line of ours ends. */
const RAW =
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|[\u{e0000}-\u{e007f}]/u;

function assertHarmless(text: string): void {
  const found = RAW.exec(text);
  assert.equal(found, null, `raw ${JSON.stringify(found?.[0])} in ${JSON.stringify(text)}`);
  assert.ok(!/^VERIFIED$/m.test(text) && !/^VERIFIED"/m.test(text));
}

test(
  "no file name reaches the terminal unescaped, in any report, list or error",
  SLOW,
  async () => {
    await using folder = await workbench();
    const cwd = folder.path;
    const model = `model\x1b[7m\u202e`;
    await rename(join(cwd, "model"), join(cwd, model));
    for (const name of NAMES) await writeFile(join(cwd, model, name), "x");
    const sign = ["sign", "key", model, "--private-key", "key.pem"];
    const verify = ["verify", "key", model, "--public-key", "key.pub", "--signature", "model.sig"];
    const outputs: string[] = [];
    const run = async (args: readonly string[], status: number) => {
      const result = await cli(args, { cwd });
      assert.equal(result.status, status, `${args.join(" ")}: ${result.stderr}`);
      outputs.push(result.stdout, result.stderr);
      return result.stdout;
    };
    await run([...sign, "--ignore-paths", NAMES[0]!, "--log-level", "debug"], 0);
    await run(sign, 0);
    await run([...verify, "--log-level", "debug", "--log-format", "json"], 0);
    await run(["digest", model, "--files"], 0);
    await run(["inspect", "model.sig"], 0);
    const inspection = JSON.parse(await run(["inspect", "model.sig", "--format", "json"], 0));
    const names = inspection.statement.resources.map(({ name }: { name: string }) => name);
    // JSON escapes are undone by whoever parses them: the names are all there.
    for (const name of NAMES) assert.ok(names.includes(name), JSON.stringify(name));

    const [first, second, ...others] = NAMES;
    await rm(join(cwd, model, first!));
    await writeFile(join(cwd, model, second!), "changed");
    await writeFile(join(cwd, model, `new ${others.join("")}`), "");
    await run(verify, 1);
    await run([...verify, "--format", "json"], 1);
    await run(["digest", NAMES.join("")], 3);
    await run(["inspect", `${NAMES[1]}`], 3);
    await run(["sign", `${NAMES[2]}`, "model"], 2);
    await run([`--${NAMES[0]}`], 2);
    await run(["digest", model, "--json", `{"${"\\u001b[31m"}": 1}`], 2);
    outputs.forEach(assertHarmless);
  },
);

test("no file name reaches the terminal unescaped through the progress line", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await rm(join(cwd, "model"), { recursive: true });
  await folder.write({ [`model/${NAMES.slice(0, 5).join("")}`]: Buffer.alloc(1 << 20) });
  const { status, terminal } = await onTerminal(["digest", "model"], { cwd, columns: 200 });
  assert.equal(status, 0);
  assert.match(terminal, /hashing/);
  assertHarmless(terminal.replaceAll("\r\x1b[K", ""));
});
