import assert from "node:assert/strict";
import { test } from "node:test";
import type { IssueCode } from "../../core/errors.ts";
import type { NameRules } from "../../core/check_manifest.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import type { Statement } from "../../core/statement.ts";
import {
  digestsStatementOf,
  encode,
  type Loose,
  rootOf,
  sha256,
  statementOf,
} from "../support/bundles.ts";

const SHARDS = { method: "shards", hash_type: "sha256", allow_symlinks: false, shard_size: 10 };

function accepted(value: Loose, rules?: NameRules): Statement {
  const result = parseStatement(encode(value), rules);
  assert.ok(result.ok, result.ok ? "" : result.issue.message);
  return result.value;
}

function assertRefused(value: Loose, code: IssueCode, rules?: NameRules): void {
  const bytes = encode(value);
  const result = parseStatement(bytes, rules);
  const shown = JSON.stringify(value).slice(0, 400);
  assert.ok(!result.ok, `accepted ${shown}`);
  assert.equal(result.issue.code, code, `${result.issue.message}: ${shown}`);
  assert.ok(result.issue.message.length < 5000);
}

/** A good statement after `change`; the root digest is made to fit again. */
function bent(change: (statement: Loose) => void, names: readonly string[] = ["a", "b"]): Loose {
  const statement = statementOf(names);
  change(statement);
  const resources = statement.predicate?.resources;
  const digests = Array.isArray(resources) &&
    resources.every((entry) => typeof entry?.digest === "string");
  if (digests && typeof statement.subject?.[0]?.digest?.sha256 === "string") {
    statement.subject[0].digest.sha256 = rootOf(resources);
  }
  return statement;
}

function resourceNames(statement: Statement): readonly string[] {
  return statement.manifest.resources.map(({ name }) => name);
}

test("parseStatement() reads a statement", () => {
  const statement = accepted(statementOf(["a", "b/c"]));
  assert.equal(statement.form, "current");
  assert.equal(statement.manifest.name, "model");
  assert.deepEqual(resourceNames(statement), ["a", "b/c"]);
  assert.deepEqual(statement.manifest.serialization, {
    method: "files",
    hashType: "sha256",
    allowSymlinks: false,
    ignorePaths: [],
  });
});

test("parseStatement() refuses what is not JSON, as a finding", () => {
  for (const text of ["", "{", "\ufeff{}", '{"a":1,"a":1}', "[".repeat(100_000)]) {
    assertRefused(text, "STATEMENT_MALFORMED");
  }
});

test("parseStatement() refuses another statement type", () => {
  for (
    const type of [
      "https://in-toto.io/Statement/v0.1",
      "",
      undefined,
      null,
      1,
      ["x"],
      "x".repeat(1e6),
    ]
  ) assertRefused(bent((value) => value._type = type), "STATEMENT_TYPE");
});

test("parseStatement() refuses another predicate type", () => {
  for (
    const type of [
      "https://example.com/wrong-predicate/v1.0",
      "https://model_signing/signature/v1.0/",
      "https://model_signing/signature/v1.1",
      "https://model_signing/Digests/v0.2",
      "",
      undefined,
      null,
      1,
    ]
  ) assertRefused(bent((value) => value.predicateType = type), "PREDICATE_TYPE");
});

test("parseStatement() refuses no subject, two subjects and malformed ones", () => {
  for (
    const change of [
      (value: Loose) => value.subject = [],
      (value: Loose) => value.subject.push(value.subject[0]),
      (value: Loose) => value.subject = value.subject[0],
      (value: Loose) => value.subject = undefined,
      (value: Loose) => value.subject = [null],
      (value: Loose) => value.subject[0].name = undefined,
      (value: Loose) => value.subject[0].name = "",
      (value: Loose) => value.subject[0].name = 1,
      (value: Loose) => value.subject[0].digest = undefined,
      (value: Loose) => value.subject[0].digest = {},
      (value: Loose) => value.subject[0].digest = { sha512: "00" },
      (value: Loose) => value.subject[0].digest = { sha256: 1 },
    ]
  ) assertRefused(bent(change), "STATEMENT_MALFORMED");
});

test("parseStatement() accepts further members of subject and resources", () => {
  accepted(bent((value) => {
    value.subject[0].annotations = { a: "b" };
    value.subject[0].uri = "x";
    value.subject[0].digest.sha512 = "00";
    value.predicate.resources[0].mediaType = "x/y";
    value.predicate.resources[1].annotations = { deep: [1] };
  }));
});

test("parseStatement() refuses further members of statement, predicate and serialization", () => {
  for (
    const change of [
      (value: Loose) => value.extra = 1,
      (value: Loose) => value.predicate.extra = 1,
      (value: Loose) => value.predicate.serialization.extra = 1,
      (value: Loose) => value.predicate.serialization.shardSize = 1,
    ]
  ) assertRefused(bent(change), "STATEMENT_MALFORMED");
});

