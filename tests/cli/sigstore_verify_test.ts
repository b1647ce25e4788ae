import assert from "node:assert/strict";
import { appendFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Schema, Validator } from "@cfworker/json-schema";
import {
  assertFault,
  assertRejected,
  assertStatus,
  assertVerdict,
  type Outcome,
} from "../support/outcome.ts";
import { GITHUB_CLAIMS, startSigstore } from "../support/sigstore.ts";
import { desk, IDENTITY, signedModel, verifying } from "../support/sigstore_cli.ts";
import { SIGN, VERIFY } from "../support/workbench.ts";

const SCHEMA: Schema = JSON.parse(
  await readFile(new URL("../../docs/report.schema.json", import.meta.url), "utf8"),
);

/** The JSON report of a run, which must be as its schema says. */
function reportOf({ stdout }: Outcome) {
  const report = JSON.parse(stdout);
  const { valid, errors } = new Validator(SCHEMA, "2020-12", false).validate(report);
  assert.ok(valid, JSON.stringify(errors));
  return report;
}

/** Arguments with another value for an option, or without it. */
function swapped(args: readonly string[], option: string, ...value: string[]): readonly string[] {
  const index = args.indexOf(option);
  return [...args.slice(0, index), ...value, ...args.slice(index + 2)];
}

const HOUR_MS = 3_600_000;

for (const rekor of [1, 2] as const) {
  test(`verify reports who signed, when, by whose word and in which log entry of Rekor v${rekor}`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    await signedModel(at, sigstore, { rekor });
    const report = reportOf(await at.run(verifying(sigstore)));
    assert.equal(report.verdict, "verified");
    const { method, name, issuer, fields } = report.identity;
    assert.deepEqual([method, name, issuer], ["sigstore", IDENTITY, sigstore.issuer]);
    const bundle = JSON.parse(await readFile(join(at.path, "model.sig"), "utf8"));
    const { logIndex } = bundle.verificationMaterial.tlogEntries[0];
    const log = rekor === 1 ? sigstore.url : sigstore.rekor2;
    assert.equal(fields["log entry"], `${logIndex} of ${log}`);
    for (const { time } of report.timestamps) {
      assert.ok(Math.abs(Date.parse(time) - Date.now()) < HOUR_MS);
    }
    const sources = report.timestamps.map((each: { source: string }) => each.source).toSorted();
    // Rekor v2 says nothing of time.
    assert.deepEqual(sources, rekor === 1 ? ["rfc3161", "transparency-log"] : ["rfc3161"]);
    const trust = report.checks.find((check: { id: string }) => check.id === "trust-root");
    assert.match(trust.detail, /\b0 days old\b/);

    const text = await at.run(swapped(verifying(sigstore), "--format"));
    assertStatus(text, 0, "text");
    for (const part of [IDENTITY, sigstore.issuer, report.timestamps[0].time, "0 days old", log]) {
      assert.ok(text.stdout.includes(part), `${part} in ${text.stdout}`);
    }
  });
}

test("verify reports the workflow that signed on GitHub Actions", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore, { claims: GITHUB_CLAIMS });
  const workflow =
    "https://github.com/octo-org/model/.github/workflows/release.yml@refs/heads/main";
  const report = reportOf(await at.run(verifying(sigstore, workflow)));
  assert.equal(report.verdict, "verified");
  assert.equal(report.identity.name, workflow);
  const { fields } = report.identity;
  for (
    const [label, value] of Object.entries({
      "source repository": "https://github.com/octo-org/model",
      "source repository ref": "refs/heads/main",
      "source repository digest": GITHUB_CLAIMS["sha"],
      "build config": workflow,
      "build trigger": "push",
      "runner environment": "github-hosted",
      "run invocation": "https://github.com/octo-org/model/actions/runs/30433642/attempts/1",
    })
  ) assert.equal(fields[label], value, label);
});

