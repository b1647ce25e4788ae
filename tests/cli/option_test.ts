import assert from "node:assert/strict";
import { test } from "node:test";
import { GLOBAL_OPTIONS } from "../../cli/builtin_options.ts";
import { type CliOption, environmentName, negation, readJson, readText } from "../../cli/option.ts";
import { Secret } from "../../core/mod.ts";

const text: CliOption = { name: "x", type: "string", description: "" };
const list: CliOption = { ...text, repeatable: true, commaSeparated: true };

function value(option: CliOption, input: string): unknown {
  const reading = readText(option, input);
  return reading.ok ? reading.value : undefined;
}

test("readText() reads booleans in the usual words and no others", () => {
  const option: CliOption = { ...text, type: "boolean" };
  for (const word of ["true", "1", "yes", "TRUE"]) assert.equal(value(option, word), true);
  for (const word of ["false", "0", "no", "No"]) assert.equal(value(option, word), false);
  for (const word of ["", "on", "2", "y"]) assert.equal(readText(option, word).ok, false);
});

test("readText() refuses numbers that are not whole, too small or too large", () => {
  const option: CliOption = { ...text, type: "integer", min: 1 };
  assert.equal(value(option, "12"), 12);
  for (const word of ["0", "-1", "1.5", "1e3", "x", "99999999999999999999"]) {
    assert.equal(readText(option, word).ok, false, word);
  }
});

test("readText() and readJson() take - for no path, unless the option has a meaning for it", () => {
  for (const type of ["file", "directory"] as const) {
    const option: CliOption = { ...text, type };
    for (const reading of [readText(option, "-"), readJson(option, "-")]) {
      assert.match(reading.ok ? "" : reading.problem, /no stream here.*"\.\/-"/);
    }
    assert.equal(value(option, "./-"), "./-");
    assert.equal(value({ ...option, takesStream: true }, "-"), "-");
  }
  assert.equal(readJson({ ...list, type: "file" }, ["a", "-"]).ok, false);
  assert.equal(value(text, "-"), "-");
});

test("readText() wraps a secret and never repeats it", () => {
  const reading = readText({ ...text, secret: true }, "hunter2");
  assert.ok(reading.ok && reading.value instanceof Secret);
  assert.equal(reading.value.reveal(), "hunter2");
  assert.ok(!JSON.stringify(readText({ ...text, secret: true }, "hun\0ter2")).includes("hun"));
});

test("readText() splits a list at commas and refuses empty items", () => {
  assert.deepEqual(value(list, "a,b"), ["a", "b"]);
  assert.equal(readText(list, "a,,b").ok, false);
  assert.deepEqual(value({ ...list, commaSeparated: false }, "a,b"), ["a,b"]);
});

test("readText() takes log levels in any case, and Python's names", () => {
  const level = GLOBAL_OPTIONS.find(({ name }) => name === "log-level")!;
  const read = (word: string) => value(level, word);
  assert.equal(read("DEBUG"), "debug");
  assert.equal(read("WARNING"), "warn");
  assert.equal(read("Critical"), "error");
  assert.equal(read("NOTSET"), "debug");
  assert.equal(read("silent"), "silent");
  assert.equal(read("loud"), undefined);
});

test("readJson() wants the type of the option", () => {
  const boolean: CliOption = { ...text, type: "boolean" };
  const size: CliOption = { ...text, type: "size" };
  assert.deepEqual(readJson(boolean, true), { ok: true, value: true });
  assert.equal(readJson(boolean, "true").ok, false);
  assert.equal(readJson(text, 1).ok, false);
  assert.equal(readJson(text, null).ok, false);
  assert.equal(readJson({ ...text, type: "integer" }, "1").ok, false);
  assert.equal(readJson({ ...text, type: "integer" }, 1.5).ok, false);
  assert.deepEqual(readJson(size, 1024), { ok: true, value: 1024 });
  assert.deepEqual(readJson(size, "1KiB"), { ok: true, value: 1024 });
});

test("readJson() takes the items of a list as they are", () => {
  assert.deepEqual(readJson(list, ["a,b", "c"]), { ok: true, value: ["a,b", "c"] });
  assert.deepEqual(readJson(list, "a,b"), { ok: true, value: ["a", "b"] });
  assert.equal(readJson(list, ["a", 1]).ok, false);
});

test("environmentName() and negation() follow the flag's name", () => {
  assert.equal(environmentName({ name: "private-key" }), "MODEL_SIGNING_PRIVATE_KEY");
  assert.equal(negation({ name: "allow-symlinks" }), "no-allow-symlinks");
  assert.equal(negation({ name: "no-progress" }), "progress");
});