test("parseStatement() refuses a malformed predicate", () => {
  for (
    const change of [
      (value: Loose) => value.predicate = undefined,
      (value: Loose) => value.predicate = [],
      (value: Loose) => value.predicate.resources = undefined,
      (value: Loose) => value.predicate.resources = {},
      (value: Loose) => value.predicate.serialization = undefined,
      (value: Loose) => value.predicate.serialization = [],
      (value: Loose) => value.predicate.resources[0] = null,
      (value: Loose) => value.predicate.resources[0] = "a",
      (value: Loose) => value.predicate.resources[0].name = 1,
      (value: Loose) => delete value.predicate.resources[0].name,
      (value: Loose) => delete value.predicate.resources[0].algorithm,
      (value: Loose) => delete value.predicate.resources[0].digest,
    ]
  ) assertRefused(bent(change), "STATEMENT_MALFORMED");
});

test("parseStatement() refuses a malformed serialization", () => {
  for (
    const [member, values] of Object.entries({
      method: ["file", "dir", "", null, undefined, 1],
      hash_type: ["sha512", "SHA256", "md5", "", null, undefined, 1, "toString"],
      allow_symlinks: ["false", 0, null, undefined],
      shard_size: [1, 0, null, "1"],
      ignore_paths: ["a", {}, [1], [null], [""]],
    })
  ) {
    for (const value of values) {
      assertRefused(
        bent((statement) => statement.predicate.serialization[member] = value),
        "STATEMENT_MALFORMED",
      );
    }
  }
});

test("parseStatement() accepts any text among the ignored paths", () => {
  const paths = ["*.bin", "../x", "/absolute", ".", "a\\b", "\u202e", "\ud800", "b", "a", "a"];
  const statement = accepted(bent((value) => value.predicate.serialization.ignore_paths = paths));
  assert.deepEqual(statement.manifest.serialization.ignorePaths, paths);
});

test("parseStatement() refuses a shard size that is no positive integer", () => {
  for (const size of ["0", "-1", "1.5", "1e999", "-1e999", "9007199254740992", '"10"', "null"]) {
    const text = JSON.stringify(statementOf(["a:0:1"], SHARDS))
      .replace('"shard_size":10', `"shard_size":${size}`);
    assertRefused(text, "STATEMENT_MALFORMED");
  }
  assertRefused(
    statementOf(["a:0:1"], { ...SHARDS, shard_size: undefined }),
    "STATEMENT_MALFORMED",
  );
});

test("parseStatement() refuses an empty list", () => {
  assertRefused(statementOf([]), "RESOURCE_NONE");
  assertRefused(statementOf([], SHARDS), "RESOURCE_NONE");
  assertRefused(digestsStatementOf({}), "RESOURCE_NONE");
});

test("parseStatement() refuses digests of another form", () => {
  const good = sha256("a");
  for (
    const digest of [
      good.toUpperCase(),
      good.slice(1),
      good.slice(2),
      `${good}00`,
      `${good.slice(1)}g`,
      `${good.slice(1)} `,
      `${good}\n`,
      `sha256:${good}`,
      "",
      `0x${good.slice(2)}`,
      null,
      1,
    ]
  ) {
    const statement = statementOf(["a"]);
    statement.predicate.resources[0].digest = digest;
    assertRefused(statement, "STATEMENT_MALFORMED");
    const root = statementOf(["a"]);
    root.subject[0].digest.sha256 = digest;
    assertRefused(root, "STATEMENT_MALFORMED");
  }
});

test("parseStatement() knows the digest length of each algorithm", () => {
  const serialization = { method: "files", allow_symlinks: false };
  for (const [hash_type, bytes] of [["sha256", 32], ["blake2b", 64], ["blake3", 32]] as const) {
    accepted(statementOf(["a"], { ...serialization, hash_type }));
    const statement = statementOf(["a"], { ...serialization, hash_type });
    statement.predicate.resources[0].digest = "0".repeat(2 * (96 - bytes));
    assertRefused(statement, "STATEMENT_MALFORMED");
  }
});

test("parseStatement() refuses a resource of another algorithm than the serialization's", () => {
  for (
    const algorithm of ["blake3", "blake2b", "SHA256", "sha256-sharded-10", "", null, undefined]
  ) {
    assertRefused(
      bent((value) => value.predicate.resources[1].algorithm = algorithm),
      "STATEMENT_MALFORMED",
    );
  }
});

