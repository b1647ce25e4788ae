import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { findModule } from "../../../plugins/pkcs11/module_file.ts";
import type { Pkcs11Uri } from "../../../plugins/pkcs11/uri.ts";

async function inFolder(
  files: readonly string[],
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "modules-")));
  try {
    for (const file of files) writeFileSync(join(folder, file), "", { mode: 0o644 });
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function refused(
  uri: Partial<Pkcs11Uri>,
  directories: readonly string[] = [],
  code = "PKCS11_MODULE",
) {
  await assert.rejects(findModule({ ignored: [], ...uri }, directories), (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, code, error.message);
    assert.doesNotMatch(`${error.message} ${error.hint}`, / --/);
    return true;
  });
}

for (const file of ["libtoken.so", "token.so", "libtoken.dylib", "token.dll", "libToken.so"]) {
  test(`findModule() finds the module "token" in ${file}`, async () => {
    await inFolder([file, "libtoken2.so", "token.txt"], async (folder) => {
      const uri = { moduleName: "TOKEN", ignored: [] };
      assert.equal(await findModule(uri, [folder]), join(folder, file));
      assert.equal(await findModule({ ...uri, modulePath: folder }, []), join(folder, file));
    });
  });
}

test("findModule() takes the first of the given directories that has the module", async () => {
  await inFolder(["libtoken.so"], async (first) => {
    await inFolder(["libtoken.so"], async (second) => {
      const uri = { moduleName: "token", ignored: [] };
      assert.equal(await findModule(uri, [second, first]), join(second, "libtoken.so"));
      mkdirSync(join(second, "none"));
      assert.equal(
        await findModule(uri, [join(second, "none"), first]),
        join(first, "libtoken.so"),
      );
    });
  });
});

test("findModule() takes a path, and follows links to the file itself", async () => {
  await inFolder(["libtoken.so.2"], async (folder) => {
    const [link, file] = [join(folder, "libtoken.so"), join(folder, "libtoken.so.2")];
    symlinkSync("libtoken.so.2", link);
    assert.equal(await findModule({ modulePath: link, ignored: [] }, []), file);
    assert.equal(await findModule({ moduleName: "token", ignored: [] }, [folder]), file);
  });
});

test("findModule() refuses relative paths, names that are paths, and no name at all", async () => {
  await inFolder(["libtoken.so"], async (folder) => {
    await refused({});
    await refused({ modulePath: "libtoken.so" });
    await refused({ modulePath: "./libtoken.so" });
    await refused({ modulePath: "" });
    await refused({ moduleName: "token" }, ["."]);
    await refused({ moduleName: "token" }, [folder, "modules"]);
    for (
      const moduleName of ["", "..", "../token", `${folder}/libtoken.so`, "a\\token", "c:token"]
    ) {
      await refused({ moduleName }, [folder]);
    }
  });
});

test("findModule() refuses what is not there and what is no file", async () => {
  await inFolder(["file"], async (folder) => {
    await refused({ modulePath: join(folder, "none.so") });
    await refused({ modulePath: folder });
    await refused({ modulePath: folder, moduleName: "token" });
    await refused(
      { moduleName: "there-is-no-such-module" },
      [folder],
      "PKCS11_MODULE_NOT_FOUND",
    );
    await refused({ moduleName: "token" }, [join(folder, "none")]);
    await refused({ moduleName: "token" }, [join(folder, "file")]);
    await refused({ modulePath: "/dev/null" });
    mkdirSync(join(folder, "libtoken.so"));
    await refused({ moduleName: "token" }, [folder]);
  });
});

test("findModule() refuses a module that everybody could change", async () => {
  await inFolder(["libtoken.so"], async (folder) => {
    const path = join(folder, "libtoken.so");
    chmodSync(path, 0o666);
    await refused({ modulePath: path });
    await refused({ moduleName: "token" }, [folder]);
  });
});

test("findModule() refuses a module in a directory that everybody could change", async () => {
  await inFolder([], async (folder) => {
    const open = join(folder, "open");
    mkdirSync(open);
    writeFileSync(join(open, "libtoken.so"), "", { mode: 0o644 });
    chmodSync(open, 0o777);
    await refused({ modulePath: join(open, "libtoken.so") });
    symlinkSync(join(open, "libtoken.so"), join(folder, "libtoken.so"));
    await refused({ modulePath: join(folder, "libtoken.so") });
  });
});
