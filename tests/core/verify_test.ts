import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { type Bundle, parseBundle } from "../../core/bundle.ts";
import { PIPELINE_CHECKS } from "../../core/check.ts";
import type { CompareInput } from "../../core/compare.ts";
import type { Issue, IssueCode } from "../../core/errors.ts";
import { ModelSigningError } from "../../core/errors.ts";
import type { HashInput } from "../../core/hash.ts";
import type { Report } from "../../core/report.ts";
import { signModel } from "../../core/sign.ts";
import type { Check, SignatureVerification, Verifier } from "../../core/verifier.ts";
import { verifyModel, verifySignature } from "../../core/verify.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../plugins/key/mod.ts";
import {
  bundleOf,
  encode,
  hintOf,
  type KeyPair,
  type Loose,
  p256,
  rootOf,
  sha256,
  signedBundle,
} from "../support/bundles.ts";
import {
  type MemoryFile,
  MemorySource,
  type MemorySourceOptions,
} from "../support/memory_source.ts";

type Files = Readonly<Record<string, MemoryFile>>;
type Signing = Omit<HashInput, "source" | "hasher"> & MemorySourceOptions;
type Verifying = Omit<CompareInput, "source" | "hasher"> & MemorySourceOptions;

const KEYS = p256();
const FILES: Files = { "a": "1", "sub/b": "22", "sub/c": "333" };
const hasher = hasherFactory();

async function signed(files: Files = FILES, how: Signing = {}): Promise<Bundle> {
  const source = new MemorySource(files, how);
  const { bundle } = await signModel({ ...how, source, hasher, signer: keySigner(KEYS) });
  return bundle;
}

async function verified(
  bundle: Bundle,
  files: Files = FILES,
  how: Verifying = {},
): Promise<Report> {
  const source = new MemorySource(files, how);
  return await verifyModel({
    ...how,
    source,
    hasher,
    bundle: { ok: true, value: bundle },
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
  });
}

/** Verifies a bundle that a test made by hand, with the key of its signer. */
async function verifiedBy(bundle: Loose, keys: KeyPair, files: Files = FILES): Promise<Report> {
  return await verifyModel({
    source: new MemorySource(files),
    hasher,
    bundle: parseBundle(encode(bundle)),
    verifier: keyVerifier({ publicKeys: [keys.publicKey] }),
  });
}

function codes(report: Report): readonly IssueCode[] {
  return report.verdict === "verified" ? [] : report.issues.map(({ code }) => code);
}

function assertVerified(report: Report): asserts report is Report & { verdict: "verified" } {
  assert.deepEqual(codes(report), []);
  assert.equal(report.verdict, "verified");
}

function assertRejected(report: Report, ...expected: readonly IssueCode[]): void {
  assert.deepEqual(codes(report), expected);
  assert.equal(report.verdict, "rejected");
}

function statusOf(report: Report, id: string): string | undefined {
  return report.checks.find((check) => check.id === id)?.status;
}

function refusal(code: IssueCode, path: string): Issue {
  return { code, message: "is not what it should be", path };
}

test("verifyModel() verifies what was signed", async () => {
  const report = await verified(await signed());
  assertVerified(report);
  assert.deepEqual(report.identity, {
    kind: "key",
    method: "key",
    keyHint: hintOf(KEYS.publicKey),
    algorithm: "EC P-256",
  });
  assert.deepEqual(
    report.checks.map(({ id, status }) => `${id} ${status}`),
    ["bundle passed", "key passed", "signature passed", "statement passed", "files passed"],
  );
  assert.deepEqual(report.coverage, { files: 3, bytes: 6, ignored: [], uncovered: [] });
  assert.deepEqual(report.files, []);
  assert.equal(report.model.name, "model");
  assert.equal(report.model.resources, 3);
  const digests = ["1", "22", "333"].map((content) => ({ digest: sha256(content) }));
  assert.equal(report.model.rootDigest, rootOf(digests));
});

