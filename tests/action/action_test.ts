/** action.yml, and the list of checksums beside its script. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { withRelease } from "../../.github/action/pin.ts";
import { INPUTS, inputVariable } from "./runner.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), "utf8");

test("action.yml hands every input on in a variable, and none to a shell", () => {
  const action = read("action.yml");
  const script = read(".github/action/run.sh");
  const inputs = action.slice(action.indexOf("\ninputs:"), action.indexOf("\noutputs:"));
  const declared = [...inputs.matchAll(/^ {2}([a-z-]+):$[\s\S]*?^ {4}default: (.*)$/gm)]
    .map(([, name, value]) => [name, value === '""' ? "" : value]);
  assert.deepEqual(Object.fromEntries(declared), INPUTS);
  for (const name of Object.keys(INPUTS)) {
    const variable = inputVariable(name);
    assert.match(action, new RegExp(`^ {8}${variable}: \\$\\{\\{ inputs\\.${name} \\}\\}$`, "m"));
    assert.match(script, new RegExp(`\\$\\{?${variable}\\b`), variable);
  }
  const steps = action.slice(action.indexOf("\nruns:"));
  for (const [line] of steps.matchAll(/^.*\$\{\{.*$/gm)) assert.match(line, /^ {8}[A-Z_]+: /);
  const written = [...script.matchAll(/\boutput ([a-z-]+) /g)].map(([, name]) => name);
  const outputs = [...action.matchAll(/steps\.run\.outputs\.([a-z-]+) /g)].map(([, name]) => name);
  assert.deepEqual([...new Set(written)].sort(), outputs.sort());
});

test("withRelease() puts a release in front, in place of what was said of it", () => {
  const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(64));
  const before =
    `# head\n${a}  v1.1.0/model-signing-linux-x64\n${a}  v1.0.0/model-signing-linux-x64\n`;
  const sums =
    `${c}  model-signing-windows-x64.exe\n${b} *./model-signing-linux-x64-musl\n${c}  sbom.json\n`;
  const pinned =
    `${b}  v1.1.0/model-signing-linux-x64-musl\n${c}  v1.1.0/model-signing-windows-x64.exe\n`;
  const after = `# head\n${pinned}${a}  v1.0.0/model-signing-linux-x64\n`;
  assert.equal(withRelease(before, sums, "1.1.0"), after);
  assert.equal(withRelease(after, sums, "1.1.0"), after);
  assert.throws(() => withRelease(before, "", "1.1.0"));
});

test("checksums.txt holds comments and pinned binaries, and nothing else", () => {
  for (const line of read(".github/action/checksums.txt").split("\n")) {
    assert.match(
      line,
      /^(#.*|[0-9a-f]{64} {2}v\d+\.\d+\.\d+\S*\/model-signing-[a-z0-9-]+(\.exe)?|)$/,
    );
  }
});
