/**
 * The Python tool `model_signing` as an oracle, and its library.
 *
 * `MODEL_SIGNING_PYTHON_TOOL` names its command; without that it is looked for on `PATH`. In CI it has to be
 * there; elsewhere the tests that need it are skipped, and say so.
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { leftOutTest } from "./left_out.ts";

/** What a run of the tool or of a script ended with. */
export type PythonRun = {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** The installed tool. */
export type PythonTool = {
  /** Runs its command line. */
  run(args: readonly string[], cwd?: string): PythonRun;
  /** Runs a script that may import `model_signing`; `args` are its `sys.argv[1:]`. */
  script(source: string, args: readonly string[]): PythonRun;
};

/** A test that needs the Python tool. */
export function pythonTest(name: string, body: (tool: PythonTool) => void | Promise<void>): void {
  const command = find();
  if (command !== undefined) {
    test(name, () => body(toolAt(command)));
    return;
  }
  leftOutTest(
    name,
    "the Python tool, or what it is asked for, is not installed: pip install model-signing==1.1.1 " +
      "sigstore==4.5.1 pyOpenSSL==26.4.0 kubernetes-validate==1.37.0 cel-python==0.5.0",
  );
}

function find(): string | undefined {
  const named = process.env["MODEL_SIGNING_PYTHON_TOOL"];
  if (named) return named;
  return (process.env["PATH"] ?? "").split(delimiter)
    .map((folder) => join(folder, "model_signing"))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function toolAt(command: string): PythonTool {
  // Not through a symbolic link of the interpreter: its place tells Python where the packages are.
  const python = join(dirname(realpathSync(command)), "python3");
  return {
    run: (args, cwd) => spawned(command, args, cwd),
    script: (source, args) => spawned(python, ["-c", source, ...args]),
  };
}

function spawned(command: string, args: readonly string[], cwd?: string): PythonRun {
  const run = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (run.error) throw run.error;
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}
