import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { Credentials } from "../../../plugins/oci/credentials.ts";
import { dockerCredentials } from "../../../plugins/oci/docker_config.ts";
import { type Workbench, workbench } from "../../support/workbench.ts";
import { codeOf, faultOf, shown } from "./_model.ts";

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** The kind, the user and the secret. */
function revealed(found: Credentials | undefined): readonly string[] | undefined {
  if (!found) return undefined;
  return found.kind === "password"
    ? [found.kind, found.username, found.password.reveal()]
    : [found.kind, found.token.reveal()];
}

async function find(
  environment: Readonly<Record<string, string>>,
  registry: string,
  repository: string = "models/bert",
): Promise<readonly string[] | undefined> {
  return revealed(await dockerCredentials(environment).find(registry, repository, {}));
}

/** A home with these credentials for Docker. */
async function home(
  config: unknown,
): Promise<{ bench: Workbench; environment: Record<string, string> }> {
  const bench = await workbench();
  await bench.write({ ".docker/config.json": JSON.stringify(config) });
  return { bench, environment: { HOME: bench.path } };
}

test("dockerCredentials() finds user and password, tokens, and nothing", async () => {
  const { bench, environment } = await home({
    auths: {
      "registry.example": { auth: base64("ada:pa:ss") },
      "https://old.example/v1/": { auth: base64("old:secret\0\0") },
      // As many as the file may have, and then something else.
      "nul.example": { auth: base64(`nul:${"\0".repeat(500_000)}x`) },
      "plain.example:5000": { username: "bob", password: "word" },
      "azure.example": { auth: base64("000:"), identitytoken: "refresh" },
      "token.example": { registrytoken: "access" },
      "elsewhere.example": {},
      "https://index.docker.io/v1/": { auth: base64("hub:pw") },
    },
  });
  await using _ = bench;
  assert.deepEqual(await find(environment, "registry.example"), ["password", "ada", "pa:ss"]);
  assert.deepEqual(await find(environment, "old.example"), ["password", "old", "secret"]);
  const many = `${"\0".repeat(500_000)}x`;
  assert.deepEqual(await find(environment, "nul.example"), ["password", "nul", many]);
  assert.deepEqual(await find(environment, "plain.example:5000"), ["password", "bob", "word"]);
  assert.deepEqual(await find(environment, "azure.example"), ["identity-token", "refresh"]);
  assert.deepEqual(await find(environment, "token.example"), ["registry-token", "access"]);
  assert.deepEqual(await find(environment, "docker.io", "library/x"), ["password", "hub", "pw"]);
  assert.deepEqual(await find(environment, "registry-1.docker.io"), ["password", "hub", "pw"]);
  for (const registry of ["elsewhere.example", "plain.example", "gistry.example"]) {
    assert.equal(await find(environment, registry), undefined);
  }
});

test("dockerCredentials() takes the longest of Podman's names", async () => {
  const { bench, environment } = await home({
    auths: {
      "quay.io": { auth: base64("host:1") },
      "quay.io/models": { auth: base64("namespace:2") },
      "quay.io/models/bert": { auth: base64("repository:3") },
      "quay.io/models/b": { auth: base64("prefix:4") },
    },
  });
  await using _ = bench;
  const user = async (repository: string) => (await find(environment, "quay.io", repository))?.[1];
  assert.equal(await user("models/bert"), "repository");
  assert.equal(await user("models/bert/large"), "repository");
  assert.equal(await user("models/berta"), "namespace");
  assert.equal(await user("modelsx/bert"), "host");
});

