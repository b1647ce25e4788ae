import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import { type LoadedModule, loadModule, type ModuleOptions } from "../../../plugins/module/mod.ts";
import { cli, runtimeCommand } from "../../support/cli.ts";
import { signerSource } from "../../support/plugin_modules.ts";

const MODULE = new URL("../../../plugins/module/mod.ts", import.meta.url);

type Bench = AsyncDisposable & {
  readonly path: string;
  readonly cache: string;
  /** Writes a plugin and gives its path. */
  write(name: string, source: string): Promise<string>;
};

async function bench(): Promise<Bench> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "model-signing-module-")));
  const cache = join(path, "cache");
  return {
    path,
    cache,
    async write(name, source) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), source);
      return join(path, name);
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

function load(
  { cache }: Bench,
  path: string,
  options: Partial<ModuleOptions> = {},
  run: RunOptions = {},
): Promise<LoadedModule> {
  return loadModule(path, { outside: [], cacheFolder: cache, environment: {}, ...options }, run);
}

async function assertRefused(loading: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(loading, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

const TYPED = `
import { createHash } from "node:crypto";
import type { Plugin, PluginHost } from "../nowhere.ts";
enum Kind { Command = "command" }
export default async (host: PluginHost): Promise<Plugin> => {
  await Promise.resolve();
  return {
    name: "typed", version: "2.0", contract: host.contract,
    providers: [{
      kind: Kind.Command, id: "typed", summary: "typed", options: [],
      run: (_settings, io) => {
        io.stdout(createHash("sha256").update("").digest("hex"));
        return Promise.resolve(0);
      },
    } as Plugin["providers"][number]],
  };
};
`;

test("loadModule() loads JavaScript and TypeScript, and leaves no copy behind", async () => {
  await using folder = await bench();
  for (
    const [name, source] of [
      ["a.js", signerSource()],
      ["b.mjs", signerSource()],
      ["c.ts", TYPED],
      ["d.mts", TYPED],
    ] as const
  ) {
    const path = await folder.write(name, source);
    const { plugin, sha256 } = await load(folder, path);
    assert.equal(plugin.providers.length, 1, name);
    assert.equal(sha256, createHash("sha256").update(source).digest("hex"));
  }
  assert.deepEqual(await readdir(folder.cache), []);
});

test("loadModule() loads the bytes that have the digest, and refuses others", async () => {
  await using folder = await bench();
  const path = await folder.write("plugin.js", signerSource());
  const { sha256 } = await load(folder, path);
  await load(folder, path, { sha256 });
  await writeFile(path, `${signerSource()}\n`);
  await assertRefused(load(folder, path, { sha256 }), "PLUGIN_DIGEST_MISMATCH");
});

test("loadModule() runs nothing of a plugin with another digest", async () => {
  await using folder = await bench();
  const mark = join(folder.path, "mark");
  const path = await folder.write(
    "plugin.js",
    `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(mark)}, "");`,
  );
  await assertRefused(load(folder, path, { sha256: "0".repeat(64) }), "PLUGIN_DIGEST_MISMATCH");
  assert.ok(!(await readdir(folder.path)).includes("mark"));
});

test("loadModule() refuses a path that is relative, missing, or no regular file", async () => {
  await using folder = await bench();
  await assertRefused(load(folder, "plugin.js"), "USAGE_PLUGIN_PATH");
  await assertRefused(load(folder, "./plugin.js"), "USAGE_PLUGIN_PATH");
  await assertRefused(load(folder, join(folder.path, "none.js")), "PLUGIN_NOT_FOUND");
  await assertRefused(load(folder, folder.path), "PLUGIN_UNLOADABLE");
  const data = await folder.write("plugin.json", "{}");
  await assertRefused(load(folder, data), "PLUGIN_UNLOADABLE");
});

test("loadModule() refuses a plugin in a model, also behind a link", async () => {
  await using folder = await bench();
  const path = await folder.write("model/deep/plugin.js", signerSource());
  const model = join(folder.path, "model");
  await assertRefused(load(folder, path, { outside: [model] }), "PLUGIN_UNSAFE");
  await assertRefused(load(folder, path, { outside: [path] }), "PLUGIN_UNSAFE");
  const link = join(folder.path, "link.js");
  await symlink(path, link);
  await assertRefused(load(folder, link, { outside: [model] }), "PLUGIN_UNSAFE");
  await load(folder, path, { outside: [join(folder.path, "model/deeper"), "/none"] });
});

if (process.platform !== "win32") {
  test("loadModule() refuses what anybody could change, and takes a sticky folder", async () => {
    await using folder = await bench();
    const path = await folder.write("open/plugin.js", signerSource());
    const parent = dirname(path);
    await chmod(path, 0o666);
    await assertRefused(load(folder, path), "PLUGIN_UNSAFE");
    await chmod(path, 0o644);
    await chmod(parent, 0o777);
    await assertRefused(load(folder, path), "PLUGIN_UNSAFE");
    const link = join(folder.path, "link.js");
    await symlink(path, link);
    await assertRefused(load(folder, link), "PLUGIN_UNSAFE");
    await chmod(parent, 0o1777);
    await load(folder, path);
    // A link that lies where anybody could change it, between two that do not.
    const safe = await folder.write("safe/plugin.js", signerSource());
    await folder.write("exposed/file", "");
    await symlink(dirname(safe), join(folder.path, "exposed", "middle"));
    const first = join(folder.path, "first");
    await symlink(join("exposed", "..", "exposed", "middle"), first);
    await load(folder, join(first, "plugin.js"));
    await chmod(join(folder.path, "exposed"), 0o777);
    await assertRefused(load(folder, join(first, "plugin.js")), "PLUGIN_UNSAFE");
    // Only root can give files away.
    if (process.getuid?.() !== 0) return;
    await chown(path, 65534, 65534);
    await assertRefused(load(folder, path), "PLUGIN_UNSAFE");
    await assertRefused(load(folder, link), "PLUGIN_UNSAFE");
  });
}

if (process.platform !== "win32") {
  test("loadModule() copies to no folder in which anybody could swap the copy", async () => {
    await using folder = await bench();
    const mark = join(folder.path, "mark");
    const source = `import { writeFileSync } from "node:fs";
writeFileSync(${JSON.stringify(mark)}, import.meta.url);\n${signerSource()}`;
    const path = await folder.write("plugin.js", source);
    await load(folder, path);
    assert.ok((await readFile(mark, "utf8")).includes(folder.cache));
    await chmod(folder.cache, 0o777);
    await load(folder, await folder.write("other.js", `${source}//`));
    assert.ok(!(await readFile(mark, "utf8")).includes(folder.cache));
  });
}

test("loadModule() refuses a plugin without a usable default export, or that throws", async () => {
  await using folder = await bench();
  const sources: readonly (readonly [string, ErrorCode])[] = [
    ["", "PLUGIN_UNLOADABLE"],
    ["export const plugin = 1;", "PLUGIN_UNLOADABLE"],
    ["export default { name: 'x' };", "PLUGIN_UNLOADABLE"],
    ["throw new Error('at load');", "PLUGIN_UNLOADABLE"],
    ["throw null;", "PLUGIN_UNLOADABLE"],
    ["await Promise.reject(undefined);", "PLUGIN_UNLOADABLE"],
    ["export default ( => ;", "PLUGIN_UNLOADABLE"],
    ["export default () => { throw new Error('called'); };", "PLUGIN_FAILED"],
    ["export default () => Promise.reject('rejected');", "PLUGIN_FAILED"],
    ["export default () => undefined;", "PLUGIN_MALFORMED"],
    ["export default () => [];", "PLUGIN_MALFORMED"],
    ["export default () => ({});", "PLUGIN_CONTRACT"],
    ["export default () => ({ contract: 99 });", "PLUGIN_CONTRACT"],
    ["export default (host) => ({ contract: String(host.contract) });", "PLUGIN_CONTRACT"],
    ["export default (host) => ({ contract: host.contract });", "PLUGIN_MALFORMED"],
    [
      "export default (host) => ({ contract: host.contract, get name() { throw 1; } });",
      "PLUGIN_MALFORMED",
    ],
  ];
  for (const [index, [source, code]] of sources.entries()) {
    await assertRefused(load(folder, await folder.write(`p${index}.mjs`, source)), code);
  }
});

test("loadModule() ends when its signal fires, also while the module waits for something", async () => {
  await using folder = await bench();
  const path = await folder.write(
    "plugin.js",
    "await new Promise((resolve) => setTimeout(resolve, 400));",
  );
  const abort = new AbortController();
  const loading = load(folder, path, {}, { signal: abort.signal });
  setTimeout(() => abort.abort(), 50);
  await assertRefused(loading, "ABORTED");
});

test("loadModule() finds no other module, in whatever way it is imported", async () => {
  await using folder = await bench();
  await folder.write("evil.js", "export default 1;");
  const evil = {
    "package.json": '{"name":"evil","type":"module"}',
    "index.js": "export default 1;",
  };
  for (const [name, content] of Object.entries(evil)) {
    await folder.write(`node_modules/evil/${name}`, content);
  }
  const back = process.cwd();
  process.chdir(folder.path);
  try {
    for (const specifier of ["./evil.js", "../evil.js", "evil-not-there"]) {
      const path = await folder.write("s.mjs", `import "${specifier}"; export default () => {};`);
      await assertRefused(load(folder, path), "PLUGIN_UNLOADABLE");
      const late = await folder.write(
        "d.mjs",
        `await import("${specifier}"); export default () => {};`,
      );
      await assertRefused(load(folder, late), "PLUGIN_UNLOADABLE");
    }
  } finally {
    process.chdir(back);
  }
});

test("a program that loads a plugin fetches nothing from a registry for it", async () => {
  await using folder = await bench();
  // There is a package of this name. Bun decides by the folder that it starts in.
  const path = await folder.write("plugin.js", `import "is-number"; export default () => {};`);
  const program = await folder.write(
    "program.ts",
    `import { loadModule } from ${JSON.stringify(MODULE.href)};
     await loadModule(${JSON.stringify(path)}, { outside: [], environment: {} }).then(
       () => console.log("loaded"),
       (error) => console.log(error.code),
     );`,
  );
  const { stdout } = await cli([], {
    program: runtimeCommand(program),
    cwd: folder.path,
    env: { TMPDIR: folder.path },
  });
  assert.equal(stdout.trim(), "PLUGIN_UNLOADABLE");
});

test("loadModule() refuses to work with NODE_PATH", async () => {
  await using folder = await bench();
  const path = await folder.write("plugin.js", signerSource());
  const environment = { NODE_PATH: "node_modules" };
  await assertRefused(load(folder, path, { environment }), "PLUGIN_UNSAFE");
});

test("what the plugin gets cannot be changed for the next one", async () => {
  await using folder = await bench();
  const path = await folder.write(
    "plugin.js",
    "export default (host) => { host.verifyBytes = () => true; };",
  );
  await assertRefused(load(folder, path), "PLUGIN_FAILED");
});
