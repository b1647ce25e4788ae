/** Sigstore's conformance suite's client, called the way the suite calls it: exit status only. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { createHash, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { post } from "../sigstore/_client.ts";
import type { Loose } from "../support/bundles.ts";
import { bundleBy, encode, hintOf, MEDIA_TYPE, p256 } from "../support/bundles.ts";
import { programEnvironment } from "../support/cli.ts";
import { assertStatus, type Outcome } from "../support/outcome.ts";
import { sharedData } from "../support/shared.ts";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";
import { IDENTITY } from "../support/sigstore_cli.ts";
import { type Workbench, workbench } from "../support/workbench.ts";

const CLIENT = fileURLToPath(new URL("./sigstore", import.meta.url));

const ARTIFACT = "any artifact, not only a model\n";

/** Runs the client from a folder that has nothing to do with the artifact. */
function client(...args: readonly string[]): Outcome {
  return spawnSync(CLIENT, args, { cwd: "/", env: programEnvironment(), encoding: "utf8" });
}

function sha256(content: string | Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}

/** A folder with an artifact, and another one. */
async function scene(): Promise<Workbench & { at(name: string): string }> {
  const bench = await workbench();
  await bench.write({ "artifact": ARTIFACT, "other": "another artifact\n" });
  return { ...bench, at: (name) => join(bench.path, name) };
}

/** Flags that verify what somebody has signed through the instance. */
function by({ trustedRoot, issuer }: Sigstore, identity: string = IDENTITY): readonly string[] {
  return [
    ...["--trusted-root", trustedRoot],
    ...["--certificate-identity", identity, "--certificate-oidc-issuer", issuer],
  ];
}

function signingConfig({ signingConfig, signingConfigV2 }: Sigstore, rekor: 1 | 2): string {
  return rekor === 1 ? signingConfig : signingConfigV2;
}

/** Signs a file into `bundle.json`. */
async function signed(
  sigstore: Sigstore,
  { at }: { at(name: string): string },
  rekor: 1 | 2,
  file: string,
  ...more: readonly string[]
): Promise<void> {
  const outcome = client(
    ...["sign-bundle", ...more, "--identity-token", await sigstore.token()],
    ...["--bundle", at("bundle.json"), "--trusted-root", sigstore.trustedRoot],
    ...["--signing-config", signingConfig(sigstore, rekor), file],
  );
  assertStatus(outcome, 0, "sign-bundle");
}

/** The statement that `sign-bundle --in-toto` is given. */
function statement(): string {
  return JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "artifact", digest: { sha256: sha256(ARTIFACT).toString("hex") } }],
    predicateType: "https://example.com/predicate/v1",
    predicate: {},
  });
}

for (const rekor of [1, 2] as const) {
  for (const content of ["message", "statement"] as const) {
    test(`sign-bundle and verify-bundle agree over a ${content} in Rekor v${rekor}`, async () => {
      await using sigstore = await startSigstore();
      await using bench = await scene();
      const { at } = bench;
      await bench.write({ "statement.json": statement() });
      if (content === "message") await signed(sigstore, bench, rekor, at("artifact"));
      else await signed(sigstore, bench, rekor, at("statement.json"), "--in-toto");
      const bundle = JSON.parse(readFileSync(at("bundle.json"), "utf8"));
      assert.equal("dsseEnvelope" in bundle, content === "statement");

      const verify = ["verify-bundle", "--bundle", at("bundle.json")];
      const digest = `sha256:${sha256(ARTIFACT).toString("hex")}`;
      for (const artifact of [at("artifact"), digest]) {
        assertStatus(client(...verify, ...by(sigstore), artifact), 0, artifact);
      }
      for (const artifact of [at("other"), `sha256:${"0".repeat(64)}`]) {
        assertStatus(client(...verify, ...by(sigstore), artifact), 1, artifact);
      }
      const other = by(sigstore, "other@example.com");
      assertStatus(client(...verify, ...other, at("artifact")), 1, "another identity");
      const slash = by({ ...sigstore, issuer: `${sigstore.issuer}/` });
      assertStatus(client(...verify, ...slash, at("artifact")), 1, "another issuer");
    });
  }
}