test("dockerCredentials() asks the files in their order, and passes over those that have nothing", async () => {
  await using bench = await workbench();
  const auths = (user: string) =>
    JSON.stringify({ auths: { "a.example": { auth: base64(`${user}:x`) } } });
  await bench.write({
    "named.json": auths("named"),
    "docker/config.json": auths("docker"),
    ".docker/config.json": auths("home"),
    "run/containers/auth.json": auths("run"),
    "xdg/containers/auth.json": auths("xdg"),
    ".config/containers/auth.json": auths("config"),
    "none/config.json": '{"auths": {"b.example": {}}}',
    "empty/config.json": "",
  });
  const at = (name: string) => join(bench.path, name);
  const HOME = bench.path;
  const DOCKER_CONFIG = at("docker");
  const XDG_RUNTIME_DIR = at("run");
  const XDG_CONFIG_HOME = at("xdg");
  const user = async (environment: Record<string, string>) =>
    (await find(environment, "a.example"))?.[1];
  const REGISTRY_AUTH_FILE = at("named.json");
  assert.equal(await user({ REGISTRY_AUTH_FILE, DOCKER_CONFIG, HOME, XDG_RUNTIME_DIR }), "named");
  assert.equal(await user({ DOCKER_CONFIG, HOME, XDG_RUNTIME_DIR }), "docker");
  assert.equal(await user({ HOME, XDG_RUNTIME_DIR }), "home");
  const none = { DOCKER_CONFIG: at("none"), HOME };
  assert.equal(await user({ ...none, XDG_RUNTIME_DIR, XDG_CONFIG_HOME }), "run");
  assert.equal(await user({ ...none, XDG_CONFIG_HOME }), "xdg");
  assert.equal(await user({ DOCKER_CONFIG: at("empty"), HOME }), "config");
  assert.equal(await user({ REGISTRY_AUTH_FILE: at("missing"), HOME: "" }), undefined);
  assert.equal(await user({}), undefined);
});

test("dockerCredentials() refuses files that it cannot read, and shows nothing of them", async () => {
  await using bench = await workbench();
  const bad = [
    ...['{"auths": {"a.example": {"auth": "hunter2"}', "[]", "hunter2", '{"auths": "hunter2"}'],
    ...[
      '{"auths": {"a.example": "hunter2"}}',
      '{"auths": {"a.example": {"auth": "aHVudGVyMg=="}}}',
    ],
    ...['"hunter2\\nhunter2"', '"hunter2 "', '"hunter2\u20ac"'].map((token) =>
      `{"auths": {"a.example": {"registrytoken": ${token}}}}`
    ),
    ...['{"auths": {"a.example": {"auth": 7, "x": "hunter2"}}}', '{"credHelpers": "hunter2"}'],
    ...['{"credsStore": {"hunter2": 1}}', '{"hunter2": 1, "hunter2": 2}'],
  ];
  for (const content of bad) {
    await bench.write({ ".docker/config.json": content });
    const error = await faultOf(find({ HOME: bench.path }, "a.example"));
    assert.equal(error.code, "OCI_CREDENTIALS", content);
    assert.ok(!shown(error).includes("hunter2"), content);
    assert.ok(error.message.includes(".docker"), content);
  }
  await bench.write({ ".docker/config.json": " ".repeat(1024 * 1024 + 1) });
  assert.equal(await codeOf(find({ HOME: bench.path }, "a.example")), "FILE_UNREADABLE");
  assert.equal(
    await codeOf(find({ REGISTRY_AUTH_FILE: bench.path }, "a.example")),
    "OCI_CREDENTIALS",
  );
});

