/** Tokens, codes and client secrets are shown nowhere, whatever is logged and however a run ends. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { json, loopbackServer } from "../plugins/sigstore/oidc/_server.ts";
import { CLIENTS } from "../sigstore/oidc.ts";
import { programCommand } from "../support/cli.ts";
import { traced } from "../support/confinement.ts";
import { assertStatus } from "../support/outcome.ts";
import { onTerminal } from "../support/pty.ts";
import { startSigstore } from "../support/sigstore.ts";
import { assertHidden, type Desk, desk, signing, withBrowser } from "../support/sigstore_cli.ts";

/** Everything that the program may have left in the folder or the cache, by path. */
function filesLeft({ path, cache }: Desk): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [path, cache].flatMap((root) =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
        .map((file) => [file, readFileSync(file, "latin1")])
    ),
  );
}

/** Ways to log as much as there is. */
const LOUD: readonly (readonly string[])[] = [
  ["--log-level", "debug"],
  ["--log-level", "debug", "--log-format", "json"],
  ["--log-level", "debug", "--output-file", "log.txt"],
  ["--log-level", "debug", "--log-format", "json", "--output-file", "log.json"],
];

for (const rekor of [1, 2] as const) {
  test(`a given token is in no log, report or file, with Rekor v${rekor}, and when services fail`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const token = await sigstore.token();
    const endings = [undefined, "fulcio", rekor === 1 ? "rekor" : "rekor2", "tsa"] as const;
    for (const loud of LOUD) {
      for (const failing of endings) {
        await sigstore.reset();
        if (failing) await sigstore.fault({ service: failing, kind: "garbage", body: token });
        const { status, stdout, stderr } = await at.run([...signing(sigstore, rekor), ...loud], {
          env: { MODEL_SIGNING_IDENTITY_TOKEN: token },
        });
        assert.equal(status, failing ? 3 : 0, stderr);
        assertHidden(token, { stdout, stderr, ...filesLeft(at) });
      }
    }
  });
}

test("the machine's own credentials are in no log, report or file", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  const bearer = "the-runners-own-secret";
  const answers = [
    { value: token },
    { value: `${token}x` },
    { value: token.split(".")[1] },
    { message: `${bearer} is not welcome with ${token}` },
  ];
  for (const answer of answers) {
    await using actions = await loopbackServer((_, response) =>
      json(response, answer, "message" in answer ? 403 : 200)
    );
    for (const loud of LOUD) {
      const args = [...signing(sigstore), "--use-ambient-credentials", ...loud];
      const { stdout, stderr } = await at.run(args, {
        env: {
          ACTIONS_ID_TOKEN_REQUEST_URL: actions.origin,
          ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer,
        },
      });
      const shown = { stdout, stderr, ...filesLeft(at) };
      assertHidden(token, shown);
      assertHidden(bearer, shown);
    }
  }
});

test("the code, the token and the client's secret of a login are in no log, report or file", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  // Notes where the provider sends the browser, and follows.
  const browse = [
    "import sys, urllib.request",
    "class Noting(urllib.request.HTTPRedirectHandler):",
    "    def redirect_request(self, *given):",
    '        open(sys.argv[2], "w").write(given[-1])',
    "        return super().redirect_request(*given)",
    "urllib.request.build_opener(Noting).open(sys.argv[1]).read()",
  ].join("\n");
  await at.write({ "browse.py": browse });
  const noted = join(at.cache, "address.txt");
  const env = {
    ...await withBrowser(at, `exec python3 ${join(at.path, "browse.py")} "$1" ${noted}`),
    MODEL_SIGNING_CLIENT_SECRET: CLIENTS["confidential"]!,
  };
  const args = [...signing(sigstore), "--client-id", "confidential", "--log-level", "debug"];
  const steps = [{ after: "publish that? [y/N] ", send: "y\r" }];
  const { status, terminal, stdout } = await onTerminal(args, { cwd: at.path, env, steps });
  assert.equal(status, 0, terminal);
  const code = new URL(await readFile(noted, "utf8")).searchParams.get("code")!;
  const { [noted]: _, ...left } = filesLeft(at);
  assertHidden(code, { terminal, stdout, ...left });
  assertHidden(env.MODEL_SIGNING_CLIENT_SECRET, { terminal, stdout, ...left });
  assert.ok(!/eyJ[\w-]+\.eyJ/.test(terminal + stdout), "something that looks like a token");
});

const watched = traced("execve");
if (watched) {
  test("no secret is in the arguments of a program that is started", async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const token = await sigstore.token();
    await at.write({ "bin/buildkite-agent": `#!/bin/sh\nread token < token.txt\necho $token\n` });
    await at.write({ "token.txt": `${token}\n` });
    execFileSync("chmod", ["+x", join(at.path, "bin/buildkite-agent")]);
    const secret = { MODEL_SIGNING_CLIENT_SECRET: "the-clients-own-secret" };
    for (
      const [args, env] of [
        [[], { MODEL_SIGNING_IDENTITY_TOKEN: token }],
        [["--identity-token", "@token.txt"], {}],
        [["--use-ambient-credentials"], {
          BUILDKITE: "true",
          PATH: `${join(at.path, "bin")}:${process.env["PATH"]}`,
        }],
      ] as const
    ) {
      const outcome = watched([...programCommand(), ...signing(sigstore), ...args], {
        cwd: at.path,
        env: { ...at.env, ...secret, ...env },
      });
      assertStatus(outcome, 0, args.join(" "));
      // What stands before the environment.
      const started = outcome.calls.flatMap((call) =>
        /execve\((".*?", \[.*?\]), \[/.exec(call)?.[1] ?? []
      );
      assert.ok(started.length > 0);
      assertHidden(token, { calls: started.join("\n") });
      assertHidden(secret.MODEL_SIGNING_CLIENT_SECRET, { calls: started.join("\n") });
    }
  });
}