test("parseStatement() accepts what the Python and Go tools call the algorithm of a shard", () => {
  const named = (algorithm: string) => {
    const statement = statementOf(["a:0:10", "a:10:11"], SHARDS);
    for (const entry of statement.predicate.resources) entry.algorithm = algorithm;
    return statement;
  };
  const { manifest } = accepted(named("sha256-sharded-10"));
  assert.deepEqual(manifest.resources.map(({ algorithm }) => algorithm), ["sha256", "sha256"]);
  for (const algorithm of ["sha256-sharded-11", "sha256-sharded-010", "blake3-sharded-10"]) {
    assertRefused(named(algorithm), "STATEMENT_MALFORMED");
  }
});

test("parseStatement() refuses a root digest that does not fit", () => {
  const statement = statementOf(["a", "b"]);
  statement.subject[0].digest.sha256 = sha256("other");
  assertRefused(statement, "ROOT_DIGEST_MISMATCH");

  const swapped = statementOf(["a", "b"]);
  const [first, second] = swapped.predicate.resources;
  [first.digest, second.digest] = [second.digest, first.digest];
  assertRefused(swapped, "ROOT_DIGEST_MISMATCH");
});

test("parseStatement() refuses unsafe names, in every form of statement", () => {
  const unsafe = [
    "../a",
    "a/../b",
    "a/..",
    "..",
    "./a",
    "a/./b",
    "a/.",
    "a//b",
    "a/",
    "/a",
    "/",
    "//host/a",
    "a\0b",
    "a\ufffdb",
    "\ufffd",
    "a".repeat(40_000),
  ];
  for (const name of unsafe) {
    assertRefused(statementOf([name]), "RESOURCE_NAME");
    assertRefused(statementOf([`${name}:0:1`], SHARDS), "RESOURCE_NAME");
    assertRefused(digestsStatementOf({ [name]: "" }), "RESOURCE_NAME");
  }
  assertRefused(statementOf([""]), "STATEMENT_MALFORMED");
  assertRefused(statementOf([":0:1"], SHARDS), "SHARD_RANGE");
});

test("parseStatement() refuses lone surrogates in names", () => {
  for (const escape of ["\\ud800", "\\udc00", "\\udc00\\ud800", "a\\ud83d/b"]) {
    const statement = JSON.stringify(statementOf(["NAME"])).replace('"NAME"', `"${escape}"`);
    assertRefused(statement, "RESOURCE_NAME");
  }
});

test("parseStatement() accepts names that are odd and harmless", () => {
  for (
    const name of [
      "...",
      ".hidden",
      "..a",
      "a b",
      " ",
      "a\\b",
      "C:x",
      "é",
      "e\u0301",
      "\u{1f600}",
      "con",
    ]
  ) {
    assert.deepEqual(resourceNames(accepted(statementOf([name]))), [name]);
  }
});

test("parseStatement() refuses what Windows would read as another name only when told to", () => {
  for (const name of ["a\\b", "C:x", "con", "a/NUL.txt", "a.", "a ", "a:stream"]) {
    accepted(statementOf([name]));
    assertRefused(statementOf([name]), "RESOURCE_NAME", { windowsNames: true });
  }
});

test('parseStatement() accepts "." as the only file', () => {
  assert.deepEqual(resourceNames(accepted(statementOf(["."]))), ["."]);
  assert.deepEqual(
    resourceNames(accepted(statementOf([".:0:10", ".:10:12"], SHARDS))),
    [".:0:10", ".:10:12"],
  );
  assertRefused(statementOf([".", "a"]), "RESOURCE_NAME");
  assertRefused(statementOf([".:0:1", "a:0:1"], SHARDS), "RESOURCE_NAME");
  assertRefused(statementOf([".", "."]), "RESOURCE_NAME");
});

test("parseStatement() refuses duplicates", () => {
  assertRefused(statementOf(["a", "a"]), "RESOURCE_DUPLICATE");
  assertRefused(statementOf(["a", "b", "a"]), "RESOURCE_DUPLICATE");
  assertRefused(statementOf(["a:0:10", "a:0:10"], SHARDS), "SHARD_RANGE");
  const statement = JSON.stringify(statementOf(["a", "a"])).replace(
    '"name":"a"',
    '"name":"\\u0061"',
  );
  assertRefused(statement, "RESOURCE_DUPLICATE");
});

test("parseStatement() wants code point order", () => {
  accepted(statementOf(["a", "b", "\uffff", "\u{10000}"]));
  accepted(statementOf(["onnx-int8", "onnx/w"]));
  assertRefused(statementOf(["b", "a"]), "RESOURCE_ORDER");
  // UTF-16 order.
  assertRefused(statementOf(["\u{10000}", "\ue000"]), "RESOURCE_ORDER");
  assertRefused(statementOf(["a", "c", "b", "d"]), "RESOURCE_ORDER");
});

