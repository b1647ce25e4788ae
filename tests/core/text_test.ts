import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { excerpt, jsonDocument, printable, printableJson, quote } from "../../core/text.ts";

/** Characters that move, recolour, reorder, hide or break. */
const HARMFUL = [
  "\0",
  "\u0007",
  "\b",
  "\t",
  "\n",
  "\r",
  "\u001b",
  "\u007f",
  "\u0085",
  "\u009b",
  "\u00ad",
  "\u034f",
  "\u061c",
  "\u115f",
  "\u1160",
  "\u17b4",
  "\u180e",
  "\u200b",
  "\u200d",
  "\u200e",
  "\u200f",
  "\u2028",
  "\u2029",
  "\u202a",
  "\u202e",
  "\u202f",
  "\u2060",
  "\u2066",
  "\u2069",
  "\u3164",
  "\u00a0",
  "\u1680",
  "\u2003",
  "\u205f",
  "\u2800",
  "\u3000",
  "\ufe0f",
  "\ufeff",
  "\uffa0",
  "\ufff9",
  "\ud800",
  "\udfff",
  "\u{1d173}",
  "\u{e0001}",
  "\u{e0041}",
  "\u{e0100}",
];

test("printable() leaves ordinary text as it is", () => {
  for (
    const text of ["", "a/b c.bin", "C:\\models\\x", "é 日本語 \u{1f600}", "e\u0301", '"quoted"']
  ) {
    assert.equal(printable(text), text);
  }
});

test("printable() escapes everything that could harm a terminal or a reader", () => {
  for (const character of HARMFUL) {
    const shown = printable(`a${character}b`);
    assert.match(shown, /^a\\(?:[nrt]|u\{[0-9a-f]+\})b$/, JSON.stringify(character));
  }
  assert.equal(printable("\u001b[2J\n\u202e\u{e0041}"), "\\u{1b}[2J\\n\\u{202e}\\u{e0041}");
});

test("printable() leaves nothing harmful of any text", () => {
  const text = fc.string({
    unit: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...HARMFUL)),
  });
  fc.assert(fc.property(text, (value) => {
    const shown = printable(value);
    for (const character of HARMFUL) {
      // A lone surrogate is also half of a pair that is fine.
      if (character.isWellFormed()) assert.ok(!shown.includes(character));
    }
    assert.ok(shown.isWellFormed());
    assert.doesNotMatch(shown, /[\p{Control}\p{Bidi_Control}\p{Line_Separator}]/u);
    assert.equal(printable(shown), shown);
  }));
});

test("quote() puts printable text in double quotes", () => {
  assert.equal(quote("a\u001bb"), '"a\\u{1b}b"');
});

test("excerpt() shows short text whole and the beginning of long text", () => {
  assert.equal(excerpt("a\nb"), '"a\\nb"');
  const shown = excerpt("\u{1f600}".repeat(1_000_000));
  assert.ok(shown.length < 1000);
  assert.ok(shown.endsWith('..."'));
  assert.ok(excerpt(`x${"\u{1f600}".repeat(1000)}`).isWellFormed());
});

test("printableJson() keeps the value and leaves nothing harmful", () => {
  const values = fc.jsonValue().chain((value) =>
    fc.string({ unit: fc.constantFrom(...HARMFUL, "a") }).map((text) => ({ [text]: value, text }))
  );
  fc.assert(fc.property(values, fc.nat(2), (value, indent) => {
    const shown = printableJson(JSON.stringify(value, null, indent));
    assert.deepEqual(JSON.parse(shown), JSON.parse(JSON.stringify(value)));
    assert.doesNotMatch(
      shown,
      /[^\n\P{Control}]|[\p{Bidi_Control}\p{Line_Separator}\u{e0000}-\u{e007f}]/u,
    );
    assert.ok(shown.isWellFormed());
  }));
});

test("jsonDocument() indents what people can read, and nothing that would be indentation mostly", () => {
  assert.equal(jsonDocument({ a: [1] }), '{\n  "a": [\n    1\n  ]\n}\n');
  let deep: unknown = "x".repeat(17 * 1024 * 1024);
  for (let depth = 0; depth < 10; depth++) deep = [deep, deep === undefined];
  const text = jsonDocument({ deep });
  assert.equal(text.indexOf("\n"), text.length - 1);
  assert.deepEqual(JSON.parse(text), { deep });
});
