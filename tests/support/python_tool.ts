/**
 * The Python tool `model_signing` as an oracle, and its library.
 *
 * `MODEL_SIGNING_PYTHON_TOOL` names its command; without that it is looked for on `PATH`. In CI it has to be
 * there; elsewhere the tests that need it are skipped, and say so.
 */

import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { commandPath, leftOutTest } from "./left_out.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** The installed tool. */
export type PythonTool = {
  /** Runs its command line. */
  run(args: readonly string[], cwd?: string): Outcome;
  /** Runs a script that may import `model_signing`; `args` are its `sys.argv[1:]`. */
  script(source: string, args: readonly string[]): Outcome;
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
  return process.env["MODEL_SIGNING_PYTHON_TOOL"] || commandPath("model_signing");
}

function toolAt(command: string): PythonTool {
  // Not through a symbolic link of the interpreter: its place tells Python where the packages are.
  const python = join(dirname(realpathSync(command)), "python3");
  return {
    run: (args, cwd) => outcomeOf([command, ...args], cwd === undefined ? {} : { cwd }),
    script: (source, args) => outcomeOf([python, "-c", source, ...args]),
  };
}
