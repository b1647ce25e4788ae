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

async function usage(...args: Parameters<typeof resolve>): Promise<ModelSigningError> {
  try {
    await resolve(...args);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, "USAGE");
    return error;
  }
  throw new assert.AssertionError({ message: "accepted" });
}

test("resolveSettings() lets the command line win over JSON, and JSON over the environment", async () => {
  const environment = { MODEL_SIGNING_SHARD_SIZE: "1", MODEL_SIGNING_USE_STAGING: "yes" };
  assert.deepEqual((await resolve({}, environment, "m")).settings["shard-size"], 1);
  const json = { json: ['{"shard_size": 2}'] };
  assert.equal((await resolve(json, environment, "m")).settings["shard-size"], 2);
  assert.equal(
    (await resolve({ ...json, "shard-size": 3 }, environment, "m")).settings["shard-size"],
    3,
  );
  assert.equal((await resolve(json, environment, "m")).settings["use-staging"], true);
  assert.equal(
    (await resolve({ json: ['{"use-staging": false}'] }, environment, "m")).settings["use-staging"],
    false,
  );
});

test("resolveSettings() lets a stronger source's alternative of an option win", async () => {
  const inEnvironment = await resolve(
    { "password-file": "f" },
    { MODEL_SIGNING_PASSWORD: "p" },
    "m",
  );
  assert.equal(inEnvironment.settings["password-file"], "f");
  assert.ok(!("password" in inEnvironment.settings));
  const json = ['{"password": "p"}'];
  const inJson = await resolve({ json }, { MODEL_SIGNING_PASSWORD_FILE: "f" }, "m");
  assert.ok(!("password-file" in inJson.settings));
  await usage({ password: new Secret("p"), "password-file": "f" }, {}, "m");
});

test("resolveSettings() lets a later --json win and takes MODEL from it", async () => {
  const json = ['{"model": "a", "shard_size": 1}', '{"model": "b"}'];
  const { settings, operand } = await resolve({ json });
  assert.equal(operand, "b");
  assert.equal(settings["shard-size"], 1);
  assert.equal((await resolve({ json }, {}, "c")).operand, "c");
});

test("resolveSettings() reads --json from a file", async () => {
  await using folder = await workbench();
  const path = join(folder.path, "options.json");
  await writeFile(path, '{"model": "m", "certificate_chain": ["a,b", "c"]}');
  assert.deepEqual((await resolve({ json: [path] })).settings["certificate-chain"], ["a,b", "c"]);
  await assert.rejects(resolve({ json: [join(folder.path, "none")] }), {
    code: "FILE_UNREADABLE",
  });
});

test("resolveSettings() wraps secrets from every place", async () => {
  const fromEnvironment = await resolve({}, { MODEL_SIGNING_PASSWORD: "hunter2" }, "m");
  const fromJson = await resolve({ json: ['{"password": "hunter2"}'] }, {}, "m");
  for (const { settings } of [fromEnvironment, fromJson]) {
    assert.ok(settings["password"] instanceof Secret);
    assert.equal(settings["password"].reveal(), "hunter2");
  }
});

test("resolveSettings() refuses JSON that is not one strict object of known options", async () => {
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
  ) await usage({ json: [json] }, {}, "m");
});

test("resolveSettings() never repeats a secret that has the wrong type", async () => {
  const error = await usage({ json: ['{"password": ["hunter2"]}'] }, {}, "m");
  assert.ok(!`${error.message} ${error.hint}`.includes("hunter2"));
});

test("resolveSettings() refuses in JSON what could weaken a check", async () => {
  assert.match(
    (await usage({ json: ['{"allow_symlinks": true}'] }, {}, "m")).hint!,
    /--allow-symlinks/,
  );
});

test("resolveSettings() warns of such a variable and ignores it", async () => {
  const { settings, warnings } = await resolve({}, { MODEL_SIGNING_ALLOW_SYMLINKS: "1" }, "m");
  assert.ok(!("allow-symlinks" in settings));
  assert.equal(warnings.length, 1);
});

test("resolveSettings() takes an empty variable for one that is not set", async () => {
  const { settings } = await resolve({}, { MODEL_SIGNING_SHARD_SIZE: "" }, "m");
  assert.ok(!("shard-size" in settings));
});

test("resolveSettings() names a malformed variable", async () => {
  assert.match(
    (await usage({}, { MODEL_SIGNING_SHARD_SIZE: "x" }, "m")).message,
    /MODEL_SIGNING_SHARD_SIZE/,
  );
  await usage({}, { MODEL_SIGNING_USE_STAGING: "perhaps" }, "m");
});

test("resolveSettings() takes an alternative for the option that it stands in for", async () => {
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
  const { settings } = await resolveSettings(command, { "identity-regexp": ".*" }, "m", {});
  assert.deepEqual(settings, { "identity-regexp": ".*" });
  await assert.rejects(
    () => resolveSettings(command, {}, "m", {}),
    (error: ModelSigningError) => error.code === "USAGE" && /-regexp/.test(error.message),
  );
});

test("resolveSettings() names what is required and missing", async () => {
  assert.match((await usage({})).message, /MODEL/);
  await assert.rejects(
    () => resolveSettings(COMMAND, {}, "m", {}),
    (error: ModelSigningError) => error.code === "USAGE" && /--private-key/.test(error.message),
  );
});

test("resolveSettings() refuses to read stdin twice", async () => {
  const verify: Command = {
    ...COMMAND,
    path: ["verify", "key"],
    groups: [{
      title: "Options",
      options: [{ name: "signature", type: "file", description: "" }],
    }],
  };
  for (const given of [{ json: ["-", "-"] }, { json: ["-"], signature: "-" }]) {
    await assert.rejects(
      () => resolveSettings(verify, given, "m", {}),
      (error: ModelSigningError) => error.code === "USAGE" && /stdin/.test(error.message),
    );
  }
  const { settings } = await resolveSettings(verify, { signature: "-" }, "m", {});
  assert.equal(settings["signature"], "-");
});
