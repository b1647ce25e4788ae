/** Bundles that earlier tools wrote, with the parameters that their `config.json` names. */

import assert from "node:assert/strict";
import { appendFileSync, cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertRejected, assertStatus, type Outcome } from "../support/outcome.ts";
import { sharedData } from "../support/shared.ts";
import { workbench } from "../support/workbench.ts";

/** What `config.json` says, as far as it is about us. */
type Config = {
  readonly method: "key" | "certificate" | "sigstore";
  readonly model: string;
  readonly expected_signed_files?: readonly string[];
  readonly verify: {
    readonly public_key?: string;
    readonly cert_chain?: readonly string[];
    readonly ignore_paths?: readonly string[];
  };
};

/** The flag of each method that says whom to trust, and what must be refused instead. */
const TRUST = {
  key: { flag: "--public-key", wrong: "wrong-key-pub.pem", code: "SIGNATURE_INVALID" },
  certificate: {
    flag: "--certificate-chain",
    wrong: "wrong-ca-cert.pem",
    code: "CERTIFICATE_UNTRUSTED",
  },
} as const;

const oms = sharedData("oms");

/** The bundles of the two methods, by folder name. */
function bundles(oms: string): (readonly [string, Config & { method: keyof typeof TRUST }])[] {
  return readdirSync(join(oms, "historical")).flatMap((name) => {
    const config: Config = JSON.parse(
      readFileSync(join(oms, "historical", name, "config.json"), "utf8"),
    );
    return config.method === "sigstore" ? [] : [[name, { ...config, method: config.method }]];
  });
}

if (oms !== undefined) {
  for (const [name, { method, model, verify, expected_signed_files }] of bundles(oms)) {
    const folder = join(oms, "historical", name);
    const { flag, wrong, code } = TRUST[method];
    const trusted = method === "key" ? [verify.public_key!] : verify.cert_chain!;
    const ignored = (verify.ignore_paths ?? []).flatMap((path) => ["--ignore-paths", path]);

    const run = (path: string, trust: readonly string[]): Promise<Outcome> =>
      cli([
        ...["verify", method, path, "--signature", join(folder, "bundle.sig"), "--format", "json"],
        ...trust.flatMap((file) => [flag, join(oms, file)]),
        ...ignored,
      ]);

    test(`verify ${method} accepts ${name}`, async () => {
      const outcome = await run(join(folder, model), trusted);
      assertStatus(outcome, 0, name);
      const { coverage, identity } = JSON.parse(outcome.stdout);
      assert.equal(identity.method, method);
      if (expected_signed_files) assert.equal(coverage.files, expected_signed_files.length);
    });

    test(`verify ${method} rejects ${name} for whom it does not trust`, async () => {
      const outcome = await run(join(folder, model), [`trust/${wrong}`]);
      assertStatus(outcome, 1, name);
      const { verdict, issues } = JSON.parse(outcome.stdout);
      assert.equal(verdict, "rejected");
      assert.ok(issues.some((issue: { code: string }) => issue.code === code), outcome.stdout);
    });

    test(`verify ${method} rejects ${name} over a changed file`, async () => {
      await using bench = await workbench();
      const copy = join(bench.path, "copy");
      cpSync(join(folder, "model"), join(copy, "model"), { recursive: true });
      appendFileSync(join(copy, "model", "signme-1"), "!");
      assertRejected(await run(join(copy, model), trusted), ["FILE_MODIFIED"]);
    });
  }

  test("verify key and verify certificate reject the bundles of sigstore", async () => {
    for (const name of ["v0.3.1-sigstore", "v1.0.0-sigstore", "v1.1.0-sigstore"]) {
      const folder = join(oms, "historical", name);
      for (const [method, { flag }] of Object.entries(TRUST)) {
        const file = method === "key" ? "signing-key-pub.pem" : "ca-cert.pem";
        const outcome = await cli([
          ...["verify", method, join(folder, "model"), "--signature", join(folder, "bundle.sig")],
          ...[flag, join(oms, "trust", file), "--format", "json"],
        ]);
        assertRejected(outcome, ["BUNDLE_MATERIAL"]);
        assert.match(outcome.stdout, /"verify it with the method sigstore"/);
      }
    }
  });
}
