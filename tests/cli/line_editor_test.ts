import assert from "node:assert/strict";
import { test } from "node:test";
import { LineEditor, type LineState } from "../../cli/line_editor.ts";

/** What comes of keys: the state after the last, the line, and what the terminal got. */
function typed(keys: string): readonly [LineState, line: string, shown: string] {
  let shown = "";
  const editor = new LineEditor((text) => shown += text);
  let state: LineState = "open";
  for (const character of keys) {
    assert.equal(state, "open", "nothing is typed after the end");
    state = editor.take(character);
  }
  return [state, editor.line, shown];
}

test("LineEditor ends at Enter, and is given up by Ctrl-C, and by Ctrl-D on an empty line", () => {
  assert.deepEqual(typed("abc"), ["open", "abc", "abc"]);
  assert.deepEqual(typed("abc\r"), ["finished", "abc", "abc"]);
  assert.deepEqual(typed("\n"), ["finished", "", ""]);
  assert.deepEqual(typed("a\x03"), ["cancelled", "a", "a"]);
  assert.deepEqual(typed("\x04"), ["cancelled", "", ""]);
  assert.deepEqual(typed("a\x04"), ["open", "a", "a"]);
});

test("LineEditor takes characters back, with all the columns that they took", () => {
  assert.deepEqual(typed("ab\x7fc"), ["open", "ac", "ab\b \bc"]);
  assert.deepEqual(typed("\b\x7f"), ["open", "", ""]);
  assert.deepEqual(typed("ab\x15c\r"), ["finished", "c", "ab\b \b\b \bc"]);
  assert.deepEqual(typed("\u202e\b"), ["open", "", "\\u{202e}" + "\b \b".repeat(8)]);
});

test("LineEditor drops control characters, and what is longer than any answer", () => {
  assert.deepEqual(typed("a\0\x1bb"), ["open", "ab", "ab"]);
  assert.equal(typed("x".repeat(5000))[1].length, 4096);
});
