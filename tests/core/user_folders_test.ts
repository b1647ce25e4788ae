import assert from "node:assert/strict";
import { test } from "node:test";
import { userFolders } from "../../core/user_folders.ts";

test("userFolders() follows the XDG base directory specification on Linux", () => {
  const home = { HOME: "/home/me" };
  assert.deepEqual(userFolders(home, "linux"), {
    config: "/home/me/.config/model-signing",
    cache: "/home/me/.cache/model-signing",
  });
  const xdg = { ...home, XDG_CONFIG_HOME: "/c", XDG_CACHE_HOME: "relative" };
  assert.deepEqual(userFolders(xdg, "linux"), {
    config: "/c/model-signing",
    cache: "/home/me/.cache/model-signing",
  });
});

test("userFolders() takes the platform's own places on macOS and Windows", () => {
  assert.deepEqual(userFolders({ HOME: "/Users/me", XDG_CONFIG_HOME: "/c" }, "darwin"), {
    config: "/Users/me/Library/Application Support/model-signing",
    cache: "/Users/me/Library/Caches/model-signing",
  });
  const windows = {
    APPDATA: "C:\\Users\\Jörg Müller 模型\\AppData\\Roaming",
    LOCALAPPDATA: "C:\\Users\\Jörg Müller 模型\\AppData\\Local",
  };
  assert.deepEqual(userFolders(windows, "win32"), {
    config: "C:\\Users\\Jörg Müller 模型\\AppData\\Roaming\\model-signing",
    cache: "C:\\Users\\Jörg Müller 模型\\AppData\\Local\\model-signing",
  });
});

test("userFolders() knows no places without a home", () => {
  for (const environment of [{}, { HOME: "" }, { HOME: "relative" }]) {
    for (const platform of ["linux", "darwin", "win32"]) {
      assert.deepEqual(userFolders(environment, platform), { config: undefined, cache: undefined });
    }
  }
});
