/** Signing with somebody at the terminal, who agrees and logs in. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { onTerminal, type TerminalOptions, type TerminalResult } from "../support/pty.ts";
import { type FaultSpec, type Sigstore, startSigstore } from "../support/sigstore.ts";
import {
  assertHidden,
  type Desk,
  desk,
  signing,
  verifying,
  withBrowser,
} from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";
import { OLD_SIGNATURE } from "../support/workbench.ts";
import { CLIENTS } from "../sigstore/oidc.ts";

const QUESTION = "Sign, and publish that? [y/N] ";
const YES = { after: QUESTION, send: "y\r" };

/** Follows an address, as a browser would for somebody who is logged in. */
const VISIT = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()";
const LOGGED_IN = `exec python3 -c '${VISIT}' "$1"`;

/** Types the code that the last address on the terminal shows. */
const COPY = "import re, sys, urllib.request; " +
  'address = re.findall(r"http\\S+", sys.stdin.read())[-1]; ' +
  'print(urllib.request.urlopen(address).read().decode(), end="\\r")';
const TYPE_CODE = { after: "code: ", type: `python3 -c '${COPY}'` };

/** Runs the program on a terminal at the desk. */
async function atTerminal(
  { path, env }: Desk,
  args: readonly string[],
  options: Omit<TerminalOptions, "cwd"> = {},
): Promise<TerminalResult> {
  return await onTerminal(args, { cwd: path, ...options, env: { ...env, ...options.env } });
}

/** Asserts that the terminal shows one fault, and that it works as before. */
function assertFaultShown(
  { status, stdout, terminal, echoes }: TerminalResult,
  code: string,
): void {
  // A progress line ends where it is erased.
  const stderr = terminal.replaceAll(/\r(?:\n|\x1b\[K)/g, "\n");
  assertFault({ status, stdout, stderr }, 3, code);
  assert.ok(echoes);
}

async function services(sigstore: Sigstore): Promise<ReadonlySet<string>> {
  return new Set((await sigstore.requests()).map(({ service }) => service));
}

test("sign opens a browser, asks once what may be published, and remembers it for these logs", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const env = await withBrowser(at, LOGGED_IN);
  const first = await atTerminal(at, signing(sigstore), { env, steps: [YES] });
  assert.equal(first.status, 0, first.terminal);
  assert.ok(first.terminal.includes(sigstore.url), "the question names the log");
  assert.match(first.stdout, /^SIGNED/);
  assertStatus(await at.run(verifying(sigstore)), 0, "verify");

  const second = await atTerminal(at, signing(sigstore), { env });
  assert.equal(second.status, 0, second.terminal);
  assert.ok(!second.terminal.includes(QUESTION));

  const other = await atTerminal(at, signing(sigstore, 2), { env, steps: [YES] });
  assert.equal(other.status, 0, other.terminal);
  assert.equal(other.stepsLeft, 0, "another log is another question");
});

test("sign that is declined ends with 3, writes nothing, asks nobody, and asks again the next time", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const env = await withBrowser(at, LOGGED_IN);
  await at.write({ "model.sig": OLD_SIGNATURE });
  const before = snapshot(at.path);
  for (const send of ["n\r", "\r", "No\r", "\x03", "\x04"]) {
    const result = await atTerminal(at, signing(sigstore), {
      env,
      steps: [{ after: QUESTION, send }],
    });
    assertFaultShown(result, "ABORTED");
    assert.equal(result.stepsLeft, 0);
  }
  const unanswered = await atTerminal(at, [...signing(sigstore), "-t", "1"], { env });
  assertFaultShown(unanswered, "ABORTED");
  assert.deepEqual([...await services(sigstore)], []);
  assert.deepEqual(snapshot(at.path), before);
  assert.ok(!existsSync(join(at.cache, "model-signing")));
});

test("sign asks every time where agreements cannot be kept", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await writeFile(join(at.path, "file"), "");
  const browser = await withBrowser(at, LOGGED_IN);
  const env = { ...browser, XDG_CACHE_HOME: join(at.path, "file") };
  for (let time = 0; time < 2; time++) {
    const result = await atTerminal(at, signing(sigstore), { env, steps: [YES] });
    assert.equal(result.status, 0, result.terminal);
    assert.equal(result.stepsLeft, 0);
  }
});

test("sign asks for consent before it hashes, and for a login afterwards", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  execFileSync("mkfifo", [join(at.path, "model/pipe")]);
  const env = await withBrowser(at, LOGGED_IN);
  const result = await atTerminal(at, signing(sigstore), { env, steps: [YES] });
  assertFaultShown(result, "MODEL_REFUSED");
  assert.equal(result.stepsLeft, 0);
  assert.deepEqual([...await services(sigstore)], []);
});

test("the browser is given the address alone, in which nothing is secret", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const env = await withBrowser(at, `{ echo "$@"; env; } > "$SEEN"\n${LOGGED_IN}`);
  const seen = join(at.path, "seen.txt");
  const result = await atTerminal(at, [...signing(sigstore), "--client-id", "confidential"], {
    env: { ...env, SEEN: seen, MODEL_SIGNING_CLIENT_SECRET: CLIENTS["confidential"]! },
    steps: [YES],
  });
  assert.equal(result.status, 0, result.terminal);
  const [address = "", ...variables] = (await readFile(seen, "utf8")).split("\n");
  const parameters = new URL(address).searchParams;
  assert.equal(parameters.get("code_challenge_method"), "S256");
  assert.deepEqual([...parameters.keys()].toSorted(), [
    ...["client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri"],
    ...["response_type", "scope", "state"],
  ]);
  assert.ok(!/MODEL_SIGNING_|secret of the/.test(address + variables.join("\n")));
});

