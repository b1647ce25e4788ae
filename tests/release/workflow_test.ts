import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/project.ts";

type Step = { readonly uses?: string; readonly run?: string };
type Job = {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
};
type Workflow = {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
};

/** Bun reads YAML; neither Deno nor Node.js does. */
function readYaml(path: string): unknown {
  const script = `console.log(JSON.stringify((await import(process.argv[1])).default))`;
  const bun = join(ROOT, "node_modules", "bun", "bin", "bun.exe");
  const { status, stdout, stderr } = spawnSync(bun, ["-e", script, path], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test("the release workflow pins every action to a commit, and may write only where it publishes", () => {
  const path = join(ROOT, ".github", "workflows", "release.yml");
  const workflow = readYaml(path) as Workflow;
  assert.deepEqual(workflow.permissions, {});
  for (const [name, { permissions = {}, steps }] of Object.entries(workflow.jobs)) {
    for (const { uses } of steps) {
      if (uses !== undefined) assert.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/, name);
    }
    const writes = Object.values(permissions).includes("write");
    assert.equal(writes, name === "publish", name);
    // A release is published by what runs none of the project's code.
    if (writes) assert.ok(!steps.some(({ run }) => /deno|npm|bun/.test(run ?? "")), name);
  }
  for (const { steps } of Object.values(workflow.jobs)) {
    for (const { run } of steps) {
      // Contexts of the event in a script would be run as a part of it.
      if (run !== undefined) assert.doesNotMatch(run, /\$\{\{\s*(?:github|secrets|vars|inputs)\b/);
    }
  }
});