test("verify rejects every other identity and issuer, however close", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const args = verifying(sigstore);
  const identities = [
    ...["other@example.com", "dev@example.co", "xdev@example.com", "DEV@example.com"],
    ...["dev@example.com ", ".*", "dev.example.com", "^dev@example.com$", "email:dev@example.com"],
  ];
  for (const identity of identities) {
    const outcome = await at.run(swapped(args, "--identity", "--identity", identity));
    assertRejected(outcome, ["IDENTITY_MISMATCH"]);
    reportOf(outcome);
  }
  const issuers = [`${sigstore.issuer}/`, sigstore.url, sigstore.issuer.toUpperCase(), ".*"];
  for (const issuer of issuers) {
    assertRejected(
      await at.run(swapped(args, "--identity-provider", "--identity-provider", issuer)),
      ["ISSUER_MISMATCH"],
    );
  }
  const both = swapped(args, "--identity", "--identity", "other@example.com");
  assertRejected(
    await at.run(swapped(both, "--identity-provider", "--identity-provider", "https://other")),
    ["IDENTITY_MISMATCH", "ISSUER_MISMATCH"],
  );
});

test("verify takes patterns for the whole identity and the whole issuer only", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const args = verifying(sigstore);
  for (
    const [pattern, codes] of [
      [".*@example\\.com", []],
      ["(dev|ops)@example\\.com", []],
      ["nobody|dev@example\\.com", []],
      ["dev@example", ["IDENTITY_MISMATCH"]],
      ["example\\.com", ["IDENTITY_MISMATCH"]],
      ["dev|nobody", ["IDENTITY_MISMATCH"]],
      ["DEV@EXAMPLE\\.COM", ["IDENTITY_MISMATCH"]],
    ] as const
  ) {
    const outcome = await at.run(swapped(args, "--identity", "--identity-regexp", pattern));
    if (codes.length === 0) assertStatus(outcome, 0, pattern);
    else assertRejected(outcome, codes);
  }
  const [option, regexp] = ["--identity-provider", "--identity-provider-regexp"];
  assertStatus(await at.run(swapped(args, option, regexp, "http://.*/auth")), 0, "issuer");
  assertRejected(await at.run(swapped(args, option, regexp, "http://127.0.0.1")), [
    "ISSUER_MISMATCH",
  ]);
  for (const broken of ["", "(", "a)|(b", "[z-a]"]) {
    assertFault(await at.run(swapped(args, "--identity", "--identity-regexp", broken)), 2, "USAGE");
  }
});

test("verify says that the signature holds when files differ, and by whom it is", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  await appendFile(join(at.path, "model/config.json"), " ");
  await rm(join(at.path, "model/weights/part-1.bin"));
  const outcome = await at.run(verifying(sigstore));
  assertRejected(outcome, ["FILE_MISSING", "FILE_MODIFIED"]);
  assert.equal(reportOf(outcome).signedBy.name, IDENTITY);
});

test("verify rejects a signature of another instance, and of production and staging the loopback's", async () => {
  await using sigstore = await startSigstore();
  await using other = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const args = verifying(sigstore);
  for (
    const trust of [["--trust-config", other.trustConfig], ["--trust-root", other.trustedRoot]]
  ) {
    assertVerdict(
      await at.run(swapped(args, "--trust-config", ...trust)),
      "rejected",
      1,
      ["TLOG_UNKNOWN", "TIMESTAMP_UNTRUSTED"],
    );
  }
  assertStatus(await at.run(swapped(args, "--trust-config", "--use-staging")), 1, "staging");
  assertStatus(await at.run(swapped(args, "--trust-config")), 1, "production");
});

test("verify takes a trusted root as it takes a trust config", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const root = swapped(verifying(sigstore), "--trust-config", "--trust-root", sigstore.trustedRoot);
  assertStatus(await at.run(root), 0, "trusted root");
});

