/** The person at the terminal, as commands and plugins reach them. */

import { type Interaction, printable, Secret } from "../core/mod.ts";
import { openBrowser } from "./browser.ts";
import type { Io } from "./io.ts";
import { readLine } from "./read_line.ts";
import { openTerminal, type Terminal, writeToTerminal } from "./terminal.ts";

/** How a person is asked. */
export type PromptOptions = {
  /** Longest wait for one answer, in ms. */
  readonly timeout: number;
  /** Takes a progress line away before something is written to the terminal. */
  readonly clear: () => void;
};

/** The person at the controlling terminal. */
export function terminalInteraction(
  io: Pick<Io, "stderr" | "env">,
  { timeout, clear }: PromptOptions,
): Interaction {
  let terminal: Terminal | undefined;
  const question = async (prompt: string, echo: boolean, signal: AbortSignal | undefined) => {
    terminal ??= openTerminal();
    clear();
    terminal.write(printable(prompt));
    try {
      return await readLine(terminal, { echo, timeout, signal });
    } finally {
      terminal.write("\n");
    }
  };
  return {
    askSecret: async (prompt, signal) => new Secret(await question(prompt, false, signal)),
    ask: (prompt, signal) => question(prompt, true, signal),
    confirm: async (prompt, signal) => {
      for (;;) {
        const answer = await question(`${prompt} [y/N] `, true, signal);
        if (/^\s*(?:n|no)?\s*$/i.test(answer)) return false;
        if (/^\s*(?:y|yes)\s*$/i.test(answer)) return true;
      }
    },
    tell: (text) => {
      const lines = text.split("\n").map((line) => `${printable(line)}\n`).join("");
      clear();
      // What is told before a question must stand where the question does, also when stderr is a file.
      if (io.stderr.isTerminal || !writeToTerminal(lines)) io.stderr.write(lines);
    },
    openBrowser: (url) => openBrowser(url, io.env),
  };
}