test("verifyModel() hashes as the bundle says", async () => {
  for (const algorithm of ["sha256", "blake2b", "blake3"] as const) {
    for (const how of [{ algorithm }, { algorithm, shardSize: 2 }]) {
      assertVerified(await verified(await signed(FILES, how)));
    }
  }
});

test("verifyModel() tells a missing file", async () => {
  const { "sub/b": _, ...rest } = FILES;
  const report = await verified(await signed(), rest);
  assertRejected(report, "FILE_MISSING");
  assert.deepEqual(report.files, [{ kind: "missing", name: "sub/b", expected: sha256("22") }]);
});

test("verifyModel() tells a modified file", async () => {
  const report = await verified(await signed(), { ...FILES, "sub/b": "23" });
  assertRejected(report, "FILE_MODIFIED");
  assert.deepEqual(report.files, [
    { kind: "modified", name: "sub/b", expected: sha256("22"), actual: sha256("23") },
  ]);
});

test("verifyModel() tells an unsigned file", async () => {
  const report = await verified(await signed(), { ...FILES, "sub/new": "x" });
  assertRejected(report, "FILE_UNSIGNED");
  assert.deepEqual(report.files, [{ kind: "unsigned", name: "sub/new" }]);
});

test("verifyModel() tells all kinds of difference, and who signed", async () => {
  const report = await verified(await signed(), { "a": "changed", "sub/b": "22", "z": "" });
  assertRejected(report, "FILE_MISSING", "FILE_MODIFIED", "FILE_UNSIGNED");
  assert.ok(report.verdict === "rejected" && report.signedBy?.kind === "key");
  assert.deepEqual(report.files.map(({ kind, name }) => `${kind} ${name}`), [
    "modified a",
    "missing sub/c",
    "unsigned z",
  ]);
  assert.equal(statusOf(report, "signature"), "passed");
  assert.equal(statusOf(report, "files"), "failed");
});

test("verifyModel() forgives unsigned files when told to, and nothing else", async () => {
  const bundle = await signed();
  const how = { ignoreUnsignedFiles: true };
  assertVerified(await verified(bundle, { ...FILES, "new": "x", "sub/new": "y" }, how));
  assertRejected(await verified(bundle, { ...FILES, "new": "x", "a": "2" }, how), "FILE_MODIFIED");
  assertRejected(await verified(bundle, { "a": "1", "new": "x" }, how), "FILE_MISSING");
});

test("verifyModel() does not hash unsigned files that it forgives", async () => {
  const unreadable = Object.assign(new Error("disk"), { code: "EIO" });
  const files = { ...FILES, "new": unreadable, "link": refusal("ENTRY_SYMLINK", "link") };
  const report = await verified(await signed(), files, { ignoreUnsignedFiles: true });
  assertVerified(report);
  assert.equal(report.coverage.files, 3);
});

test("verifyModel() takes a file that grew by whole shards for changed, also with unsigned files forgiven", async () => {
  const bundle = await signed({ "a": "0123" }, { shardSize: 4 });
  for (const ignoreUnsignedFiles of [false, true]) {
    const grown = await verified(bundle, { "a": "01234567" }, { ignoreUnsignedFiles });
    assert.equal(grown.verdict, "rejected");
    const longer = await verified(bundle, { "a": "01234" }, { ignoreUnsignedFiles });
    assert.equal(longer.verdict, "rejected");
    const shorter = await verified(bundle, { "a": "012" }, { ignoreUnsignedFiles });
    assert.equal(shorter.verdict, "rejected");
    const emptied = await verified(bundle, { "a": "" }, { ignoreUnsignedFiles });
    assertRejected(emptied, "FILE_MISSING");
  }
});

test("verifyModel() takes an empty file for neither unsigned nor missing under shards", async () => {
  const report = await verified(
    await signed({ "a": "0123", "e": "" }, { shardSize: 4 }),
    { "a": "0123", "other": "" },
  );
  assertVerified(report);
  assert.deepEqual(report.coverage.uncovered, ["other"]);
});

