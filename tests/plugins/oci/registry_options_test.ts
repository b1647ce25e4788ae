import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ModelSigningError } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import type { Settings } from "../../../core/plugin.ts";
import { Secret } from "../../../core/secret.ts";
import { registrySettings } from "../../../plugins/oci/registry_options.ts";
import { workbench } from "../../support/workbench.ts";

/** What a registry would be told. */
async function told(settings: Settings, options: RunOptions = {}): Promise<unknown> {
  const { credentials } = await registrySettings(settings, options);
  const found = await credentials?.find("registry.example", "models/m", options);
  return found?.kind === "password" ? [found.username, found.password.reveal()] : found;
}

async function code(run: Promise<unknown>): Promise<string | undefined> {
  return await run.then(() => undefined, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    return error.code;
  });
}

const MODULE = fileURLToPath(new URL("../../../plugins/oci/registry_options.ts", import.meta.url));

/** Runs {@link registrySettings} in a process of its own with a text on stdin: prints the password, or the code. */
async function toldFromStdin(stdin: string): Promise<string> {
  await using bench = await workbench();
  await bench.write({
    "main.ts": `
      import { registrySettings } from ${JSON.stringify(MODULE)};
      const settings = { "registry-username": "ada", "registry-password-stdin": true };
      try {
        const { credentials } = await registrySettings(settings, {});
        const found = await credentials!.find("registry.example", "models/m", {});
        console.log((found as { password: { reveal(): string } }).password.reveal());
      } catch (error) {
        console.log((error as { code: string }).code);
      }
    `,
  });
  const run = "bun" in process.versions ? [] : ["run", "-A", "--quiet", "--no-check"];
  const child = spawn(process.execPath, [...run, join(bench.path, "main.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  return output.trim();
}

test("registrySettings() tells the registry who was named", async () => {
  const settings = {
    "registry-username": "ada",
    "registry-password": new Secret("lovelace"),
  };
  assert.deepEqual(await told(settings), ["ada", "lovelace"]);
});

test("registrySettings() asks for a password that is not given, once, when the registry wants to know", async () => {
  let asked = 0;
  const interaction = {
    askSecret: () => Promise.resolve(new Secret(`${++asked}`)),
  } as unknown as NonNullable<RunOptions["interaction"]>;
  const settings = { "registry-username": "ada" };
  const { credentials } = await registrySettings(settings, { interaction });
  assert.equal(asked, 0);
  for (let count = 0; count < 2; count++) {
    const found = await credentials!.find("registry.example", "models/m", { interaction });
    assert.equal(found?.kind === "password" && found.password.reveal(), "1");
  }
  assert.equal(asked, 1);
  const nobody = {
    askSecret: () =>
      Promise.reject(new ModelSigningError("INTERACTION_UNAVAILABLE", "there is no terminal")),
  } as unknown as NonNullable<RunOptions["interaction"]>;
  await assert.rejects(told(settings, { interaction: nobody }), {
    code: "INTERACTION_UNAVAILABLE",
    hint: /--registry-password-stdin/,
  });
});

test("registrySettings() refuses a user without a password, and a password without a user", async () => {
  const cases: readonly Settings[] = [
    { "registry-username": "ada" },
    { "registry-password": new Secret("lovelace") },
    { "registry-password-stdin": true },
  ];
  for (const settings of cases) assert.equal(await code(told(settings)), "USAGE");
});

test("registrySettings() reads the authorities, and says when they are none", async () => {
  await using bench = await workbench();
  const absent = { "registry-ca": join(bench.path, "absent") };
  assert.equal(await code(told(absent)), "FILE_UNREADABLE");
  const key = { "registry-ca": join(bench.path, "key.pub") };
  assert.equal(await code(told(key)), "CERTIFICATE_FILE_MALFORMED");
});

test("registrySettings() takes stdin without the end of its last line for the password", async () => {
  for (const stdin of ["love lace", "love lace\n", "love lace\r\n"]) {
    assert.equal(await toldFromStdin(stdin), "love lace");
  }
  // A key file of Google's, whose user is called _json_key.
  assert.equal(await toldFromStdin('{\n  "type": "x"\n}\n'), '{\n  "type": "x"\n}');
});

test("registrySettings() refuses a stdin that holds no password", async () => {
  for (const stdin of ["", "\n", "x".repeat(100_000)]) {
    assert.equal(await toldFromStdin(stdin), "USAGE");
  }
});
