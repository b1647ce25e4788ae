import assert from "node:assert/strict";
import { test } from "node:test";
import {
  jsonLogger,
  type Logger,
  loggingObserver,
  type LogLevel,
  textLogger,
} from "../../core/logger.ts";
import { traced } from "../../core/observer.ts";
import { Secret } from "../../core/secret.ts";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

type Maker = typeof textLogger;

/** Lines that `use` makes a logger write. */
function written(make: Maker, level: LogLevel | "silent", use: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  use(make({ level, write: (line) => void lines.push(line) }));
  return lines;
}

for (const [name, make] of Object.entries({ textLogger, jsonLogger })) {
  test(`${name}() drops lines below its level`, () => {
    for (const [index, level] of [...LEVELS, "silent" as const].entries()) {
      const lines = written(make, level, (logger) => {
        for (const each of LEVELS) logger.log(each, `a ${each} line`);
      });
      assert.equal(lines.length, LEVELS.length - index);
      assert.ok(LEVELS.slice(index).every((each, at) => lines[at]!.includes(`a ${each} line`)));
    }
  });

  test(`${name}() does not write secrets`, () => {
    const secret = new Secret("hunter2");
    const [line] = written(
      make,
      "debug",
      (logger) => logger.log("info", `message with ${secret}`, { password: secret }),
    );
    assert.ok(!line!.includes("hunter2"));
    assert.ok(line!.includes("[redacted]"));
  });

  test(`${name}() writes one line, and nothing that could harm a terminal`, () => {
    const evil = "a\u001b[2J\nmodel-signing: error: forged\r\u202e\u{e0041}\ud800";
    const [line, ...others] = written(
      make,
      "debug",
      (logger) => logger.log("warn", evil, { path: evil }),
    );
    assert.deepEqual(others, []);
    assert.equal(line!.indexOf("\n"), line!.length - 1);
    assert.doesNotMatch(line!.slice(0, -1), /[\p{Control}\p{Bidi_Control}\u{e0041}]/u);
    assert.ok(line!.isWellFormed());
  });

  test(`${name}() leaves out fields that are undefined`, () => {
    const [line] = written(make, "debug", (logger) => logger.log("info", "m", { gone: undefined }));
    assert.ok(!line!.includes("gone"));
  });
}

test("textLogger() writes lines for people", () => {
  const lines = written(textLogger, "debug", (logger) => {
    logger.log("debug", "d");
    logger.log("info", "signed", { files: 3, path: "a b", empty: "", ok: true });
    logger.log("warn", "w", { quoted: 'say "x"', assigned: "a=b" });
    logger.log("error", "e");
  });
  assert.deepEqual(lines, [
    "model-signing: debug: d\n",
    'model-signing: signed files=3 path="a b" empty="" ok=true\n',
    'model-signing: warning: w quoted="say \\"x\\"" assigned="a=b"\n',
    "model-signing: error: e\n",
  ]);
});

test("jsonLogger() writes a JSON object per line", () => {
  const evil = "\u202e\u{1f600}\n";
  const [line] = written(
    jsonLogger,
    "info",
    (logger) => logger.log("warn", "m", { files: 3, ok: false, evil }),
  );
  const { time, ...rest } = JSON.parse(line!);
  assert.deepEqual(rest, { level: "warn", message: "m", files: 3, ok: false, evil });
  assert.equal(new Date(time).toISOString(), time);
});

test("jsonLogger() lets no field pass for its time, level or message", () => {
  const [line] = written(
    jsonLogger,
    "info",
    (logger) => logger.log("error", "real", { level: "info", message: "forged", time: "never" }),
  );
  const { time, level, message } = JSON.parse(line!);
  assert.deepEqual([level, message], ["error", "real"]);
  assert.notEqual(time, "never");
});

test("loggingObserver() tells how long each step took and how it ended", async () => {
  const lines: string[] = [];
  const logger = jsonLogger({ level: "debug", write: (line) => void lines.push(line) });
  const observer = loggingObserver(logger);
  await traced({ observer }, "hash", ({ span }) => {
    span.set({ files: 2 });
    return Promise.resolve();
  }, { attributes: { "hash.algorithm": "sha256" }, details: { model: "m" } });
  await assert.rejects(
    traced({ observer }, "sign", () => Promise.reject(new Error("secret text"))),
  );
  const [done, failed] = lines.map((line) => JSON.parse(line));
  const { message, files, model, "hash.algorithm": algorithm } = done;
  assert.deepEqual([message, files, model, algorithm], ["hash done", 2, "m", "sha256"]);
  assert.equal(typeof done.ms, "number");
  assert.deepEqual([failed.message, failed["error.type"]], ["sign failed", "INTERNAL"]);
  assert.ok(!lines.join("").includes("secret text"));
});
