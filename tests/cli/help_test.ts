import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf } from "../../cli/commands.ts";
import { parseArguments } from "../../cli/parser.ts";
import { Registry } from "../../core/mod.ts";
import { builtinPlugins } from "../../plugins/mod.ts";

const registry = new Registry();
for (const plugin of builtinPlugins) registry.add(plugin);
const OFFER = commandsOf(registry, "1.2.3");

/** The page that a terminal of this width is shown. */
function page(columns: number, path: readonly string[]): string {
  const request = parseArguments(OFFER, [...path, "--help"], { columns, colors: false });
  assert.ok(request.kind === "text");
  return request.text;
}

for (const columns of [40, 60, 80]) {
  test(`every help page fits into ${columns} columns, and is plain ASCII`, () => {
    const families = OFFER.families.map(({ name }) => [name]);
    for (const path of [[], ...families, ...OFFER.commands.map(({ path }) => path)]) {
      const text = page(columns, path);
      assert.match(text, /^[\n\x20-\x7e]+$/, path.join(" "));
      // The name of a variable or an address, with what stands around it, is never broken.
      const long = text.split("\n").filter((line) =>
        line.length > columns && !/^ *[^ ]+$/.test(line)
      );
      assert.deepEqual(long, [], path.join(" "));
    }
  });
}

test("a help page shows what makes it wide no wider than it is easily read", () => {
  for (const line of page(300, ["verify"]).split("\n")) assert.ok(line.length <= 100, line);
});
