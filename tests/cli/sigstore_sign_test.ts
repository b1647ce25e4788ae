import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { json, loopbackServer } from "../plugins/sigstore/oidc/_server.ts";
import type { Loose } from "../support/bundles.ts";
import { programCommand } from "../support/cli.ts";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";
import {
  assertHidden,
  type Desk,
  desk,
  IDENTITY,
  signedModel,
  signing,
  verifying,
} from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";

/** The services that were asked, in order of time. */
async function asked(sigstore: Sigstore): Promise<readonly string[]> {
  return (await sigstore.requests()).map(({ service }) => service);
}

async function entryOf({ path }: Desk) {
  const bundle = JSON.parse(await readFile(join(path, "model.sig"), "utf8"));
  const { tlogEntries: [entry], timestampVerificationData } = bundle.verificationMaterial;
  return { entry, timestamps: timestampVerificationData?.rfc3161Timestamps ?? [] };
}

for (const [rekor, log, kind] of [[1, "rekor", "dsse"], [2, "rekor2", "hashedrekord"]] as const) {
  test(`sign and verify agree over an instance with Rekor v${rekor}, and sigstore is the default method`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const token = await sigstore.token();
    const args = [...signing(sigstore, rekor), "--identity-token", token];
    for (const command of [args, ["sign", "sigstore", ...args.slice(1)]]) {
      await sigstore.reset();
      const signed = await at.run(command);
      assertStatus(signed, 0, "sign");
      assert.match(signed.stdout, /^SIGNED/);
      for (const part of [IDENTITY, sigstore.issuer, "model.sig"]) {
        assert.ok(signed.stdout.includes(part), part);
      }
      assert.deepEqual((await asked(sigstore)).toSorted(), ["fulcio", log, "tsa"]);
      const { entry, timestamps } = await entryOf(at);
      assert.equal(entry.kindVersion.kind, kind);
      assert.equal(timestamps.length, 1);
      await sigstore.reset();
      assertStatus(await at.run(verifying(sigstore)), 0, "verify");
      assert.deepEqual(await asked(sigstore), []);
    }
  });
}

test("sign takes the token from a file, a FIFO and the environment", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  await at.write({ "token.txt": `  ${token}\n` });
  const pipe = join(at.path, "token.pipe");
  execFileSync("mkfifo", [pipe]);
  for (
    const [args, env, writer] of [
      [["--identity-token", "@token.txt"], {}],
      [["--identity-token", "@token.pipe"], {}, () => writeFile(pipe, token)],
      [[], { MODEL_SIGNING_IDENTITY_TOKEN: token }],
      [[], { MODEL_SIGNING_IDENTITY_TOKEN: "@token.txt" }],
      [["--json", "options.json"], {}],
    ] as const
  ) {
    await at.write({ "options.json": JSON.stringify({ identity_token: token }) });
    const [outcome] = await Promise.all([
      at.run([...signing(sigstore), ...args], { env }),
      writer?.(),
    ]);
    assertStatus(outcome, 0, args.join(" "));
    assertStatus(await at.run(verifying(sigstore)), 0, "verify");
  }
});

test("sign obtains the machine's own token in the documented order, for the client's audience", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const names = ["github", "gitlab", "google", "buildkite", "file"] as const;
  const claims = (name: string) => ({ email: `${name}@example.com`, aud: "confidential" });
  const [github, gitlab, google, buildkite, file] = await Promise.all(
    names.map((name) => sigstore.token(claims(name))),
  );
  await using actions = await loopbackServer((_, response) => json(response, { value: github }));
  await using metadata = await loopbackServer((_, response) => {
    response.writeHead(200, { "metadata-flavor": "Google" });
    response.end(google);
  });
  // A machine of Google's without an identity; the one that runs the tests may be one with.
  await using nobody = await loopbackServer((_, response) => {
    response.writeHead(404, { "metadata-flavor": "Google" });
    response.end();
  });
  await at.write({ "token.txt": file!, "bin/buildkite-agent": `#!/bin/sh\necho ${buildkite}\n` });
  execFileSync("chmod", ["+x", join(at.path, "bin/buildkite-agent")]);
  const machines: Readonly<Record<typeof names[number], Readonly<Record<string, string>>>> = {
    github: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${actions.origin}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "the runner's own secret",
    },
    gitlab: { GITLAB_CI: "true", SIGSTORE_ID_TOKEN: gitlab! },
    google: { GCE_METADATA_HOST: metadata.host },
    buildkite: {
      GCE_METADATA_HOST: nobody.host,
      BUILDKITE: "true",
      PATH: `${join(at.path, "bin")}:${process.env["PATH"]}`,
    },
    file: {
      GCE_METADATA_HOST: nobody.host,
      SIGSTORE_OIDC_TOKEN_FILE: join(at.path, "token.txt"),
    },
  };
  const args = [...signing(sigstore), "--use-ambient-credentials", "--client-id", "confidential"];
  for (const [index, name] of names.entries()) {
    // Whatever comes later is there, too, and loses.
    const env = Object.assign({}, ...names.slice(index).reverse().map((each) => machines[each]));
    assertStatus(await at.run(args, { env }), 0, name);
    assertStatus(await at.run(verifying(sigstore, claims(name).email)), 0, name);
  }
  assert.equal(actions.asked.length, 1);
  const [{ headers, url }] = actions.asked as [typeof actions.asked[0]];
  assert.equal(headers.authorization, "Bearer the runner's own secret");
  assert.equal(`${url.pathname}${url.search}`, "/token?api-version=2&audience=confidential");
});

