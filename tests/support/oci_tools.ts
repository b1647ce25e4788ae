/**
 * Other tools for registries, to see that they and ours understand each other.
 *
 * `skopeo` and `docker-registry` are in every Debian, and needed in CI. `oras` and `cosign` are in few: `MODEL_SIGNING_ORAS`
 * and `MODEL_SIGNING_COSIGN` name them, or they are on `PATH`; tests that need them are skipped without, and say so.
 */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { commandPath, leftOutTest, optionalTest } from "./left_out.ts";
import { hasDockerRegistry } from "./registry.ts";

/** The tools. */
export type ToolName = "skopeo" | "oras" | "cosign";

/** How a tool is run. */
export type ToolOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
};

/** Runs a tool and gives what it printed. Throws when it fails. */
export type Tool = (args: readonly string[], options?: ToolOptions) => string;

/** A test with `docker-registry` and a tool. */
export function toolTest(
  name: string,
  tool: ToolName,
  body: (tool: Tool) => Promise<void>,
): void {
  const program = find(tool);
  if (!hasDockerRegistry) return leftOutTest(name, "docker-registry is not installed");
  if (program !== undefined) return void test(name, () => body(toolAt(program)));
  if (tool === "skopeo") return leftOutTest(name, "skopeo is not installed");
  optionalTest(
    name,
    `${tool} is not installed: MODEL_SIGNING_${tool.toUpperCase()} names its program`,
  );
}

function find(tool: ToolName): string | undefined {
  // One that was named has to be there.
  return process.env[`MODEL_SIGNING_${tool.toUpperCase()}`] || commandPath(tool);
}

function toolAt(program: string): Tool {
  return (args, { cwd, env, stdin } = {}) => {
    const run = spawnSync(program, args, {
      cwd,
      env: { ...process.env, ...env },
      input: stdin,
      encoding: "utf8",
    });
    if (run.error) throw run.error;
    if (run.status !== 0) {
      throw new Error(
        `${program} ${args.join(" ")} gave ${run.status}:\n${run.stdout}${run.stderr}`,
      );
    }
    return run.stdout;
  };
}
