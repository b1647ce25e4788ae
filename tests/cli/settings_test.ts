import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Command } from "../../cli/command.ts";
import { resolveSettings } from "../../cli/settings.ts";
import { ModelSigningError, Secret, type Settings } from "../../core/mod.ts";
import { workbench } from "../support/workbench.ts";

const COMMAND: Command = {
  path: ["sign", "key"],
  summary: "",
  operand: { metavar: "MODEL", description: "", jsonKey: "model" },
  groups: [{
    title: "Options",
    options: [
      { name: "private-key", type: "file", description: "", required: true },
      { name: "password", type: "string", secret: true, description: "" },
      { name: "password-file", type: "file", insteadOf: "password", description: "" },
      { name: "certificate-chain", type: "file", repeatable: true, description: "" },
      { name: "allow-symlinks", type: "boolean", fromEnvironment: false, description: "" },
      { name: "shard-size", type: "size", min: 1, description: "" },
      { name: "use-staging", type: "boolean", description: "" },
    ],
  }],
  examples: [],
  run: () => Promise.resolve(0),
};

function resolve(given: Settings, environment: Record<string, string> = {}, operand?: string) {
  return resolveSettings(COMMAND, { "private-key": "k", ...given }, operand, environment);
}

function usage(...args: Parameters<typeof resolve>): ModelSigningError {
  try {
    resolve(...args);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, "USAGE");
    return error;
  }
  throw new assert.AssertionError({ message: "accepted" });
}

test("resolveSettings() lets the command line win over JSON, and JSON over the environment", () => {
  const environment = { MODEL_SIGNING_SHARD_SIZE: "1", MODEL_SIGNING_USE_STAGING: "yes" };
  assert.deepEqual(resolve({}, environment, "m").settings["shard-size"], 1);
  const json = { json: ['{"shard_size": 2}'] };
  assert.equal(resolve(json, environment, "m").settings["shard-size"], 2);
  assert.equal(resolve({ ...json, "shard-size": 3 }, environment, "m").settings["shard-size"], 3);
  assert.equal(resolve(json, environment, "m").settings["use-staging"], true);
  assert.equal(
    resolve({ json: ['{"use-staging": false}'] }, environment, "m").settings["use-staging"],
    false,
  );
});

test("resolveSettings() lets a stronger source's alternative of an option win", () => {
  const inEnvironment = resolve({ "password-file": "f" }, { MODEL_SIGNING_PASSWORD: "p" }, "m");
  assert.equal(inEnvironment.settings["password-file"], "f");
  assert.ok(!("password" in inEnvironment.settings));
  const json = ['{"password": "p"}'];
  const inJson = resolve({ json }, { MODEL_SIGNING_PASSWORD_FILE: "f" }, "m");
  assert.ok(!("password-file" in inJson.settings));
  usage({ password: new Secret("p"), "password-file": "f" }, {}, "m");
});

test("resolveSettings() lets a later --json win and takes MODEL from it", () => {
  const json = ['{"model": "a", "shard_size": 1}', '{"model": "b"}'];
  const { settings, operand } = resolve({ json });
  assert.equal(operand, "b");
  assert.equal(settings["shard-size"], 1);
  assert.equal(resolve({ json }, {}, "c").operand, "c");
});

test("resolveSettings() reads --json from a file", async () => {
  await using folder = await workbench();
  const path = join(folder.path, "options.json");
  await writeFile(path, '{"model": "m", "certificate_chain": ["a,b", "c"]}');
  assert.deepEqual(resolve({ json: [path] }).settings["certificate-chain"], ["a,b", "c"]);
  assert.throws(() => resolve({ json: [join(folder.path, "none")] }), { code: "FILE_UNREADABLE" });
});

test("resolveSettings() wraps secrets from every place", () => {
  const fromEnvironment = resolve({}, { MODEL_SIGNING_PASSWORD: "hunter2" }, "m");
  const fromJson = resolve({ json: ['{"password": "hunter2"}'] }, {}, "m");
  for (const { settings } of [fromEnvironment, fromJson]) {
    assert.ok(settings["password"] instanceof Secret);
    assert.equal(settings["password"].reveal(), "hunter2");
  }
});

test("resolveSettings() refuses JSON that is not one strict object of known options", () => {
  for (
    const json of [
      "{",
      '{"model": "m",}',
      '{"model": "m", "model": "n"}',
      '{"shard_size": 1, "shard-size": 2}',
      '{"frobnicate": 1}',
      '{"shard_size": "many"}',
      '{"use_staging": "true"}',
      '{"model": 1}',
      '{"json": "{}"}',
    ]
  ) usage({ json: [json] }, {}, "m");
});

test("resolveSettings() never repeats a secret that has the wrong type", () => {
  const error = usage({ json: ['{"password": ["hunter2"]}'] }, {}, "m");
  assert.ok(!`${error.message} ${error.hint}`.includes("hunter2"));
});

test("resolveSettings() refuses in JSON what could weaken a check", () => {
  assert.match(usage({ json: ['{"allow_symlinks": true}'] }, {}, "m").hint!, /--allow-symlinks/);
});

test("resolveSettings() warns of such a variable and ignores it", () => {
  const { settings, warnings } = resolve({}, { MODEL_SIGNING_ALLOW_SYMLINKS: "1" }, "m");
  assert.ok(!("allow-symlinks" in settings));
  assert.equal(warnings.length, 1);
});

test("resolveSettings() takes an empty variable for one that is not set", () => {
  assert.ok(!("shard-size" in resolve({}, { MODEL_SIGNING_SHARD_SIZE: "" }, "m").settings));
});

test("resolveSettings() names a malformed variable", () => {
  assert.match(
    usage({}, { MODEL_SIGNING_SHARD_SIZE: "x" }, "m").message,
    /MODEL_SIGNING_SHARD_SIZE/,
  );
  usage({}, { MODEL_SIGNING_USE_STAGING: "perhaps" }, "m");
});

test("resolveSettings() takes an alternative for the option that it stands in for", () => {
  const command: Command = {
    ...COMMAND,
    groups: [{
      title: "Options",
      options: [
        { name: "identity", type: "string", required: true, description: "" },
        { name: "identity-regexp", type: "string", insteadOf: "identity", description: "" },
      ],
    }],
  };
  const { settings } = resolveSettings(command, { "identity-regexp": ".*" }, "m", {});
  assert.deepEqual(settings, { "identity-regexp": ".*" });
  assert.throws(
    () => resolveSettings(command, {}, "m", {}),
    (error: ModelSigningError) => error.code === "USAGE" && /-regexp/.test(error.message),
  );
});

test("resolveSettings() names what is required and missing", () => {
  assert.match(usage({}).message, /MODEL/);
  assert.throws(
    () => resolveSettings(COMMAND, {}, "m", {}),
    (error: ModelSigningError) => error.code === "USAGE" && /--private-key/.test(error.message),
  );
});

test("resolveSettings() refuses to read stdin twice", () => {
  const verify: Command = {
    ...COMMAND,
    path: ["verify", "key"],
    groups: [{
      title: "Options",
      options: [{ name: "signature", type: "file", description: "" }],
    }],
  };
  for (const given of [{ json: ["-", "-"] }, { json: ["-"], signature: "-" }]) {
    assert.throws(
      () => resolveSettings(verify, given, "m", {}),
      (error: ModelSigningError) => error.code === "USAGE" && /stdin/.test(error.message),
    );
  }
  assert.equal(resolveSettings(verify, { signature: "-" }, "m", {}).settings["signature"], "-");
});