test("verify does not trust a log whose key has no beginning, and says so", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const root = JSON.parse(await readFile(sigstore.trustedRoot, "utf8"));
  for (const { publicKey } of root.tlogs) delete publicKey.validFor;
  await at.write({ "undated.json": JSON.stringify(root) });
  const outcome = await at.run(
    swapped(verifying(sigstore), "--trust-config", "--trust-root", "undated.json"),
  );
  assertRejected(outcome, ["TLOG_UNKNOWN"]);
  assert.match(reportOf(outcome).checks[1].detail, /validFor is missing/);
});

test("verify ends with 3 when what it should trust cannot be used", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const args = verifying(sigstore);
  await at.write({
    "garbage.json": "garbage",
    "empty.json": "",
    "list.json": "[]",
    "other.json": '{"mediaType": "text/plain"}',
    "huge.json": `"${"a".repeat(8 * 1024 * 1024)}"`,
  });
  for (const option of ["--trust-root", "--trust-config"]) {
    for (
      const [file, code] of [
        ["missing.json", "FILE_UNREADABLE"],
        ["model", "FILE_UNREADABLE"],
        ["garbage.json", "TRUST_MALFORMED"],
        ["empty.json", "TRUST_MALFORMED"],
        ["list.json", "TRUST_MALFORMED"],
        ["other.json", "TRUST_MALFORMED"],
        ["huge.json", "FILE_UNREADABLE"],
      ] as const
    ) {
      const outcome = await at.run(swapped(args, "--trust-config", option, file));
      assertStatus(outcome, 3, `${option} ${file}`);
      assertFault(outcome, 3, code);
      assert.equal(outcome.stdout, "");
    }
  }
});

test("verify refuses options that contradict each other, and needs both halves of a name", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const args = verifying(sigstore);
  for (
    const wrong of [
      [...args, "--identity-regexp", ".*"],
      [...args, "--identity-provider-regexp", ".*"],
      [...args, "--trust-root", sigstore.trustedRoot],
      [...args, "--use-staging"],
      swapped(args, "--identity"),
      swapped(args, "--identity-provider"),
      swapped(args, "--signature"),
      swapped(args, "--identity", "--identity", ""),
      [...args, "--identity-token", "x"],
      [...args, "--public-key", "key.pub"],
    ]
  ) {
    const outcome = await at.run(wrong);
    assertStatus(outcome, 2, wrong.join(" "));
    assert.equal(outcome.stdout, "");
  }
});

test("what weakens a check counts on the command line only", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore, { claims: { email: "other@example.com" } });
  const args = verifying(sigstore);
  const values = {
    identity_regexp: ".*",
    identity_provider_regexp: ".*",
    trust_root: sigstore.trustedRoot,
    trust_config: sigstore.trustConfig,
    use_staging: true,
  };
  for (const [name, value] of Object.entries(values)) {
    assertStatus(await at.run([...args, "--json", JSON.stringify({ [name]: value })]), 2, name);
    const env = { [`MODEL_SIGNING_${name.toUpperCase()}`]: String(value) };
    const outcome = await at.run(args, { env });
    assertRejected(outcome, ["IDENTITY_MISMATCH"]);
    assert.ok(outcome.stderr.includes(Object.keys(env)[0]!), outcome.stderr);
  }
  // Who is expected may stand there.
  const named = swapped(swapped(args, "--identity"), "--identity-provider");
  const json = JSON.stringify({ identity_provider: sigstore.issuer });
  const env = { MODEL_SIGNING_IDENTITY: "other@example.com" };
  assertStatus(await at.run([...named, "--json", json], { env }), 0, "identity");
});

test("verify tells the methods apart by what is in the bundle", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  assertStatus(await at.run(VERIFY), 1, "a Sigstore signature as one by a key");
  assertStatus(await at.run(SIGN), 0, "sign key");
  const outcome = await at.run(verifying(sigstore));
  assertStatus(outcome, 1, "a signature by a key as one of Sigstore");
  reportOf(outcome);
});