test("verifyModel() leaves git paths out unless told otherwise", async () => {
  const bundle = await signed();
  const files = { ...FILES, ".git/HEAD": "x", ".github/y": "y" };
  const report = await verified(bundle, files);
  assertVerified(report);
  assert.deepEqual(report.coverage.ignored, [".git", ".github"]);
  // They were left out when signing, and the bundle says so.
  assertVerified(await verified(bundle, files, { ignoreGitPaths: false }));
});

test("verifyModel() covers git paths that were signed", async () => {
  const files = { ...FILES, ".gitignore": "x", ".git/HEAD": "y" };
  const bundle = await signed(files, { ignoreGitPaths: false });
  assertVerified(await verified(bundle, files));
  assertRejected(await verified(bundle, { ...files, ".gitignore": "z" }), "FILE_MODIFIED");
  assertRejected(await verified(bundle, FILES), "FILE_MISSING");
  // Beside the signed ones the default still holds.
  assertVerified(await verified(bundle, { ...files, ".git/config": "new" }));
  assertRejected(
    await verified(bundle, { ...files, ".git/config": "new" }, { ignoreGitPaths: false }),
    "FILE_UNSIGNED",
  );
});

test("verifyModel() leaves out what the bundle and the user ignore, and names it", async () => {
  const files = { ...FILES, "cache/x": "1", "log": "2" };
  const bundle = await signed(files, { ignorePaths: ["cache"] });
  const report = await verified(bundle, { ...files, "cache/y": "3", "mine/z": "4" }, {
    ignorePaths: ["mine"],
  });
  assertVerified(report);
  assert.deepEqual(report.coverage.ignored, ["cache", "mine"]);
  assert.equal(statusOf(report, "ignore-paths"), "passed");
});

test("verifyModel() refuses a user's ignored path that covers a signed file", async () => {
  const bundle = await signed();
  for (const ignorePaths of [["a"], ["sub"], ["x", "sub/c"]]) {
    const report = await verified(bundle, FILES, { ignorePaths });
    assertRejected(report, "IGNORED_PATH_SIGNED");
    // Signed files are hashed all the same.
    assert.equal(report.coverage.files, 3);
  }
  const tampered = await verified(bundle, { ...FILES, "a": "2" }, { ignorePaths: ["a"] });
  assertRejected(tampered, "IGNORED_PATH_SIGNED", "FILE_MODIFIED");
  assertVerified(await verified(bundle, FILES, { ignorePaths: ["su", "sub/", "A", "sub/d"] }));
});

test("verifyModel() refuses a user's ignored path that covers a signed shard", async () => {
  const bundle = await signed(FILES, { shardSize: 2 });
  assertRejected(await verified(bundle, FILES, { ignorePaths: ["sub/c"] }), "IGNORED_PATH_SIGNED");
});

test("verifyModel() follows symbolic links as the bundle says, unless that is refused", async () => {
  const bundle = await signed(FILES, { allowSymlinks: true });
  assertVerified(await verified(bundle));
  assertVerified(await verified(bundle, FILES, { allowSymlinks: true }));
  assertVerified(await verified(await signed(), FILES, { allowSymlinks: true }));
  assertVerified(await verified(await signed(), FILES, { allowSymlinks: false }));

  const source = new MemorySource(FILES);
  const report = await verifyModel({
    source,
    hasher,
    allowSymlinks: false,
    bundle: { ok: true, value: bundle },
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
  });
  assertRejected(report, "SYMLINKS_REFUSED");
  assert.equal(source.enumerations, 0);
  assert.equal(statusOf(report, "files"), "skipped");
});

test("verifyModel() says that refused entries are refused, not that they are missing", async () => {
  const report = await verified(await signed(), {
    "a": refusal("ENTRY_SYMLINK", "a"),
    "sub": refusal("ENTRY_NOT_REGULAR", "sub"),
  });
  assertRejected(report, "ENTRY_SYMLINK", "ENTRY_NOT_REGULAR");
  assert.deepEqual(report.files, []);
});