test("parseStatement() accepts the order of the Python tool, by path parts", () => {
  const names = ["onnx/w", "onnx-int8", "onnx-int8/w"];
  assert.deepEqual(resourceNames(accepted(statementOf(names))), names);
  // Each half in an order of its own.
  assertRefused(statementOf(["a/w", "a-b", "c-d", "c/w"]), "RESOURCE_ORDER");
});

test("parseStatement() accepts the order of the Python tool for shards, by number", () => {
  const numeric = ["a:0:10", "a:10:20", "a:20:30", "a:30:40", "a:40:50", "a:50:60"];
  const names = [...numeric, "a:60:70", "a:70:80", "a:80:90", "a:90:100", "a:100:105"];
  assert.deepEqual(resourceNames(accepted(statementOf(names, SHARDS))), names);
  const byText = ["a:0:10", "a:100:105", ...names.slice(1, -1)];
  assert.deepEqual(resourceNames(accepted(statementOf(byText, SHARDS))), byText);
  accepted(statementOf(["onnx/w:0:10", "onnx/w:10:11", "onnx-int8:0:3"], SHARDS));
  assertRefused(statementOf(["a:10:20", "a:0:10"], SHARDS), "RESOURCE_ORDER");
});

test("parseStatement() refuses shard names that are no ranges", () => {
  for (
    const name of [
      "a",
      "a:0",
      "a:0:",
      "a::10",
      "a:0:10:",
      ":0:10",
      "0:10",
      "a:10:0",
      "a:0:0",
      "a:00:10",
      "a:0:010",
      "a:-1:10",
      "a:+0:10",
      "a:0:1e1",
      "a:0:0x0a",
      "a:0: 10",
      "a:0:10 ",
      "a:0.0:10",
      "a:0:9007199254740992",
      "a:0:99999999999999999999",
      "a:9007199254740991:9007199254740993",
      "a:0:１０",
    ]
  ) assertRefused(statementOf([name], SHARDS), "SHARD_RANGE");
});

test("parseStatement() refuses shards that do not cover a file exactly", () => {
  for (
    const names of [
      ["a:10:20"], // does not start at 0
      ["a:1:10"],
      ["a:0:10", "a:20:30"], // a gap
      ["a:0:10", "a:11:20"],
      ["a:0:10", "a:9:20"], // overlaps
      ["a:0:10", "a:0:5"],
      ["a:0:10", "a:5:15"],
      ["a:0:5", "a:5:15"], // a short one that is not the last
      ["a:0:5", "a:5:10"],
      ["a:0:11"], // longer than the shard size
      ["a:0:20"],
      ["a:0:9007199254740991"],
      ["a:0:10", "a:10:25"],
      ["a:0:10", "b:10:20"], // the rest under another name
    ]
  ) assertRefused(statementOf(names, SHARDS), "SHARD_RANGE");
});

test("parseStatement() takes shard names apart from the right", () => {
  const names = ["a:0:10:0:10", "a:0:10:10:12"];
  assert.deepEqual(resourceNames(accepted(statementOf(names, SHARDS))), names);
});

test("parseStatement() reads the statements of the tool 0.2.0, in any order", () => {
  const statement = accepted(digestsStatementOf({ "b": "1", "a/c": "2", "a-d": "3" }));
  assert.equal(statement.form, "digests");
  assert.equal(statement.rootDigest, undefined);
  assert.deepEqual(resourceNames(statement), ["a-d", "a/c", "b"]);
  assert.equal(statement.manifest.resources[2]!.digest, sha256("1"));
  assert.deepEqual(statement.manifest.serialization, {
    method: "files",
    hashType: "sha256",
    allowSymlinks: false,
    ignorePaths: [],
  });
});

test("parseStatement() refuses malformed statements of the tool 0.2.0", () => {
  const bend = (change: (statement: Loose) => void) => {
    const statement = digestsStatementOf({ a: "1", b: "2" });
    change(statement);
    return statement;
  };
  for (
    const change of [
      (value: Loose) => value.subject = {},
      (value: Loose) => value.subject[0] = null,
      (value: Loose) => value.subject[0].digest = undefined,
      (value: Loose) => value.subject[0].digest = { md5: "00" },
      (value: Loose) => value.subject[0].digest.sha256 = "00",
      (value: Loose) => value.subject[0].name = "",
      (value: Loose) => value.extra = 1,
    ]
  ) assertRefused(bend(change), "STATEMENT_MALFORMED");
  assertRefused(bend((value) => value.subject[0].name = "b"), "RESOURCE_DUPLICATE");
  assertRefused(bend((value) => value.subject.push(value.subject[0])), "RESOURCE_DUPLICATE");
});

test("parseStatement() reads 200,000 resources", { timeout: 60_000 }, () => {
  const names = Array.from(
    { length: 200_000 },
    (_, index) => `f/${String(index).padStart(6, "0")}`,
  );
  assert.equal(accepted(statementOf(names)).manifest.resources.length, names.length);
});