test("a given token wins over the machine's own, which nobody asks for then", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await using actions = await loopbackServer((_, response) => json(response, {}));
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: actions.origin,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "the runner's own secret",
    MODEL_SIGNING_IDENTITY_TOKEN: await sigstore.token(),
  };
  assertStatus(
    await at.run([...signing(sigstore), "--use-ambient-credentials"], { env }),
    0,
    "sign",
  );
  assertStatus(await at.run(verifying(sigstore)), 0, "verify");
  assert.equal(actions.asked.length, 0);
});

test("a given token is checked before the model is hashed, and no service is asked", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  // What is refused only when the model is enumerated.
  execFileSync("mkfifo", [join(at.path, "model/pipe")]);
  const before = snapshot(at.path);
  const now = Math.floor(Date.now() / 1000);
  const good = await sigstore.token();
  const bad: Readonly<Record<string, readonly [token: string, code: string]>> = {
    "expired": [await sigstore.token({ exp: now - 1 }), "TOKEN_EXPIRED"],
    "another audience": [await sigstore.token({ aud: "other" }), "TOKEN_AUDIENCE"],
    "not valid yet": [await sigstore.token({ nbf: now + 3600 }), "TOKEN_NOT_YET_VALID"],
    "unverified address": [await sigstore.token({ email_verified: false }), "TOKEN_MALFORMED"],
    "without a subject": [await sigstore.token({ sub: null }), "TOKEN_MALFORMED"],
    "no JWT": ["c2VjcmV0IHBhc3N3b3Jk", "TOKEN_MALFORMED"],
    "unsigned": [`${good.split(".").slice(0, 2).join(".")}.`, "TOKEN_MALFORMED"],
    "a token as a path": [`@${good}`, "TOKEN_MALFORMED"],
    "missing file": ["@missing", "FILE_UNREADABLE"],
    "empty file": ["@/dev/null", "TOKEN_MALFORMED"],
    "endless file": ["@/dev/zero", "FILE_UNREADABLE"],
  };
  for (const [what, [token, code]] of Object.entries(bad)) {
    const outcome = await at.run([...signing(sigstore), "--identity-token", token]);
    assertFault(outcome, 3, code);
    if (!token.startsWith("@/") && token !== "@missing") {
      assertHidden(token, { [what]: outcome.stdout + outcome.stderr });
    }
  }
  assertFault(
    await at.run([...signing(sigstore), "--identity-token", good]),
    3,
    "MODEL_REFUSED",
  );
  assert.deepEqual(await asked(sigstore), []);
  assert.deepEqual(snapshot(at.path), before);
});

test("the machine's own token is asked for when the model is hashed", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await using actions = await loopbackServer((_, response) => json(response, {}));
  execFileSync("mkfifo", [join(at.path, "model/pipe")]);
  const env = {
    ACTIONS_ID_TOKEN_REQUEST_URL: actions.origin,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "the runner's own secret",
  };
  const outcome = await at.run([...signing(sigstore), "--use-ambient-credentials"], { env });
  assertFault(outcome, 3, "MODEL_REFUSED");
  assert.equal(actions.asked.length, 0);
  assert.deepEqual(await asked(sigstore), []);
});

test("a machine that cannot give a token is told so before the model is hashed", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  // A machine of Google's without an identity; the one that runs the tests may be one with.
  await using nobody = await loopbackServer((_, response) => {
    response.writeHead(404, { "metadata-flavor": "Google" });
    response.end();
  });
  const args = [...signing(sigstore), "--use-ambient-credentials"];
  const google = { GCE_METADATA_HOST: nobody.host };
  assertFault(await at.run(args, { env: google }), 3, "TOKEN_UNAVAILABLE");
  execFileSync("mkfifo", [join(at.path, "model/pipe")]);
  const unable = [
    { GITHUB_ACTIONS: "true" },
    { ACTIONS_ID_TOKEN_REQUEST_URL: "http://127.0.0.1:1/" },
    { GITLAB_CI: "true" },
    { BUILDKITE: "true" },
  ];
  for (const env of unable) {
    assertFault(await at.run(args, { env }), 3, "TOKEN_UNAVAILABLE");
  }
  assert.deepEqual(await asked(sigstore), []);
});