test("verifyModel() is undecided about what cannot be read, and does not call it missing", async () => {
  const unreadable = Object.assign(new Error("disk"), { code: "EIO" });
  const report = await verified(await signed(), { ...FILES, "a": unreadable });
  assert.equal(report.verdict, "inconclusive");
  assert.deepEqual(codes(report), ["ENTRY_UNREADABLE"]);
  assert.deepEqual(report.files, []);
  assert.ok(report.verdict === "inconclusive" && report.signedBy);

  const folder = await verified(await signed(), {
    "a": "1",
    "sub": refusal("ENTRY_UNREADABLE", "sub"),
  });
  assert.equal(folder.verdict, "inconclusive");
  assert.deepEqual(folder.files, []);
});

test("verifyModel() rejects when something is undecided and something else is wrong", async () => {
  const unreadable = Object.assign(new Error("disk"), { code: "EIO" });
  const report = await verified(await signed(), { ...FILES, "a": unreadable, "sub/b": "x" });
  assert.equal(report.verdict, "rejected");
  assert.deepEqual(codes(report).toSorted(), ["ENTRY_UNREADABLE", "FILE_MODIFIED"]);
});

test("verifyModel() reports a bundle that could not be parsed without looking at the model", async () => {
  const source = new MemorySource(FILES);
  const report = await verifyModel({
    source,
    hasher,
    bundle: parseBundle(Buffer.from("{")),
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
  });
  assertRejected(report, "BUNDLE_MALFORMED");
  assert.equal(source.enumerations, 0);
  assert.deepEqual(report.checks.map(({ id, status }) => `${id} ${status}`), [
    "bundle failed",
    "signature skipped",
    "files skipped",
  ]);
});

test("verifyModel() uses nothing of a payload whose signature does not hold", async () => {
  const bundle = await signed();
  const signature = Uint8Array.from(bundle.envelope.signature);
  signature[10]! ^= 1;
  const source = new MemorySource({ "unrelated": "x" });
  for (const payload of [bundle.envelope.payload, encode("not even JSON")]) {
    const envelope = { ...bundle.envelope, payload, signature };
    const report = await verifyModel({
      source,
      hasher,
      bundle: { ok: true, value: { ...bundle, envelope } },
      verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
    });
    assertRejected(report, "SIGNATURE_INVALID");
    assert.equal(statusOf(report, "statement"), "skipped");
    assert.equal(statusOf(report, "files"), "skipped");
    assert.ok(report.verdict === "rejected" && !report.signedBy && !report.model);
    assert.deepEqual(report.coverage, { files: 0, bytes: 0, ignored: [], uncovered: [] });
  }
  assert.equal(source.enumerations, 0);
});

test("verifyModel() rejects a signed statement that is unsafe without looking at the model", async () => {
  const resources = [{ name: "../a", digest: sha256("1"), algorithm: "sha256" }];
  const payload = encode({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "model", digest: { sha256: rootOf(resources) } }],
    predicateType: "https://model_signing/signature/v1.0",
    predicate: {
      resources,
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false },
    },
  });
  const source = new MemorySource(FILES);
  const report = await verifyModel({
    source,
    hasher,
    bundle: parseBundle(encode(signedBundle(payload, KEYS))),
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
    ignoreUnsignedFiles: true,
  });
  assertRejected(report, "RESOURCE_NAME");
  assert.equal(source.enumerations, 0);
  assert.ok(report.verdict === "rejected" && report.signedBy?.kind === "key");
});

