import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { isObject, type Json, JsonError, parseJson, parseMember } from "../../core/json.ts";
import { MAX_JSON_CONTAINERS, MAX_JSON_DEPTH, MAX_JSON_VALUES } from "../../core/limits.ts";

function parse(text: string): Json {
  return parseJson(Buffer.from(text, "utf8"));
}

function assertRefused(text: string | Uint8Array): void {
  const bytes = typeof text === "string" ? Buffer.from(text, "utf8") : text;
  const shown = Buffer.from(bytes.subarray(0, 60)).toString("latin1");
  assert.throws(() => parseJson(bytes), JsonError, JSON.stringify(shown));
}

/** As `JSON.parse` would have it: the parser's objects inherit nothing. */
function ordinary(value: Json): unknown {
  return JSON.parse(JSON.stringify(value));
}

test("parseJson() reads every kind of value", () => {
  const text = ' { "a" : [ null , true , false , 1 , -0.5e+2 , "x" , {} , [] ] }\r\n\t';
  assert.deepEqual(ordinary(parse(text)), { a: [null, true, false, 1, -50, "x", {}, []] });
});

test("parseJson() agrees with JSON.parse on any value", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 6 }), (text) => {
    const expected: unknown = JSON.parse(text);
    assert.equal(JSON.stringify(parse(text)), JSON.stringify(expected));
  }));
});

test("parseJson() agrees with JSON.parse on any spacing", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(8), (value, indent) => {
    const text = JSON.stringify(value, null, indent);
    assert.equal(JSON.stringify(parse(text)), JSON.stringify(JSON.parse(text)));
  }));
});

test("parseJson() takes and refuses the same scalars and lists as JSON.parse", () => {
  const character = fc.constantFrom(...'{}[]:,"\\u0041ntf-+.eE1 \n\u0001é');
  fc.assert(
    fc.property(fc.array(character, { maxLength: 12 }), (characters) => {
      const text = characters.join("");
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        return assertRefused(text);
      }
      assert.equal(JSON.stringify(parse(text)), JSON.stringify(expected));
    }),
    { numRuns: 2000 },
  );
});

test("parseMember() gives what parseJson() gives for one member", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
    const bytes = Buffer.from(JSON.stringify(value));
    for (const name of [...Object.keys(value), "no such member"]) {
      assert.deepEqual(
        JSON.stringify(parseMember(bytes, name)),
        JSON.stringify((parseJson(bytes) as Record<string, Json>)[name]),
      );
    }
  }));
  const text = (json: string) => Buffer.from(json);
  assert.equal(parseMember(text('{"a":{"b":[{"b":1}]},"b":2,"c":{"b":3}}'), "b"), 2);
  for (const other of ["[]", "7", '["b"]', '[{"b":1}]']) {
    assert.equal(parseMember(text(other), "b"), undefined);
  }
  for (const bad of ['{"b":1,"b":2}', '{"b":1', '{"a":[1,}],"b":1}']) {
    assert.throws(() => parseMember(text(bad), "b"), JsonError);
  }
});

test("parseJson() refuses two members of one name", () => {
  assertRefused('{"a":1,"a":1}');
  assertRefused('{"b":{"a":1,"c":2,"a":3}}');
  assertRefused('[{"a":1},{"a":1,"a":2}]');
  assertRefused('{"":1,"":2}');
});

test("parseJson() refuses two members of one name in spite of escapes", () => {
  assertRefused('{"a":1,"\\u0061":2}');
  assertRefused('{"/":1,"\\/":2}');
  assertRefused('{"\\u00e9":1,"é":2}');
  assertRefused('{"\\ud83d\\ude00":1,"\u{1f600}":2}');
});

test("parseJson() keeps __proto__ and its like as ordinary members", () => {
  const value = parse('{"__proto__":{"polluted":true},"constructor":1,"toString":2}');
  assert.ok(isObject(value));
  assert.deepEqual(Object.keys(value), ["__proto__", "constructor", "toString"]);
  assert.equal(value["polluted"], undefined);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  assertRefused('{"__proto__":1,"__proto__":2}');
  assertRefused('{"constructor":1,"constructor":2}');
});

test("parseJson() gives objects that inherit no members", () => {
  const value = parse("{}");
  assert.ok(isObject(value));
  for (const member of ["toString", "constructor", "__proto__", "hasOwnProperty"]) {
    assert.equal(value[member], undefined);
    assert.equal(member in value, false);
  }
});

test("parseJson() allows as much nesting as the limit says, and no more", () => {
  const arrays = (depth: number, core: string) => "[".repeat(depth) + core + "]".repeat(depth);
  const objects = (depth: number, core: string) => '{"a":'.repeat(depth) + core + "}".repeat(depth);
  for (const core of ["1", '"x"', "null"]) {
    parse(arrays(MAX_JSON_DEPTH, core));
    parse(objects(MAX_JSON_DEPTH, core));
    assertRefused(arrays(MAX_JSON_DEPTH + 1, core));
    assertRefused(objects(MAX_JSON_DEPTH + 1, core));
  }
  parse(arrays(MAX_JSON_DEPTH, ""));
  assertRefused(arrays(MAX_JSON_DEPTH + 1, ""));
});