test("a target that cannot be written is told before anybody is asked", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = ["--identity-token", await sigstore.token()];
  for (const target of ["missing/model.sig", "model", "/proc/model.sig"]) {
    const args = signing(sigstore).map((arg) => arg === "model.sig" ? target : arg);
    assertFault(await at.run([...args, ...token]), 3, "FILE_UNWRITABLE");
  }
  assert.deepEqual(await asked(sigstore), []);
});

test("sign writes the signature to stdout when that is asked for, and tells on stderr", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  const args = signing(sigstore).map((arg) => arg === "model.sig" ? "-" : arg);
  const { status, stdout, stderr } = await at.run([...args, "--identity-token", token]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^SIGNED/m);
  await at.write({ "model.sig": stdout });
  assertStatus(await at.run(verifying(sigstore)), 0, "verify");
});

test("inspect shows a Sigstore signature, as text and as JSON, without any trust", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  for (const format of ["text", "json"]) {
    const { status, stdout, stderr } = await at.run(["inspect", "model.sig", "--format", format]);
    assert.equal(status, 0, stderr);
    for (const part of [IDENTITY, sigstore.issuer, "sigstore"]) {
      assert.ok(stdout.includes(part), `${part} in ${stdout}`);
    }
  }
});

test("sign refuses an instance that it cannot use, before it asks anybody", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = ["--identity-token", await sigstore.token()];
  const config = JSON.parse(await readFile(sigstore.trustConfig, "utf8"));
  const { signingConfig } = config;
  const over = { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" };
  const variants: Readonly<Record<string, readonly [config: unknown, code: string]>> = {
    "trust-only": [{ ...config, signingConfig: undefined }, "SIGNING_CONFIG_UNUSABLE"],
    "a log that is over": [
      changed(config, "rekorTlogUrls", [{ ...signingConfig.rekorTlogUrls[0], validFor: over }]),
      "SIGNING_CONFIG_UNUSABLE",
    ],
    "no log": [changed(config, "rekorTlogUrls", []), "SIGNING_CONFIG_UNUSABLE"],
    "no authority": [changed(config, "caUrls", []), "SIGNING_CONFIG_UNUSABLE"],
    "plain HTTP": [
      changed(config, "caUrls", [{ ...signingConfig.caUrls[0], url: "http://192.0.2.1" }]),
      "SIGNING_CONFIG_MALFORMED",
    ],
    "no trusted root": [{ ...config, trustedRoot: undefined }, "TRUST_MALFORMED"],
    "a trusted root alone": [config.trustedRoot, "TRUST_MALFORMED"],
    "no object": [[], "TRUST_MALFORMED"],
  };
  const sign = ["sign", "model", "--trust-config", "config.json", ...token];
  for (const [what, [content, code]] of Object.entries(variants)) {
    await at.write({ "config.json": JSON.stringify(content) });
    const outcome = await at.run(sign);
    assertStatus(outcome, 3, what);
    assertFault(outcome, 3, code);
  }
  await at.write({ "config.json": "{" });
  assertFault(await at.run(sign), 3, "TRUST_MALFORMED");
  await rm(join(at.path, "config.json"));
  assertFault(await at.run(sign), 3, "FILE_UNREADABLE");
  assertFault(await at.run([...signing(sigstore), "--use-staging", ...token]), 2, "USAGE");
  assert.deepEqual(await asked(sigstore), []);
  assert.ok(!existsSync(join(at.path, "model.sig")));
});

test("sign without a token, a terminal or a login page says what to give instead", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const [program, ...first] = programCommand();
  // A session of its own has no controlling terminal, wherever the tests are started from.
  const alone = { program: ["setsid", "--wait", program, ...first] } as const;
  assertFault(await at.run(signing(sigstore), alone), 3, "INTERACTION_UNAVAILABLE");
  const config = JSON.parse(await readFile(sigstore.trustConfig, "utf8"));
  await at.write({ "config.json": JSON.stringify(changed(config, "oidcUrls", [])) });
  const sign = ["sign", "model", "--trust-config", "config.json"];
  assertFault(await at.run(sign, alone), 3, "SIGNING_CONFIG_UNUSABLE");
  assertStatus(
    await at.run([...sign, "--identity-token", await sigstore.token()]),
    0,
    "with a token nobody has to log in",
  );
});

/** A trust config whose signing config has another member. */
function changed(config: Loose, member: string, value: unknown): Loose {
  return { ...config, signingConfig: { ...config.signingConfig, [member]: value } };
}