test("verifyModel() never trusts a verifier that does not say who signed and that it holds", async () => {
  const bundle = await signed();
  const identity = { kind: "key", method: "key", keyHint: "0", algorithm: "EC P-256" } as const;
  const signature = { id: "signature", status: "passed", detail: "holds" } as const;
  const other = { id: "chain", status: "passed", detail: "fine" } as const;
  const skipped = { id: "signature", status: "skipped", detail: "no key" } as const;
  const base = { timestamps: [] };
  // As a plugin in plain JavaScript might answer.
  const unknown = { id: "policy", status: "warning", detail: "hm" } as unknown as Check;
  const answers: SignatureVerification[] = [
    { ...base, checks: [] },
    { ...base, checks: [], identity, encoding: "standard" },
    { ...base, checks: [other], identity, encoding: "standard" },
    { ...base, checks: [skipped], identity, encoding: "standard" },
    { ...base, checks: [signature], encoding: "standard" },
    { ...base, checks: [signature], identity },
    { ...base, checks: [signature] },
    { ...base, checks: [signature, unknown], identity, encoding: "standard" },
  ];
  for (const answer of answers) {
    const source = new MemorySource(FILES);
    const verifier: Verifier = { verify: () => Promise.resolve(answer) };
    const report = await verifyModel({
      source,
      hasher,
      bundle: { ok: true, value: bundle },
      verifier,
    });
    assert.equal(report.verdict, "inconclusive", JSON.stringify(answer));
    assert.deepEqual(codes(report), ["SIGNATURE_UNDECIDED"]);
    assert.equal(source.enumerations, 0);
  }
});

test("verifyModel() lets no verifier speak for the pipeline", async () => {
  const bundle = await signed();
  const identity = { kind: "named", method: "other", name: "mallory" } as const;
  const passed = (id: string): Check => ({ id, status: "passed", detail: "fine" });
  for (const id of PIPELINE_CHECKS) {
    const verifier: Verifier = {
      verify: () =>
        Promise.resolve({
          checks: [passed("signature"), passed(id)],
          identity,
          encoding: "standard",
          timestamps: [],
        }),
    };
    const source = new MemorySource(FILES);
    const report = await verifyModel({
      source,
      hasher,
      bundle: { ok: true, value: bundle },
      verifier,
    });
    assert.equal(report.verdict, "inconclusive", id);
    assert.deepEqual(codes(report), ["SIGNATURE_UNDECIDED"]);
    const ids = report.checks.map((check) => check.id);
    assert.equal(new Set(ids).size, ids.length, id);
    assert.ok(!report.checks.some((check) => check.id === id && check.detail === "fine"), id);
    assert.equal(source.enumerations, 0);
  }
});

test("verifyModel() names only checks of its own that no verifier may have", async () => {
  const files = { ...FILES, other: "x" };
  const report = await verified(await signed(), files, { ignorePaths: ["other"] });
  const own = report.checks.map(({ id }) => id).filter((id) => !["key", "signature"].includes(id));
  assert.deepEqual(own, ["bundle", "statement", "ignore-paths", "files"]);
  assert.ok(own.every((id) => PIPELINE_CHECKS.includes(id)));
});

test("verifyModel() rejects when any check of the verifier failed, whatever else it says", async () => {
  const verifier: Verifier = {
    verify: () =>
      Promise.resolve({
        checks: [
          { id: "signature", status: "passed", detail: "holds" },
          {
            id: "policy",
            status: "failed",
            detail: "no",
            issue: { code: "PLUGIN_POLICY", message: "no" },
          },
        ],
        identity: { kind: "named", method: "other", name: "mallory" },
        encoding: "standard",
        timestamps: [],
      }),
  };
  const source = new MemorySource(FILES);
  const report = await verifyModel({
    source,
    hasher,
    bundle: { ok: true, value: await signed() },
    verifier,
  });
  assertRejected(report, "PLUGIN_POLICY");
  assert.ok(report.verdict === "rejected" && !report.signedBy);
  assert.equal(source.enumerations, 0);
});