for (
  const [how, args, display] of [
    ["with --oauth-force-oob", ["--oauth-force-oob"], ":0"],
    ["without a graphical session", [], ""],
  ] as const
) {
  test(`sign ${how} prints the address and reads the code`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const env = await withBrowser(at, "exit 1");
    const result = await atTerminal(at, [...signing(sigstore), ...args], {
      env: { ...env, DISPLAY: display },
      steps: [YES, TYPE_CODE],
    });
    assert.equal(result.status, 0, result.terminal);
    assert.match(result.terminal, /redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2\.0%3Aoob/);
    assertStatus(await at.run(verifying(sigstore)), 0, "verify");
  });
}

test("sign refuses a code that is wrong, empty or another client's", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const args = [...signing(sigstore), "--oauth-force-oob"];
  const before = snapshot(at.path);
  const typed = (send: string) => ({ after: "code: ", send });
  const wrong = await atTerminal(at, args, { steps: [YES, typed("nobodyknowsthis\r")] });
  assertFaultShown(wrong, "NETWORK_STATUS");
  assertFaultShown(await atTerminal(at, args, { steps: [typed("\r")] }), "TOKEN_UNAVAILABLE");
  assertFaultShown(await atTerminal(at, args, { steps: [typed("abc\x03")] }), "ABORTED");
  const env = { MODEL_SIGNING_CLIENT_SECRET: "guessed by somebody" };
  const other = await atTerminal(at, [...args, "--client-id", "confidential"], {
    env,
    steps: [TYPE_CODE],
  });
  assertFaultShown(other, "NETWORK_STATUS");
  assertHidden(env.MODEL_SIGNING_CLIENT_SECRET, { terminal: other.terminal });
  assert.deepEqual(snapshot(at.path), before);
  assert.deepEqual([...await services(sigstore)], ["oidc"]);
});

const STOPPED: readonly (readonly [
  what: string,
  limit: readonly string[],
  options: Partial<TerminalOptions>,
  code: string,
])[] = [
  [
    "SIGINT while the browser is open",
    [],
    { steps: [YES, { after: "Sign in with your browser", signal: "SIGINT" }] },
    "ABORTED",
  ],
  ["nobody who logs in", ["--timeout", "2s"], { steps: [YES] }, "NETWORK_TIMEOUT"],
];

for (const [what, limit, options, code] of STOPPED) {
  test(`${what} ends signing with 3 and writes nothing`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const env = await withBrowser(at, "exit 0");
    const before = snapshot(at.path);
    const result = await atTerminal(at, [...signing(sigstore), ...limit], { env, ...options });
    assertFaultShown(result, code);
    assert.deepEqual(snapshot(at.path), before);
    assert.deepEqual([...await services(sigstore)], ["oidc"]);
  });
}

test("an identity provider that fails or lies ends signing with 3, and no certificate is asked for", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const env = await withBrowser(at, LOGGED_IN);
  const agreed = await atTerminal(at, signing(sigstore), { env, steps: [YES] });
  assert.equal(agreed.status, 0, agreed.terminal);
  const before = snapshot(at.path);
  const faults: readonly (readonly [Omit<FaultSpec, "service">, string])[] = [
    [{ kind: "status", status: 400 }, "NETWORK_STATUS"],
    [{ kind: "status", status: 500 }, "NETWORK_STATUS"],
    [{ kind: "garbage" }, "NETWORK_RESPONSE"],
    [{ kind: "huge" }, "NETWORK_RESPONSE"],
    [{ kind: "slow" }, "NETWORK_TIMEOUT"],
    [{ kind: "hang" }, "NETWORK_TIMEOUT"],
    [{ kind: "close" }, "NETWORK_UNREACHABLE"],
    [{ kind: "denied" }, "TOKEN_UNAVAILABLE"],
    // Whoever sends another state is not answered; the wait goes on.
    [{ kind: "wrong-state" }, "NETWORK_TIMEOUT"],
    [{ kind: "wrong-nonce" }, "NETWORK_RESPONSE"],
    [{ kind: "wrong-audience" }, "TOKEN_AUDIENCE"],
    [{ kind: "expired" }, "TOKEN_EXPIRED"],
    [{ kind: "other-issuer" }, "NETWORK_RESPONSE"],
  ];
  for (const [fault, code] of faults) {
    await sigstore.reset();
    await sigstore.fault({ service: "oidc", ...fault });
    const limit = code === "NETWORK_TIMEOUT" ? ["--timeout", "1s"] : [];
    const result = await atTerminal(at, [...signing(sigstore), ...limit], { env });
    assertFaultShown(result, code);
    assert.deepEqual([...await services(sigstore)], ["oidc"], JSON.stringify(fault));
    assert.deepEqual(snapshot(at.path), before);
  }
});
