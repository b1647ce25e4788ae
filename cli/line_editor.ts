/** What the keys do while a person types a line in raw mode. */

import { printable } from "../core/mod.ts";

/** Longer than any password or code; a file piped into the terminal by mistake ends here. */
const MAX_LINE_CHARACTERS = 4096;

/** Whether the line goes on, is finished, or was given up. */
export type LineState = "open" | "finished" | "cancelled";

/** One line as it is typed: Enter finishes it, Ctrl-C and Ctrl-D give it up, backspace and Ctrl-U correct it. */
export class LineEditor {
  readonly #typed: string[] = [];
  readonly #show: (text: string) => void;

  /** @param show writes to the terminal what the person is to see */
  constructor(show: (text: string) => void) {
    this.#show = show;
  }

  /** What was typed, corrections made. */
  get line(): string {
    return this.#typed.join("");
  }

  /** Takes one character as the terminal sends it. */
  take(character: string): LineState {
    switch (character) {
      case "\r":
      case "\n":
        return "finished";
      case "\x03":
        return "cancelled";
      case "\x04":
        return this.#typed.length === 0 ? "cancelled" : "open";
      case "\x7f":
      case "\b":
        this.#erase(Math.min(this.#typed.length, 1));
        return "open";
      case "\x15":
        this.#erase(this.#typed.length);
        return "open";
      default:
        if (character >= " " && this.#typed.length < MAX_LINE_CHARACTERS) this.#append(character);
        return "open";
    }
  }

  #append(character: string): void {
    this.#typed.push(character);
    this.#show(printable(character));
  }

  #erase(count: number): void {
    // As the system's own line editor does it: a line that has wrapped is not taken back as a whole.
    const erased = this.#typed.splice(this.#typed.length - count);
    this.#show("\b \b".repeat(erased.map(printable).join("").length));
  }
}
