/** What a plugin asks and tells the person at the terminal, through the program. */

import { ModelSigningError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Interaction, RunOptions } from "../../core/options.ts";
import { printable } from "../../core/text.ts";
import type { Stopwatch } from "../_plugin/mod.ts";
import { MAX_PROMPTS } from "./limits.ts";

/** Characters of a question. */
const MAX_QUESTION = 500;

/** The members of an answer. */
export type Answer =
  & { readonly prompt: number }
  & ({ readonly value: string | boolean } | { readonly error: string });

/** The questions of one request. */
export class Prompts {
  readonly #who: string;
  readonly #run: RunOptions;
  readonly #stopwatch: Stopwatch;
  readonly #answer: (answer: Answer) => void;
  #asked = 0;

  /** Takes the plugin's name for people, and what sends an answer. */
  constructor(
    who: string,
    run: RunOptions,
    stopwatch: Stopwatch,
    answer: (answer: Answer) => void,
  ) {
    this.#who = who;
    this.#run = run;
    this.#stopwatch = stopwatch;
    this.#answer = answer;
  }

  /** Takes a frame `prompt`, `tell` or `progress`. Gives what is wrong with it, if anything is. */
  take(frame: JsonObject): string | undefined {
    const { type, text } = frame;
    if (typeof text !== "string" || text === "" || text.length > MAX_QUESTION) {
      return `wrote a ${String(type)} without a text of at most ${MAX_QUESTION} characters`;
    }
    const { interaction, logger } = this.#run;
    if (type === "progress") logger?.log("info", `${this.#who}: ${text}`);
    else if (type === "tell") {
      // Without a person there is still a log.
      if (interaction) interaction.tell(this.#spoken(text));
      else logger?.log("info", `${this.#who}: ${text}`);
    } else return this.#question(frame, text);
    return undefined;
  }

  #question({ prompt, kind }: JsonObject, text: string): string | undefined {
    if (typeof prompt !== "number" || !Number.isSafeInteger(prompt)) {
      return "wrote a prompt without a number";
    }
    if (++this.#asked > MAX_PROMPTS) return `asked more than ${MAX_PROMPTS} questions`;
    const ask = asking(kind);
    if (ask === undefined) return "wrote a prompt of an unknown kind";
    const { interaction, signal } = this.#run;
    if (!interaction) {
      this.#answer({ prompt, error: "INTERACTION_UNAVAILABLE" });
      return undefined;
    }
    this.#stopwatch.during(() => ask(interaction, this.#spoken(text), signal)).then(
      (value) => this.#answer({ prompt, value }),
      (error: unknown) => {
        const code = error instanceof ModelSigningError ? error.code : "INTERACTION_UNAVAILABLE";
        this.#answer({ prompt, error: code });
      },
    );
    return undefined;
  }

  /** Everything that a plugin says begins with its name, so that it cannot speak for the program. */
  #spoken(text: string): string {
    return `${this.#who}: ${printable(text)}`;
  }
}

type Ask = (
  interaction: Interaction,
  text: string,
  signal: AbortSignal | undefined,
) => Promise<string | boolean>;

function asking(kind: unknown): Ask | undefined {
  switch (kind) {
    case "secret":
      return async (person, text, signal) => (await person.askSecret(`${text} `, signal)).reveal();
    case "line":
      return (person, text, signal) => person.ask(`${text} `, signal);
    case "confirm":
      return (person, text, signal) => person.confirm(text, signal);
    default:
      return undefined;
  }
}
