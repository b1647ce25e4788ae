import assert from "node:assert/strict";
import { delimiter } from "node:path";
import { test } from "node:test";
import { pluginEnvironment } from "../../../plugins/exec/environment.ts";

const FOLDER = "/tmp/private";

test("pluginEnvironment() passes what programs need, and nothing else", () => {
  const given = {
    PATH: ["", ".", "bin", "/usr/bin", "./x", "/bin"].join(delimiter),
    HOME: "/home/somebody",
    LANG: "de_DE.UTF-8",
    LC_NUMERIC: "C",
    TZ: "UTC",
    TMPDIR: "/elsewhere",
    XDG_RUNTIME_DIR: "/run/user/1",
    EMPTY: undefined,
    LD_PRELOAD: "/x.so",
    NODE_OPTIONS: "--require=x",
    PYTHONPATH: "/x",
    SSH_AUTH_SOCK: "/run/agent",
    MODEL_SIGNING_PASSWORD: "hunter2",
    BUN_BE_BUN: "1",
  };
  assert.deepEqual(pluginEnvironment(given, [], FOLDER), {
    PATH: ["/usr/bin", "/bin"].join(delimiter),
    HOME: "/home/somebody",
    LANG: "de_DE.UTF-8",
    LC_NUMERIC: "C",
    TZ: "UTC",
    XDG_RUNTIME_DIR: "/run/user/1",
    TMPDIR: FOLDER,
    TMP: FOLDER,
    TEMP: FOLDER,
  });
});

test("pluginEnvironment() passes what a plugin declares, but never this program's own", () => {
  const given = {
    VAULT_TOKEN: "a",
    vault_token: "b",
    MODEL_SIGNING_PASSWORD: "hunter2",
    BUN_OPTIONS: "--preload=x",
  };
  const declared = [
    "VAULT_TOKEN",
    "NOT_SET",
    "MODEL_SIGNING_PASSWORD",
    "BUN_OPTIONS",
    "vault_token",
  ];
  const { TMPDIR: _1, TMP: _2, TEMP: _3, ...kept } = pluginEnvironment(given, declared, FOLDER);
  assert.deepEqual(kept, { VAULT_TOKEN: "a" });
});