test("verify-bundle takes the older versions of the bundle, with what they have instead", async () => {
  await using sigstore = await startSigstore();
  await using bench = await scene();
  const { at } = bench;
  await signed(sigstore, bench, 1, at("artifact"));
  const bundle = JSON.parse(readFileSync(at("bundle.json"), "utf8"));
  const { certificate, ...material } = bundle.verificationMaterial;
  const chain = { x509CertificateChain: { certificates: [certificate] } };
  const old = (version: string, change: (entry: Loose) => Loose = (entry) => entry): Loose => ({
    ...bundle,
    mediaType: `application/vnd.dev.sigstore.bundle+json;version=${version}`,
    verificationMaterial: {
      ...material,
      ...chain,
      tlogEntries: material.tlogEntries.map(change),
    },
  });
  const promised = ({ inclusionProof: _, ...entry }: Loose) => entry;
  const proven = ({ inclusionPromise: _, ...entry }: Loose) => entry;
  const forms: readonly (readonly [status: number, form: Loose])[] = [
    [0, bundle],
    [0, { ...bundle, mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.3" }],
    [0, old("0.2")],
    [0, old("0.2", proven)],
    [0, old("0.1")],
    [0, old("0.1", promised)],
    [1, old("0.1", proven)],
    [1, old("0.2", promised)],
    [1, old("0.3")],
    [1, old("0.4")],
    [1, { ...bundle, mediaType: "application/json" }],
    [1, { ...bundle, verificationMaterial: { ...material, ...chain, certificate } }],
    [1, { ...bundle, messageSignature: undefined }],
    [1, { ...bundle, verificationMaterial: { ...bundle.verificationMaterial, tlogEntries: [] } }],
  ];
  for (const [status, form] of forms) {
    const text = JSON.stringify(form);
    await bench.write({ "form.json": text });
    const verify = ["verify-bundle", "--bundle", at("form.json"), ...by(sigstore)];
    assertStatus(client(...verify, at("artifact")), status, text);
  }
});

/** Enters a signature by a key in Rekor v1, and gives the entry as bundles have it. */
async function entryOf(sigstore: Sigstore, publicKey: string, signature: Buffer): Promise<Loose> {
  const { json } = await post(`${sigstore.url}/api/v1/log/entries`, {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: sha256(ARTIFACT).toString("hex") } },
      signature: {
        content: signature.toString("base64"),
        publicKey: { content: Buffer.from(publicKey).toString("base64") },
      },
    },
  });
  const [{ body, integratedTime, logID, logIndex, verification }] = Object.values<Loose>(json);
  const { signedEntryTimestamp, inclusionProof } = verification;
  const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");
  return {
    logIndex: `${logIndex}`,
    logId: { keyId: base64(logID) },
    kindVersion: { kind: "hashedrekord", version: "0.0.1" },
    integratedTime: `${integratedTime}`,
    inclusionPromise: { signedEntryTimestamp },
    inclusionProof: {
      logIndex: `${inclusionProof.logIndex}`,
      rootHash: base64(inclusionProof.rootHash),
      treeSize: `${inclusionProof.treeSize}`,
      hashes: inclusionProof.hashes.map(base64),
      checkpoint: { envelope: inclusionProof.checkpoint },
    },
    canonicalizedBody: body,
  };
}

test("verify-bundle --key takes a signature by that key that was logged, and no other", async () => {
  await using sigstore = await startSigstore();
  await using bench = await scene();
  const { at } = bench;
  const { privateKey, publicKey } = p256();
  const pem = publicKey.export({ type: "spki", format: "pem" }) as string;
  const signature = sign("sha256", Buffer.from(ARTIFACT), privateKey);
  const bundle = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      publicKey: { hint: hintOf(publicKey) },
      tlogEntries: [await entryOf(sigstore, pem, signature)],
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: sha256(ARTIFACT).toString("base64") },
      signature: signature.toString("base64"),
    },
  };
  const unlogged = bundleBy(publicKey, encode(statement()), signature);
  await bench.write({
    "key.pub": pem,
    "other.pub": p256().publicKey.export({ type: "spki", format: "pem" }),
    "bundle.json": JSON.stringify(bundle),
    "unlogged.json": JSON.stringify(unlogged),
    "garbage.pub": "garbage",
  });
  const verify = (name: string, key: string, artifact: string) =>
    client(
      ...["verify-bundle", "--bundle", at(name), "--key", at(key)],
      ...["--trusted-root", sigstore.trustedRoot, artifact],
    );
  assertStatus(verify("bundle.json", "key.pub", at("artifact")), 0, "the key");
  assertStatus(verify("bundle.json", "other.pub", at("artifact")), 1, "another key");
  assertStatus(verify("bundle.json", "garbage.pub", at("artifact")), 1, "no key");
  assertStatus(verify("bundle.json", "key.pub", at("other")), 1, "another artifact");
  assertStatus(verify("unlogged.json", "key.pub", at("artifact")), 1, "no log entry");
  const anybody = ["verify-bundle", "--bundle", at("bundle.json"), ...by(sigstore)];
  assertStatus(client(...anybody, at("artifact")), 1, "an identity instead of the key");
});

