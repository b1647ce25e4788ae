import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { parseBundle } from "../../core/bundle.ts";
import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import type { Resource } from "../../core/hasher.ts";
import type { Manifest } from "../../core/manifest.ts";
import { sign, signModel } from "../../core/sign.ts";
import type { Signed, Signer, Witness } from "../../core/signer.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { keySigner } from "../../plugins/key/mod.ts";
import { hintOf, p256, preAuthentication, resourcesOf, rootOf } from "../support/bundles.ts";
import { MemorySource } from "../support/memory_source.ts";
import { derOf, Pki } from "../support/pki.ts";

const KEYS = p256();

function manifestOf(names: readonly string[] = ["a", "b"]): Manifest {
  return {
    name: "model",
    resources: resourcesOf(names) as unknown as Resource[],
    serialization: { method: "files", hashType: "sha256", allowSymlinks: false, ignorePaths: [] },
  };
}

/** The key signer, whose answer a test may change. */
function signerThat(
  change: (signed: Signed) => Partial<Signed>,
  { privateKey } = KEYS,
): Signer {
  const honest = keySigner({ privateKey });
  return {
    async sign(pae, options) {
      const signed = await honest.sign(pae, options);
      return { ...signed, ...change(signed) };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.equal(error.code, code, error.message);
}

test("sign() gives a bundle as a value and as the same bytes", async () => {
  const { bundle, bytes } = await sign(manifestOf(), { signer: keySigner(KEYS) });
  const read = parseBundle(bytes);
  assert.ok(read.ok);
  assert.deepEqual(read.value.material, { kind: "public-key", hint: hintOf(KEYS.publicKey) });
  assert.deepEqual(
    Buffer.from(read.value.envelope.payload),
    Buffer.from(bundle.envelope.payload),
  );
  assert.deepEqual(
    Buffer.from(read.value.envelope.signature),
    Buffer.from(bundle.envelope.signature),
  );
});

test("sign() gives the signer the encoded payload, not hashed", async () => {
  let seen: Uint8Array | undefined;
  const honest = keySigner(KEYS);
  const signer: Signer = {
    sign(pae, options) {
      seen = pae;
      return honest.sign(pae, options);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const { bundle } = await sign(manifestOf(), { signer });
  assert.deepEqual(Buffer.from(seen!), Buffer.from(preAuthentication(bundle.envelope.payload)));
});

test("sign() gives the same payload each time", async () => {
  const payloads = await Promise.all([1, 2].map(async () => {
    const { bundle } = await sign(manifestOf(), { signer: keySigner(KEYS) });
    return Buffer.from(bundle.envelope.payload).toString();
  }));
  assert.equal(payloads[0], payloads[1]);
});

test("sign() refuses a signature that does not hold", async () => {
  for (
    const change of [
      ({ signature }: Signed) => ({
        signature: signature.map((byte, at) => at === 9 ? byte ^ 1 : byte),
      }),
      ({ signature }: Signed) => ({ signature: signature.subarray(1) }),
      () => ({ signature: new Uint8Array() }),
      () => ({ signature: new Uint8Array(20_000) }),
      () => ({ signature: Buffer.from("garbage") }),
    ]
  ) {
    await refused(
      sign(manifestOf(), { signer: signerThat(change) }),
      "SIGNATURE_SELF_CHECK",
    );
  }
});

test("sign() refuses a public key that is another's, or none", async () => {
  const der = (key = p256().publicKey) => key.export({ type: "spki", format: "der" });
  for (
    const publicKey of [
      der(),
      new Uint8Array(),
      Uint8Array.of(0x30, 0x80),
      Buffer.from("garbage"),
      der().subarray(0, 40),
      der(generateKeyPairSync("ed25519").publicKey),
      der(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey),
    ]
  ) {
    await refused(
      sign(manifestOf(), { signer: signerThat(() => ({ publicKey })) }),
      "SIGNATURE_SELF_CHECK",
    );
  }
});

test("sign() refuses a signer that names another key than it signs with", async () => {
  for (
    const material of [
      { kind: "public-key", hint: hintOf(p256().publicKey) },
      { kind: "public-key", hint: hintOf(KEYS.publicKey).toUpperCase() },
      { kind: "public-key" },
      { kind: "certificate", certificate: Buffer.from("garbage") },
      { kind: "certificate-chain", certificates: [new Uint8Array()] },
    ] as const
  ) {
    await refused(
      sign(manifestOf(), { signer: signerThat(() => ({ material })) }),
      "SIGNATURE_SELF_CHECK",
    );
  }
});

test("sign() refuses a certificate of another key, and takes the right one", async () => {
  using pki = new Pki();
  const { privateKey } = KEYS;
  const key = pki.file("own.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
  const certificates = [pki.root({ key: { path: key } }), pki.root()].map(({ certificate }) =>
    certificate
  );
  const [own, other] = certificates.map((path) => derOf(path)) as [Uint8Array, Uint8Array];
  const signWith = (first: Uint8Array, ...rest: Uint8Array[]) =>
    sign(manifestOf(), {
      signer: signerThat(() => ({
        material: { kind: "certificate-chain", certificates: [first, ...rest] },
      })),
    });
  await signWith(own, other);
  await refused(signWith(other, own), "SIGNATURE_SELF_CHECK");
});

test("sign() refuses a manifest that no verifier would read, before anything is signed", async () => {
  let asked = 0;
  const signer = signerThat(() => ({}));
  const counting: Signer = {
    sign(pae, options) {
      asked++;
      return signer.sign(pae, options);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const [resource] = manifestOf(["a"]).resources;
  for (
    const manifest of [
      manifestOf([]),
      manifestOf(["b", "a"]),
      manifestOf(["a", "a"]),
      manifestOf(["../a"]),
      manifestOf(["/a"]),
      { ...manifestOf(), name: "" },
      { ...manifestOf(), resources: [{ ...resource!, digest: "00" }] },
      { ...manifestOf(), resources: [{ ...resource!, algorithm: "blake3" as const }] },
      { ...manifestOf(), resources: [{ ...resource!, extra: { nested: nested(62) } }] },
    ]
  ) await refused(sign(manifest, { signer: counting }), "SIGNATURE_SELF_CHECK");
  assert.equal(asked, 0);
});

/** Lists in each other. */
function nested(depth: number): unknown {
  return depth === 0 ? 0 : [nested(depth - 1)];
}

test("sign() puts what the witnesses give into the bundle", async () => {
  const witnesses: Witness[] = [
    { witness: () => Promise.resolve({ tlogEntries: [{ logIndex: "1" }] }) },
    { witness: () => Promise.resolve({ timestamps: [Uint8Array.of(0x30, 0)] }) },
    { witness: () => Promise.resolve({}) },
  ];
  const { bytes } = await sign(manifestOf(), { signer: keySigner(KEYS), witnesses });
  const { verificationMaterial } = JSON.parse(Buffer.from(bytes).toString());
  assert.deepEqual(verificationMaterial.tlogEntries, [{ logIndex: "1" }]);
  assert.deepEqual(verificationMaterial.timestampVerificationData, {
    rfc3161Timestamps: [{ signedTimestamp: "MAA=" }],
  });
});

test("sign() shows witnesses the envelope only after the signature was checked", async () => {
  let asked = 0;
  const witness: Witness = {
    witness(envelope, signed) {
      asked++;
      assert.equal(envelope.signature, signed.signature);
      return Promise.resolve({});
    },
  };
  const wrong = signerThat(() => ({ signature: new Uint8Array(70) }));
  await refused(
    sign(manifestOf(), { signer: wrong, witnesses: [witness] }),
    "SIGNATURE_SELF_CHECK",
  );
  assert.equal(asked, 0);
  await sign(manifestOf(), { signer: keySigner(KEYS), witnesses: [witness] });
  assert.equal(asked, 1);
});

test("sign() gives nothing when one witness fails", async () => {
  const outage = new ModelSigningError("PLUGIN_LOG_DOWN", "the log does not answer");
  const witnesses: Witness[] = [
    { witness: () => Promise.resolve({}) },
    { witness: () => Promise.reject(outage) },
  ];
  await refused(sign(manifestOf(), { signer: keySigner(KEYS), witnesses }), "PLUGIN_LOG_DOWN");
});

test("sign() refuses evidence that would make the bundle unreadable", async () => {
  for (
    const evidence of [
      { timestamps: [new Uint8Array()] },
      { tlogEntries: [null as unknown as Record<string, never>] },
    ]
  ) {
    const witnesses: Witness[] = [{ witness: () => Promise.resolve(evidence) }];
    await refused(
      sign(manifestOf(), { signer: keySigner(KEYS), witnesses }),
      "SIGNATURE_SELF_CHECK",
    );
  }
});

test("sign() lets the signer's own errors through", async () => {
  const signer: Signer = {
    sign: () => Promise.reject(new ModelSigningError("PLUGIN_PIN_WRONG", "the PIN is wrong")),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await refused(sign(manifestOf(), { signer }), "PLUGIN_PIN_WRONG");
});

test("sign() ends with ABORTED when the signal fires while the signer works", async () => {
  const controller = new AbortController();
  const signer = signerThat(() => {
    controller.abort();
    return {};
  });
  await refused(sign(manifestOf(), { signer }, { signal: controller.signal }), "ABORTED");
});

test("signModel() does not ask the signer when the model is refused", async () => {
  let asked = 0;
  const signer = signerThat(() => {
    asked++;
    return {};
  });
  const source = new MemorySource({
    "a": { code: "ENTRY_SYMLINK", message: "is a symbolic link", path: "a" },
  });
  await refused(signModel({ source, hasher: hasherFactory(), signer }), "MODEL_REFUSED");
  assert.equal(asked, 0);
});

test("signModel() gives manifest, coverage and root digest along with the bundle", async () => {
  const source = new MemorySource({ "a": "1", "b": "22" });
  const signed = await signModel({ source, hasher: hasherFactory(), signer: keySigner(KEYS) });
  assert.equal(signed.rootDigest, rootOf(signed.manifest.resources));
  assert.deepEqual(signed.coverage, { files: 2, bytes: 3, ignored: [], uncovered: [] });
  const { subject } = JSON.parse(Buffer.from(signed.bundle.envelope.payload).toString());
  assert.deepEqual(subject, [{ name: "model", digest: { sha256: signed.rootDigest } }]);
});