test("verifyModel() lets an outage of the verifier and of the model through", async () => {
  const bundle = { ok: true, value: await signed() } as const;
  const outage = new ModelSigningError("PLUGIN_STORE_DOWN", "the trust store cannot be read");
  const verifier: Verifier = { verify: () => Promise.reject(outage) };
  const source = new MemorySource(FILES);
  await assert.rejects(verifyModel({ source, hasher, bundle, verifier }), outage);

  source.entries = () => {
    throw outage;
  };
  const good = keyVerifier({ publicKeys: [KEYS.publicKey] });
  await assert.rejects(verifyModel({ source, hasher, bundle, verifier: good }), outage);
});

test("verifyModel() ends with ABORTED when the signal has fired", async () => {
  const bundle = { ok: true, value: await signed() } as const;
  const verifier = keyVerifier({ publicKeys: [KEYS.publicKey] });
  const input = { source: new MemorySource(FILES), hasher, bundle, verifier };
  await assert.rejects(
    verifyModel(input, { signal: AbortSignal.abort() }),
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
});

test("verifyModel() verifies a single file under the name it was signed with", async () => {
  const how = { name: "weights.bin", singleFile: true };
  const bundle = await signed({ "weights.bin": "1" }, how);
  assertVerified(await verified(bundle, { "weights.bin": "1" }, how));
  assertRejected(
    await verified(bundle, { "renamed.bin": "1" }, { name: "renamed.bin", singleFile: true }),
    "FILE_MISSING",
    "FILE_UNSIGNED",
  );
});

test('verifyModel() takes "." for the file itself, whatever it is called', async () => {
  for (
    const [serialization, contents] of [
      [{ method: "files" }, { ".": "123" }],
      [{ method: "shards", shard_size: 2 }, { ".:0:2": "12", ".:2:3": "3" }],
    ] as const
  ) {
    const resources = Object.entries(contents).map(([name, content]) => ({
      name,
      digest: sha256(content),
      algorithm: "sha256",
    }));
    const payload = encode({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "model", digest: { sha256: rootOf(resources) } }],
      predicateType: "https://model_signing/signature/v1.0",
      predicate: {
        resources,
        serialization: { ...serialization, hash_type: "sha256", allow_symlinks: false },
      },
    });
    const parsed = parseBundle(encode(signedBundle(payload, KEYS)));
    assert.ok(parsed.ok);
    const how = { name: "any.bin", singleFile: true };
    assertVerified(await verified(parsed.value, { "any.bin": "123" }, how));
    const changed = await verified(parsed.value, { "any.bin": "124" }, how);
    assertRejected(changed, "FILE_MODIFIED");
    assert.ok(changed.files[0]!.name.startsWith("any.bin"));
    // A folder is not the file that was signed.
    const folder = await verified(parsed.value, { "any.bin": "123" });
    assert.equal(folder.verdict, "rejected");
    const forgiving = await verified(parsed.value, { "any.bin": "123" }, {
      ignoreUnsignedFiles: true,
    });
    assertRejected(forgiving, "FILE_MISSING");
  }
});

test("verifyModel() hashes a model no more than once", async () => {
  const source = new MemorySource(FILES);
  await verifyModel({
    source,
    hasher,
    bundle: { ok: true, value: await signed() },
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
  });
  assert.equal(source.enumerations, 1);
});

test("verifySignature() gives the statement without looking at any model", async () => {
  const verifier = keyVerifier({ publicKeys: [KEYS.publicKey] });
  const result = await verifySignature(await signed(), verifier);
  assert.ok(result.ok);
  assert.deepEqual(
    result.statement.manifest.resources.map(({ name }) => name),
    ["a", "sub/b", "sub/c"],
  );
});

test("verifyModel() finds the bundle of another key wanting", async () => {
  const others = p256();
  const report = await verifiedBy(signedBundle((await signed()).envelope.payload, others), KEYS);
  assertRejected(report, "KEY_HINT_MISMATCH", "SIGNATURE_INVALID");
  const unsigned = await verifiedBy(bundleOf((await signed()).envelope.payload), KEYS);
  assertRejected(unsigned, "KEY_HINT_MISMATCH", "SIGNATURE_INVALID");
});
