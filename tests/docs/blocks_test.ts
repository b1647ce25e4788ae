/** Commands in documents are run, or say why not; those of this program are at least understood by it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf } from "../../cli/commands.ts";
import { parseArguments } from "../../cli/parser.ts";
import { resolveSettings } from "../../cli/settings.ts";
import { ModelSigningError, Registry } from "../../core/mod.ts";
import { builtinPlugins } from "../../plugins/mod.ts";
import { type Block, blocksOf, commandLines, documents } from "./documents.ts";

const OFFER = commandsOf(new Registry(builtinPlugins), "1.2.3");

/** What a reader types into a shell. */
const SHELLS: readonly string[] = ["sh", "bash", "shell", "powershell", "pwsh", "cmd"];

/** Whether a reader would take the block for commands: JSON is data of a program, also where it quotes some. */
function isCommands({ info, text }: Block): boolean {
  return SHELLS.includes(info) || (info !== "json" && commandLines(text).length > 0);
}

/** What is wrong with a command line, or undefined. */
async function mistakeIn(argv: readonly string[]): Promise<string | undefined> {
  try {
    const request = parseArguments(OFFER, argv, { columns: 80, colors: false });
    if (request.kind === "text" || "json" in request.given) return undefined;
    const { warnings } = await resolveSettings(request.command, request.given, request.operand, {});
    return warnings[0];
  } catch (error) {
    if (error instanceof ModelSigningError) return error.message;
    throw error;
  }
}

for (const { path, text } of documents()) {
  const others = blocksOf(text).filter((block) => block.info !== "console" && isCommands(block));
  if (others.length === 0) continue;
  test(`${path} says why the commands that no test runs are not run, and the program knows them`, async () => {
    for (const { line, notRun, notParsed, text } of others) {
      assert.ok(
        notRun,
        `${path}:${line}: make it a console block, or put <!-- not run: REASON --> above it`,
      );
      if (notParsed) continue;
      for (const argv of commandLines(text)) {
        const mistake = await mistakeIn(argv);
        assert.equal(mistake, undefined, `${path}:${line}: ${argv.join(" ")}: ${mistake}`);
      }
    }
  });
}

test("blocksOf() and commandLines() find what they are looked for", () => {
  const [run, shown] = blocksOf(
    "```console\n$ true\n```\n\n<!-- not run: no network -->\n\n```sh\n" +
      "echo x | ./bin/model-signing sign 'my model' \\\n  --signature -  # a comment\n" +
      "- run: '\"$TEMP/model-signing\" verify m'\nmodel-signing.sig and model-signing alone\n```\n",
  );
  assert.deepEqual([run?.info, run?.line, run?.notRun], ["console", 1, undefined]);
  assert.deepEqual([shown?.info, shown?.line, shown?.notRun], ["sh", 7, "no network"]);
  assert.deepEqual(commandLines(shown!.text), [
    ["sign", "my model", "--signature", "-"],
    ["verify", "m"],
  ]);
});
