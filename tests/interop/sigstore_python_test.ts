/**
 * The Python tool and the Python client of Sigstore beside ours, with the loopback Sigstore: what one signs, the
 * other verifies.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertRejected, assertStatus, type Outcome } from "../support/outcome.ts";
import { pythonTest, type PythonTool } from "../support/python_tool.ts";
import {
  GITHUB_CLAIMS,
  type Sigstore,
  startSigstore,
  type TokenClaims,
} from "../support/sigstore.ts";
import { type Desk, desk, IDENTITY, signing, verifying } from "../support/sigstore_cli.ts";
import { ROUGH_TREE, writeTree } from "./sample_model.ts";

/** A desk with a model that is hard to agree on, and who signs it with which Rekor. */
type Scene = {
  readonly at: Desk;
  readonly sigstore: Sigstore;
  readonly rekor: 1 | 2;
  readonly claims?: TokenClaims;
};

const WORKFLOW = "https://github.com/octo-org/model/.github/workflows/release.yml@refs/heads/main";

async function scene(sigstore: Sigstore, rekor: 1 | 2): Promise<Scene & AsyncDisposable> {
  const at = await desk();
  writeTree(join(at.path, "model"), ROUGH_TREE);
  return { at, sigstore, rekor, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() };
}

function configOf({ sigstore, rekor }: Scene): string {
  return rekor === 1 ? sigstore.trustConfig : sigstore.trustConfigV2;
}

async function weSign({ at, sigstore, rekor, claims = {} }: Scene): Promise<void> {
  const token = await sigstore.token(claims);
  assertStatus(
    await at.run([...signing(sigstore, rekor), "--identity-token", token]),
    0,
    "we sign",
  );
}

async function weVerify({ at, sigstore }: Scene, identity: string = IDENTITY) {
  return await at.run(verifying(sigstore, identity));
}

async function pythonSigns(tool: PythonTool, at: Scene): Promise<void> {
  const token = await at.sigstore.token(at.claims ?? {});
  const run = tool.run([
    ...["sign", "sigstore", "model", "--signature", "model.sig"],
    ...["--trust_config", configOf(at), "--identity_token", token],
  ], at.at.path);
  assertStatus(run, 0, "the Python tool signs");
}

function pythonVerifies(
  tool: PythonTool,
  at: Scene,
  identity: string = IDENTITY,
  issuer: string = at.sigstore.issuer,
): Outcome {
  return tool.run([
    ...["verify", "sigstore", "model", "--signature", "model.sig"],
    ...["--trust_config", configOf(at)],
    ...["--identity", identity, "--identity_provider", issuer],
  ], at.at.path);
}

for (const rekor of [1, 2] as const) {
  pythonTest(
    `the Python tool takes a Sigstore signature of ours with Rekor v${rekor}, and no other signer`,
    async (tool) => {
      await using sigstore = await startSigstore();
      await using at = await scene(sigstore, rekor);
      await weSign(at);
      assertStatus(pythonVerifies(tool, at), 0, "the Python tool verifies");
      assertStatus(pythonVerifies(tool, at, "other@example.com"), 1, "another identity");
      assertStatus(pythonVerifies(tool, at, IDENTITY, "https://other"), 1, "another issuer");
      appendFileSync(join(at.at.path, "model", "onnx", "w"), "!");
      assertStatus(pythonVerifies(tool, at), 1, "another model");
    },
  );

  pythonTest(
    `verify takes a Sigstore signature of the Python tool with Rekor v${rekor}, and no other signer`,
    async (tool) => {
      await using sigstore = await startSigstore();
      await using at = await scene(sigstore, rekor);
      await pythonSigns(tool, at);
      assertStatus(await weVerify(at), 0, "we verify");
      assertRejected(await weVerify(at, "other@example.com"), ["IDENTITY_MISMATCH"]);
      appendFileSync(join(at.at.path, "model", "onnx", "w"), "!");
      assertRejected(await weVerify(at), ["FILE_MODIFIED"]);
    },
  );
}

pythonTest("a workflow that signed is the same to both tools", async (tool) => {
  await using sigstore = await startSigstore();
  await using plain = await scene(sigstore, 1);
  const at = { ...plain, claims: GITHUB_CLAIMS };
  await weSign(at);
  assertStatus(pythonVerifies(tool, at, WORKFLOW), 0, "the Python tool verifies");
  await pythonSigns(tool, at);
  assertStatus(await weVerify(at, WORKFLOW), 0, "we verify");
});

pythonTest("both tools refuse a bundle whose log entry is changed", async (tool) => {
  await using sigstore = await startSigstore();
  await using at = await scene(sigstore, 1);
  await weSign(at);
  const path = join(at.at.path, "model.sig");
  const bundle = JSON.parse(readFileSync(path, "utf8"));
  const [entry] = bundle.verificationMaterial.tlogEntries;
  entry.inclusionProof.rootHash = Buffer.alloc(32, 7).toString("base64");
  writeFileSync(path, JSON.stringify(bundle));
  assertStatus(pythonVerifies(tool, at), 1, "the Python tool verifies");
  assertStatus(await weVerify(at), 1, "we verify");
});

/** Runs Sigstore's own Python client, which comes with the Python tool. */
function client(tool: PythonTool, at: Scene, args: readonly string[]): Outcome {
  const main = 'import runpy; runpy.run_module("sigstore", run_name="__main__", alter_sys=True)';
  return tool.script(main, ["--trust-config", configOf(at), ...args]);
}

pythonTest(
  "Sigstore's Python client takes the signature of a model, as any bundle",
  async (tool) => {
    await using sigstore = await startSigstore();
    await using at = await scene(sigstore, 1);
    await weSign(at);
    const { dsseEnvelope } = JSON.parse(readFileSync(join(at.at.path, "model.sig"), "utf8"));
    const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString());
    const check = (identity: string, digest: string) =>
      client(tool, at, [
        ...["verify", "identity", "--bundle", join(at.at.path, "model.sig")],
        ...["--cert-identity", identity, "--cert-oidc-issuer", sigstore.issuer],
        `sha256:${digest}`,
      ]);
    const { sha256 } = statement.subject[0].digest;
    assertStatus(check(IDENTITY, sha256), 0, "the client verifies");
    assert.notEqual(check("other@example.com", sha256).status, 0);
    assert.notEqual(
      check(IDENTITY, sha256.replace(/^./, (it: string) => it === "0" ? "1" : "0")).status,
      0,
    );
  },
);