test("verify-bundle fails for anything but the bundle that was signed, and for other trust", async () => {
  await using sigstore = await startSigstore();
  await using other = await startSigstore();
  await using bench = await scene();
  const { at } = bench;
  await signed(sigstore, bench, 1, at("artifact"));
  const text = readFileSync(at("bundle.json"), "utf8");
  const { messageSignature } = JSON.parse(text);
  await bench.write({
    "garbage.json": "garbage",
    "empty.json": "",
    "flipped.json": text.replace(
      messageSignature.signature,
      Buffer.from(messageSignature.signature, "base64").reverse().toString("base64"),
    ),
  });
  for (const name of ["garbage.json", "empty.json", "flipped.json", "missing.json"]) {
    const verify = ["verify-bundle", "--bundle", at(name), ...by(sigstore)];
    assertStatus(client(...verify, at("artifact")), 1, name);
  }
  const verify = ["verify-bundle", "--bundle", at("bundle.json")];
  const policy = by(sigstore).slice(2);
  for (
    const trust of [
      ["--trusted-root", other.trustedRoot],
      ["--trusted-root", at("garbage.json")],
      ["--trusted-root", at("missing.json")],
      ["--staging"],
      [],
    ]
  ) assertStatus(client(...verify, ...policy, ...trust, at("artifact")), 1, trust.join(" "));
  assertStatus(client(...verify, ...by(sigstore), at("missing")), 1, "no artifact");
});

test("sign-bundle fails and writes nothing for a bad token, and when services fail or lie", async () => {
  await using sigstore = await startSigstore();
  await using bench = await scene();
  const { at } = bench;
  const sign = (token: string, file = "artifact") =>
    client(
      ...["sign-bundle", "--identity-token", token, "--bundle", at("bundle.json")],
      ...["--trusted-root", sigstore.trustedRoot, "--signing-config", sigstore.signingConfig],
      at(file),
    );
  const token = await sigstore.token();
  const bad = [
    "garbage",
    await sigstore.token({ exp: 1 }),
    await sigstore.token({ aud: "other" }),
    `${token.slice(0, -8)}AAAAAAAA`,
  ];
  for (const each of bad) assertStatus(sign(each), 1, "a bad token");
  assertStatus(sign(token, "missing"), 1, "no artifact");
  for (
    const [service, kind] of [
      ["fulcio", "garbage"],
      ["fulcio", "bad-sct"],
      ["rekor", "bad-checkpoint"],
      ["tsa", "wrong-imprint"],
    ] as const
  ) {
    await sigstore.fault({ service, kind });
    assertStatus(sign(token), 1, `${service} ${kind}`);
    await sigstore.reset();
  }
  assert.ok(!existsSync(at("bundle.json")));
});

test("the client refuses to be misused with exit status 2", async () => {
  await using bench = await scene();
  const { at } = bench;
  for (
    const args of [
      [],
      ["verify"],
      ["verify-bundle"],
      ["verify-bundle", "--bundle", at("bundle.json")],
      ["sign-bundle", at("artifact")],
      ["verify-bundle", "--bundle"],
      ["verify-bundle", "--unknown", at("artifact")],
      [
        "verify-bundle",
        at("artifact"),
        at("other"),
        "--bundle",
        at("other"),
        "--key",
        at("key.pub"),
      ],
    ]
  ) assertStatus(client(...args), 2, args.join(" "));
});

const shared = sharedData("oms", "historical");
if (shared !== undefined) {
  test("verify-bundle takes signatures of Sigstore's production instance with the built-in root", () => {
    for (const name of ["v0.3.1-sigstore", "v1.0.0-sigstore", "v1.1.0-sigstore"]) {
      const folder = join(shared, name);
      const { verify } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
      const bundle = join(folder, "bundle.sig");
      const { dsseEnvelope } = JSON.parse(readFileSync(bundle, "utf8"));
      const { subject } = JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString("utf8"));
      const policy = [
        ...["--certificate-identity", verify.identity],
        ...["--certificate-oidc-issuer", verify.identity_provider],
      ];
      const digest = `sha256:${subject[0].digest.sha256}`;
      const args = ["verify-bundle", "--bundle", bundle, ...policy];
      assertStatus(client(...args, digest), 0, name);
      assertStatus(client(...args, "--staging", digest), 1, `${name} in staging`);
    }
  });
}
