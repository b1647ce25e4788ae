/** Windows, as far as Wine is one. */

import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { programEnvironment } from "../support/cli.ts";
import { isInstalled } from "../support/left_out.ts";
import { outcomeOf } from "../support/outcome.ts";
import type { Machine } from "./machine.ts";

const COMPILER = "x86_64-w64-mingw32-gcc";
const SHIM = fileURLToPath(new URL("bcryptprimitives.c", import.meta.url));

/** Wine, running one binary. Dispose of it: its server stays otherwise. */
export type WineMachine = Machine & Disposable;

/** Why nothing can be run in Wine here. */
export function whyNoWine(): string | undefined {
  const missing = ["wine", "wineserver", COMPILER].filter((command) => !isInstalled(command));
  return missing.length > 0 ? `no ${missing.join(", ")}` : undefined;
}

/** Makes a Windows in an empty folder, with a binary in it. */
export function wineMachine(path: string, binary: string): WineMachine {
  const folder = join(path, "work");
  mkdirSync(folder);
  copyFileSync(binary, join(folder, "model-signing.exe"));
  const library = join(folder, "bcryptprimitives.dll");
  execFileSync(COMPILER, ["-shared", "-O1", "-o", library, SHIM, "-ladvapi32"]);
  const env = programEnvironment({
    ...{ WINEPREFIX: join(path, "prefix"), WINEDEBUG: "-all" },
    ...{ HOME: path, TMPDIR: path },
  });
  return {
    folder,
    place: "",
    run: (args) =>
      outcomeOf(["wine", "./model-signing.exe", ...args], { cwd: folder, env, timeout: 120_000 }),
    [Symbol.dispose]: () => void spawnSync("wineserver", ["--kill", "--wait"], { env }),
  };
}
