/** The person at the terminal, as commands and plugins reach them. */

import { type Interaction, printable, Secret, throwIfAborted } from "../core/mod.ts";
import { openBrowser } from "./browser.ts";
import type { Io } from "./io.ts";
import { printableLines } from "./log.ts";
import { readLine } from "./read_line.ts";
import { openTerminal, type Terminal, writeToTerminal } from "./terminal.ts";

/** How a person is asked. */
export type PromptOptions = {
  /** Longest wait for one answer, in ms. */
  readonly timeout: number;
  /** Takes a progress line away before something is written to the terminal. */
  readonly clear: () => void;
  /** Writes what the person is told to stderr. */
  readonly tell: (text: string) => void;
};

/** The person at the controlling terminal. */
export function terminalInteraction(
  io: Pick<Io, "stderr" | "env">,
  { timeout, clear, tell }: PromptOptions,
): Interaction {
  let terminal: Terminal | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const question = (prompt: string, echo: boolean, signal: AbortSignal | undefined) => {
    // One after the other: of two at once, the one for a line would show what is typed for a secret.
    const answer = last.then(() => ask(prompt, echo, signal));
    last = answer.catch(() => {});
    return answer;
  };
  const ask = async (prompt: string, echo: boolean, signal: AbortSignal | undefined) => {
    throwIfAborted(signal);
    terminal ??= openTerminal();
    clear();
    try {
      return await readLine(terminal, { prompt: printable(prompt), echo, timeout, signal });
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
      clear();
      // What is told before a question must stand where the question does, also when stderr is a file.
      if (io.stderr.isTerminal || !writeToTerminal(printableLines(text))) tell(text);
    },
    openBrowser: (url) => openBrowser(url, io.env),
  };
}