test("parseJson() refuses a million brackets without overflowing the stack", () => {
  assertRefused("[".repeat(1_000_000));
  assertRefused('{"a":'.repeat(1_000_000));
});

test("parseJson() refuses a byte order mark", () => {
  assertRefused("\ufeff{}");
  assertRefused(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0));
});

test("parseJson() refuses bytes that are not UTF-8", () => {
  for (
    const bytes of [
      [0x80],
      [0xff],
      [0xc3],
      [0xc0, 0xaf],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
    ]
  ) {
    assertRefused(Uint8Array.of(0x22, ...bytes, 0x22));
  }
});

test("parseJson() reads escapes", () => {
  assert.equal(
    parse('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00E9\\uD83D\\uDE00"'),
    '"\\/\b\f\n\r\t\0é😀',
  );
});

test("parseJson() keeps lone surrogates from escapes, for the caller to judge", () => {
  assert.equal(parse('"\\ud800"'), "\ud800");
  assert.equal(parse('"\\udc00\\ud800"'), "\udc00\ud800");
});

test("parseJson() refuses malformed strings", () => {
  for (
    const text of [
      '"',
      '"a',
      '"\\',
      '"\\"',
      '"\\u"',
      '"\\u12"',
      '"\\u123',
      '"\\u123g"',
      '"\\u+123"',
      '"\\u{61}"',
      '"\\x41"',
      '"\\a"',
      '"\\U0041"',
      "'a'",
      "a",
      '"a\nb"',
      '"a\tb"',
      '"a\0b"',
      '"\u001f"',
    ]
  ) assertRefused(text);
});

test("parseJson() takes control characters beyond U+001F, which JSON allows", () => {
  assert.equal(parse('"\u007f\u0080\u2028\u2029"'), "\u007f\u0080\u2028\u2029");
});

test("parseJson() reads numbers like JSON.parse", () => {
  for (
    const text of [
      "0",
      "-0",
      "1",
      "-1",
      "10",
      "1.5",
      "1e3",
      "1E+3",
      "1e-3",
      "0.0",
      "1e999",
      "-1e999",
    ]
  ) {
    assert.ok(Object.is(parse(text), JSON.parse(text)), text);
  }
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
    assert.equal(parse(JSON.stringify(number)), JSON.parse(JSON.stringify(number)));
  }));
});

test("parseJson() refuses malformed numbers", () => {
  for (
    const text of [
      "01",
      "-",
      "-01",
      "+1",
      ".5",
      "1.",
      "1.e3",
      "1e",
      "1e+",
      "0x10",
      "1_000",
      "NaN",
      "Infinity",
      "-Infinity",
      "１",
    ]
  ) assertRefused(text);
});

test("parseJson() refuses what is not one complete value", () => {
  for (
    const text of [
      "",
      " ",
      "{} {}",
      "{}x",
      "1 2",
      "null,",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[1",
      "[",
      "]",
      "{",
      "}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      '{,"a":1}',
      '{"a":1 "b":2}',
      '{"a" 1}',
      "{a:1}",
      "{1:1}",
      "tru",
      "nul",
      "True",
      "undefined",
      "// comment\n1",
      "/* */1",
      "{}\0",
      "\u00a01",
      "\u000b1",
    ]
  ) assertRefused(text);
});

test("parseJson() refuses more values than the limit", { timeout: 60_000 }, () => {
  assertRefused(`[${"0,".repeat(MAX_JSON_VALUES)}0]`);
  assertRefused(`[${"{},".repeat(MAX_JSON_CONTAINERS)}0]`);
});

test("parseJson() refuses more values than its caller wants", () => {
  assert.deepEqual(ordinary(parseJson(Buffer.from("[1,2]"), 3)), [1, 2]);
  assert.throws(() => parseJson(Buffer.from("[1,2,3]"), 3), JsonError);
  assert.throws(() => parseJson(Buffer.from('{"a":{},"b":[{}]}'), 3), JsonError);
});

test("parseJson() says where the text goes wrong without repeating what could harm a terminal", () => {
  const name = `\\u001b[2J\u202e${"x".repeat(100_000)}`;
  assert.throws(() => parse(`{"${name}":1,"${name}":2}`), (error) => {
    assert.ok(error instanceof JsonError);
    assert.doesNotMatch(error.message, /[\u001b\u202e]/);
    assert.ok(error.message.length < 1000);
    return true;
  });
});

test("parseJson() reads 50 MB of resources", { timeout: 60_000 }, () => {
  const resource = `{"name":"layer/weights","digest":"${"0".repeat(64)}","algorithm":"sha256"},`;
  const count = Math.ceil(50_000_000 / resource.length);
  const value = parse(`[${resource.repeat(count)}{}]`);
  assert.ok(Array.isArray(value));
  assert.equal(value.length, count + 1);
});

test("parseJson() reads a string of 50 MB, plain and full of escapes", { timeout: 60_000 }, () => {
  assert.equal(parse(`"${"A".repeat(50_000_000)}"`), "A".repeat(50_000_000));
  assert.equal(parse(`"${"\\n".repeat(5_000_000)}"`), "\n".repeat(5_000_000));
});
