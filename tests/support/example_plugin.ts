/** A plugin of a third party, with every shape of command. */

import {
  type CommandIo,
  CONTRACT_VERSION,
  type Interaction,
  ModelSigningError,
  type Plugin,
} from "../../core/mod.ts";

/** Commands that ask and tell at the terminal and write what came of it to stdout. */
export const examplePlugin: Plugin = {
  name: "example",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [
    {
      kind: "command",
      id: "desk",
      summary: "Talk to whoever sits at the terminal",
      subcommands: [
        {
          name: "ask",
          summary: "Ask for a line and for a secret",
          options: [],
          async run(_settings, io) {
            const { ask, askSecret } = present(io);
            // At once: the terminal can ask one thing after the other.
            const asked = [ask("Name: ", io.signal), askSecret("Secret: ", io.signal)] as const;
            const [name, secret] = await Promise.all(asked);
            io.stdout(`${JSON.stringify([name, secret.reveal()])}\n`);
            return 0;
          },
        },
        {
          name: "confirm",
          summary: "Ask a question twice",
          options: [{ name: "text", type: "string", description: "what to say first" }],
          async run({ text }, io) {
            const { confirm, tell } = present(io);
            if (typeof text === "string") tell(text);
            const answers = [
              await confirm("Sure?", io.signal),
              await confirm("Really?", io.signal),
            ];
            io.stdout(`${JSON.stringify(answers)}\n`);
            return 0;
          },
        },
        {
          name: "open",
          summary: "Open an address in the browser",
          options: [{ name: "fallback", type: "boolean", description: "tell the address, too" }],
          operand: { metavar: "URL", description: "the address" },
          examples: ["model-signing desk open https://example.com/"],
          async run({ fallback }, io) {
            const { openBrowser, tell } = present(io);
            const opened = await openBrowser(io.operand ?? "");
            if (fallback === true) tell(`Open ${io.operand}`);
            io.stdout(`${opened}\n`);
            return opened ? 0 : 3;
          },
        },
      ],
    },
    {
      kind: "command",
      id: "echo",
      summary: "Print what was given",
      options: [
        { name: "token", type: "string", secret: true, description: "A token" },
        { name: "mood", type: "string", choices: ["calm", "loud"], description: "How to say it" },
      ],
      operand: { metavar: "TEXT", description: "What to print" },
      run(settings, { operand, stdout, timeout }) {
        stdout(`${JSON.stringify({ settings, operand, timeout })}\n`);
        return Promise.resolve(0);
      },
    },
    {
      kind: "command",
      id: "digest",
      summary: "In the place of a built-in command",
      options: [],
      run: () => Promise.reject(new Error("a provider displaced a built-in command")),
    },
  ],
};

function present({ interaction }: CommandIo): Interaction {
  if (interaction) return interaction;
  throw new ModelSigningError("INTERACTION_UNAVAILABLE", "nobody can be asked");
}