if (process.platform !== "win32") {
  /** A folder with helpers, each a shell script that is given the registry on its standard input. */
  const helpers = async (scripts: Readonly<Record<string, string>>, config: unknown) => {
    const { bench, environment } = await home(config);
    for (const [name, script] of Object.entries(scripts)) {
      const file = `bin/docker-credential-${name}`;
      await bench.write({ [file]: `#!/bin/sh\n${script}\n` });
      chmodSync(join(bench.path, file), 0o755);
    }
    const PATH = `${join(bench.path, "bin")}:${process.env["PATH"]}`;
    return { bench, environment: { ...environment, PATH } };
  };

  test("dockerCredentials() asks the helper of the registry, then the store, then the file", async () => {
    const answer = (user: string) =>
      `read server; [ "$1" = get ] || exit 2; echo '{"ServerURL":"x","Username":"${user}","Secret":"of '$server'"}'`;
    const { bench, environment } = await helpers({
      one: answer("one"),
      all:
        `read server\ncase $server in https:*|b.example) echo '{"Username":"all","Secret":"of '$server'"}';;
*) echo credentials not found in native keychain; exit 1;; esac`,
      token: `echo '{"Username":"<token>","Secret":"refresh"}'`,
    }, {
      credHelpers: { "a.example": "one", "t.example": "token" },
      credsStore: "all",
      auths: { "c.example": { auth: base64("file:x") }, "b.example": { auth: base64("file:x") } },
    });
    await using _ = bench;
    assert.deepEqual(await find(environment, "a.example"), ["password", "one", "of a.example"]);
    assert.deepEqual(await find(environment, "b.example"), ["password", "all", "of b.example"]);
    assert.deepEqual(await find(environment, "c.example"), ["password", "file", "x"]);
    assert.deepEqual(await find(environment, "t.example"), ["identity-token", "refresh"]);
    assert.equal(await find(environment, "d.example"), undefined);
    assert.deepEqual(await find(environment, "docker.io", "library/x"), [
      ...["password", "all", "of https://index.docker.io/v1/"],
    ]);
  });

  test("dockerCredentials() starts helpers without this program's variables, and none of the current folder", async () => {
    const { bench, environment } = await helpers({
      env: `echo '{"Username":"'$(env | grep -c -e MODEL_SIGNING_ -e BUN_)'","Secret":"x"}'`,
    }, { credsStore: "env" });
    await using _ = bench;
    const MODEL_SIGNING_PASSWORD = "hunter2";
    const BUN_OPTIONS = "--hunter2";
    assert.deepEqual(
      await find(
        { ...environment, MODEL_SIGNING_PASSWORD, BUN_OPTIONS, BUN_BE_BUN: "1" },
        "a.example",
      ),
      ["password", "0", "x"],
    );
    const here = process.cwd();
    try {
      process.chdir(join(bench.path, "bin"));
      for (const PATH of ["", ".", ":", "../bin", process.cwd()]) {
        assert.equal(await codeOf(find({ ...environment, PATH }, "a.example")), "OCI_CREDENTIALS");
      }
    } finally {
      process.chdir(here);
    }
  });

  test("dockerCredentials() refuses helpers that fail, and shows nothing of what they wrote", async () => {
    const scripts = {
      status: "echo hunter2; echo hunter2 >&2; exit 3",
      words: "echo hunter2",
      list: `echo '["hunter2"]'`,
      members: `echo '{"Username":"hunter2"}'`,
      endless: "while :; do echo hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2; done",
    };
    for (const name of [...Object.keys(scripts), "missing", "../bin/docker-credential-words", ""]) {
      const { bench, environment } = await helpers(scripts, {
        credHelpers: { "a.example": name },
        auths: {},
      });
      await using _ = bench;
      if (name === "") {
        assert.equal(await find(environment, "a.example"), undefined);
        continue;
      }
      const error = await faultOf(find(environment, "a.example"));
      assert.equal(error.code, "OCI_CREDENTIALS", name);
      assert.ok(!shown(error).includes("hunter2"), name);
    }
  });

  test("dockerCredentials() ends a helper that does not end, and one that is aborted", async () => {
    const { bench, environment } = await helpers({ slow: "exec sleep 600" }, {
      credsStore: "slow",
    });
    await using _ = bench;
    const source = dockerCredentials(environment);
    assert.equal(await codeOf(source.find("a.example", "m", { timeout: 100 })), "OCI_CREDENTIALS");
    const abort = new AbortController();
    const running = codeOf(source.find("a.example", "m", { signal: abort.signal }));
    abort.abort();
    assert.equal(await running, "ABORTED");
  });
}
