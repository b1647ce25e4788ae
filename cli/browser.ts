/** Opens an address in the person's browser. */

import { spawn } from "node:child_process";
import { dirname } from "node:path";
import process from "node:process";
import { childEnvironment } from "../core/mod.ts";
import { findProgram } from "../plugins/mod.ts";
import type { Io } from "./io.ts";

/** A program and its arguments. */
export type BrowserCommand = { readonly program: string; readonly args: readonly string[] };

/**
 * Hands an `http:` or `https:` address to the system, which opens it in whatever the person uses. Only whether
 * that could be started is known, not whether a page was shown.
 *
 * @returns false for another address, without a graphical session, and when nothing could be started
 */
export async function openBrowser(url: string, env: Io["env"]): Promise<boolean> {
  const command = await browserCommand(url, process.platform, env);
  if (!command) return false;
  return await new Promise<void>((resolve, reject) => {
    // Node and Deno emit why it could not be started; Bun may throw it.
    const child = spawn(command.program, command.args, {
      // What PATH names relative to the current folder is not the system's.
      cwd: dirname(command.program),
      env: childEnvironment(env),
      detached: true,
      stdio: "ignore",
      windowsHide: true,
    });
    child.once("error", reject);
    child.once("spawn", () => {
      child.unref();
      resolve();
    });
  }).then(() => true, () => false);
}

/** What opens the address on a platform; undefined when nothing can. */
export async function browserCommand(
  url: string,
  platform: NodeJS.Platform,
  env: Io["env"],
): Promise<BrowserCommand | undefined> {
  const address = webAddress(url);
  if (address === undefined) return undefined;
  const remote = isSet(env["SSH_CONNECTION"]);
  switch (platform) {
    case "darwin":
      return remote ? undefined : { program: "/usr/bin/open", args: [address] };
    case "win32": {
      const root = env["SystemRoot"];
      if (remote || root === undefined || !/^[A-Za-z]:\\/.test(root)) return undefined;
      return {
        program: `${root}\\System32\\rundll32.exe`,
        args: ["url.dll,FileProtocolHandler", address],
      };
    }
    default: {
      if (!isSet(env["DISPLAY"]) && !isSet(env["WAYLAND_DISPLAY"])) return undefined;
      const program = await findProgram("xdg-open", env);
      return program === undefined ? undefined : { program, args: [address] };
    }
  }
}

/** The address, escaped as the URL standard says: no space, quote or control character is left in it. */
function webAddress(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
