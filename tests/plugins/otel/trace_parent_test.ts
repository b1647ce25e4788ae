import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTraceParent } from "../../../plugins/otel/trace_parent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

test("parseTraceParent() reads what W3C Trace Context allows", () => {
  const cases: readonly (readonly [string, number])[] = [
    [`00-${TRACE}-${PARENT}-01`, 1],
    [`00-${TRACE}-${PARENT}-00`, 0],
    [` 00-${TRACE}-${PARENT}-03\n`, 1],
    // A later version.
    [`cc-${TRACE}-${PARENT}-01-what-comes`, 1],
  ];
  for (const [text, traceFlags] of cases) {
    const expected = { traceId: TRACE, spanId: PARENT, traceFlags, isRemote: true };
    assert.deepEqual(parseTraceParent(text), expected);
  }
});

test("parseTraceParent() refuses everything else", () => {
  for (
    const text of [
      ...["", "x", `00-${TRACE}-${PARENT}`, `00-${TRACE}-${PARENT}-1`],
      ...[`ff-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-01-more`],
      ...[`00-${"0".repeat(32)}-${PARENT}-01`, `00-${TRACE}-${"0".repeat(16)}-01`],
      ...[`00-${TRACE.toUpperCase()}-${PARENT}-01`, `00-${TRACE.slice(1)}-${PARENT}-01`],
      `00-${TRACE}-${PARENT}-01\n00-${TRACE}-${PARENT}-01`,
    ]
  ) assert.equal(parseTraceParent(text), undefined, text);
});
