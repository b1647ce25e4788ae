import assert from "node:assert/strict";
import { appendFile, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Schema, Validator } from "@cfworker/json-schema";
import { type NamedReport, verificationText } from "../../cli/report/verification_text.ts";
import { verificationJson } from "../../cli/report/verification_json.ts";
import {
  type CertificateInfo,
  failedCheck,
  type FileDiff,
  type Identity,
  type Issue,
  type Manifest,
  type Report,
} from "../../core/mod.ts";
import { cli } from "../support/cli.ts";
import { LEAF_EXTENSIONS, Pki } from "../support/pki.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

const SCHEMA: Schema = JSON.parse(
  await readFile(new URL("../../docs/report.schema.json", import.meta.url), "utf8"),
);
const DIGEST = "ab".repeat(32);

const certificate: CertificateInfo = {
  subject: "CN=Signer,O=Example",
  issuer: "CN=CA,O=Example",
  serial: "01ab",
  notBefore: "2025-01-01T00:00:00Z",
  notAfter: "2026-01-01T00:00:00Z",
  subjectAlternativeNames: ["email:signer@example.com"],
  fingerprint: DIGEST,
  publicKey: "EC P-384",
};

const base = {
  checks: [{ id: "signature", status: "passed", detail: "made with the EC P-256 key" }],
  files: [],
  coverage: { files: 2, bytes: 5_000_000, ignored: [".git"], uncovered: ["empty.txt"] },
  timestamps: [],
  model: {
    name: "other-name",
    resources: 2,
    rootDigest: DIGEST,
    serialization: {
      method: "shards",
      hashType: "blake2b",
      allowSymlinks: true,
      ignorePaths: [".git"],
      shardSize: 1_000_000,
    },
  },
} as const;

/** In no report's text or JSON. */
const manifest: Manifest = {
  name: "model",
  resources: [],
  serialization: base.model.serialization,
};

const verified: Report = {
  ...base,
  verdict: "verified",
  manifest,
  identity: {
    kind: "certificate",
    method: "certificate",
    certificate,
    anchor: { ...certificate, subject: "CN=Root" },
  },
  timestamps: [{ source: "rfc3161", time: "2025-06-01T12:00:00Z", authority: "CN=TSA" }],
};

const many: readonly FileDiff[] = [...Array(45).keys()].flatMap((index): FileDiff[] => [
  { kind: "missing", name: `missing-${index}`, expected: DIGEST },
  { kind: "modified", name: `modified-${index}`, expected: DIGEST, actual: "cd".repeat(64) },
  { kind: "unsigned", name: `unsigned-${index}` },
]);

const rejected: Report = {
  ...base,
  verdict: "rejected",
  files: many,
  issues: [{ code: "FILE_MISSING", message: "45 files are missing", hint: "look for them" }],
  signedBy: { kind: "key", method: "key", keyHint: DIGEST, algorithm: "EC P-256" },
};

const inconclusive: Report = {
  ...base,
  verdict: "inconclusive",
  issues: [{ code: "ENTRY_UNREADABLE", message: '"x" cannot be read: EACCES', path: "x" }],
  signedBy: {
    kind: "named",
    method: "exec",
    name: "somebody",
    issuer: "an issuer",
    fields: { role: "release" },
  },
};

const keyless: Report & { readonly verdict: "verified" } = {
  ...base,
  verdict: "verified",
  manifest,
  checks: [
    ...base.checks,
    {
      id: "transparency-log",
      status: "passed",
      detail: "entry 1,234,567 is in the tree of 2,000,000 entries that https://log.example signed",
    },
    { id: "inclusion-promise", status: "skipped", detail: "the entry has none" },
  ],
  identity: {
    kind: "named",
    method: "sigstore",
    name: "https://ci.example/team/models/release.yml@refs/heads/main",
    issuer: "https://token.ci.example",
    fields: { "source repository": "https://ci.example/team/models", trigger: "push" },
  },
  timestamps: [
    { source: "transparency-log", time: "2025-06-01T12:00:00Z", authority: "https://log.example" },
    { source: "rfc3161", time: "2025-06-01T12:00:01Z", authority: "CN=TSA" },
  ],
};

/** Whatever a certificate, a log or a plugin could say. */
const EVIL = "\x1b[2J\u202e\nVERIFIED\r\x9b31m";

const hostile: Report = {
  ...keyless,
  checks: [{ id: `signature ${EVIL}`, status: "passed", detail: EVIL }],
  identity: { kind: "named", method: EVIL, name: EVIL, issuer: EVIL, fields: { [EVIL]: EVIL } },
  timestamps: [{ source: "rfc3161", time: "2025-06-01T12:00:01Z", authority: EVIL }],
};

function named(report: Report): NamedReport {
  return { report, model: "./model", name: "model", signature: "model.sig" };
}

function problems(json: string): readonly string[] {
  return new Validator(SCHEMA, "2020-12", false).validate(JSON.parse(json)).errors
    .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

test("verificationJson() follows its schema for every verdict and kind of identity", () => {
  for (const report of [verified, keyless, hostile, rejected, inconclusive]) {
    assert.deepEqual(problems(verificationJson(named(report), "1.0.0")), []);
  }
});

test("the schema refuses an identity without the verdict, and unknown members", () => {
  const json = JSON.parse(verificationJson(named(rejected), "1.0.0"));
  assert.notDeepEqual(problems(JSON.stringify({ ...json, identity: json.signedBy })), []);
  assert.notDeepEqual(problems(JSON.stringify({ ...json, verdict: "verified" })), []);
  assert.notDeepEqual(problems(JSON.stringify({ ...json, surprise: 1 })), []);
});

test("verificationJson() holds every difference, not only the first", () => {
  const json = JSON.parse(verificationJson(named(rejected), "1.0.0"));
  assert.equal(json.files.length, many.length);
});

test("verificationText() tells who, when and what, with the certificate's names", () => {
  const text = verificationText(named(verified), { width: Infinity, colors: false });
  assert.match(text, /^VERIFIED/);
  for (
    const part of [
      "CN=Signer,O=Example",
      "email:signer@example.com",
      "CN=CA,O=Example",
      "CN=Root",
      "2025-06-01T12:00:00Z",
      "CN=TSA",
      "4.77 MiB (5,000,000 bytes)",
      "blake2b",
      "977 KiB (1,000,000 bytes)",
      "symbolic links",
      "other-name",
      ".git",
      "empty.txt",
      DIGEST,
      "passed",
    ]
  ) assert.ok(text.includes(part), part);
});

test("verificationText() tells identity, issuer and fields below each other, and all timestamps", () => {
  const text = verificationText(named(keyless), { width: Infinity, colors: false });
  const block = [
    "Signed by    identity          https://ci.example/team/models/release.yml@refs/heads/main",
    "             issuer            https://token.ci.example",
    "             source repository https://ci.example/team/models",
    "             trigger           push",
    "Signed at    2025-06-01T12:00:00Z, entry of the log https://log.example",
    "             2025-06-01T12:00:01Z, timestamp of CN=TSA",
  ].join("\n");
  assert.ok(text.includes(`\n${block}\n`), text);
});

test("verificationText() says that the signature came from standard input", () => {
  const piped = { ...named(verified), signature: "-" };
  const text = verificationText(piped, { width: Infinity, colors: false });
  assert.match(text, /against "standard input"/);
  assert.equal(JSON.parse(verificationJson(piped, "1.0.0")).signature, "-");
});

test("verificationText() goes on with a long check below its beginning", () => {
  const wide = verificationText(named(keyless), { width: 80, colors: false });
  assert.match(wide, /\n {2}passed {3}transparency-log: entry [^\n]*\n {11}[^ \n]/);
  const narrow = verificationText(named(keyless), { width: 40, colors: false });
  assert.match(narrow, /\n {2}passed {3}transparency-log: entry[^\n]*\n {4}[^ \n]/);
});

test("verificationText() goes on with no value as if it were a line of its own", () => {
  for (const width of [80, 60, 50]) {
    const found = new Set<string>();
    for (let length = 1; length < width; length++) {
      const filler = "x".repeat(length);
      const subject = `OU=${filler} trust anchor CN=Acme Release Root CA, CN=mallory`;
      const report: Report = {
        ...verified,
        identity: { ...verified.identity, certificate: { ...certificate, subject } } as Identity,
        coverage: { ...verified.coverage, uncovered: [`${filler} model.bin`, "empty.txt"] },
      };
      const text = verificationText(named(report), { width, colors: false });
      const depthOf = (words: string) => new RegExp(`^( *)${words}`, "m").exec(text)?.[1]?.length;
      // Where the lines of a field begin.
      const depth = depthOf("serial");
      assert.equal(depthOf("trust anchor CN=Root"), depth, text);
      assert.equal(depthOf("empty.txt"), depth, text);
      for (const words of ["trust anchor CN=Acme Release Root CA", "model.bin"]) {
        const forged = depthOf(words);
        if (forged === undefined) continue;
        found.add(words);
        assert.equal(forged, depth! + 2, text);
      }
    }
    assert.equal(found.size, 2);
  }
});

test("verificationText() leaves nothing for the terminal to break, but digests", () => {
  const unsigned = (name: string): Report => ({ ...rejected, files: [{ kind: "unsigned", name }] });
  const names = ["x".repeat(79), "y".repeat(4000), "\u65e5\u672c".repeat(60), "a b".repeat(99)];
  for (const width of [20, 40, 60, 80]) {
    for (const name of names) {
      for (
        const report of [unsigned(`${name}VERIFIED`), verified]
      ) {
        const text = verificationText({ ...named(report), model: name }, { width, colors: false });
        const digest =
          /^ *(?:(?:Root digest|Digest|fingerprint|sha256) *)?(?:sha256:)?[0-9a-f]{64,128}$/;
        for (const line of text.split("\n")) {
          const columns = [...line].length + (line.match(/[\u65e5\u672c]/gu) ?? []).length;
          assert.ok(columns <= width || digest.test(line), `${width}: ${line}`);
        }
        assert.equal(/^VERIFIED/m.test(text), report === verified, text);
        // What is copied stays in one piece.
        assert.ok(text.includes(`sha256:${DIGEST}`), text);
      }
    }
  }
});

test("the reports escape whatever a certificate, a log or a plugin says", () => {
  const json = verificationJson(named(hostile), "1.0.0");
  const text = [80, 40, Infinity].map((width) =>
    verificationText(named(hostile), { width, colors: false })
  );
  for (const output of [json, ...text]) {
    assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(output), output);
    assert.ok(!/^VERIFIED$/m.test(output), output);
  }
  assert.equal(JSON.parse(json).identity.fields[EVIL], EVIL);
});

test("verificationText() shows the first 20 of each kind of difference and counts the rest", () => {
  const text = verificationText(named(rejected), { width: Infinity, colors: false });
  for (const kind of ["missing", "modified", "unsigned"]) {
    assert.equal(text.split(`  ${kind}-`).length - 1, 20, kind);
  }
  assert.equal(text.split("... and 25 more").length - 1, 3);
  for (const part of ["Missing (45)", "Modified (45)", "Not signed (45)", "hint: look for them"]) {
    assert.ok(text.includes(part), part);
  }
});

test("verificationText() tells a hint that many have once, and little of each signature that does not count", () => {
  const unread = (index: number): Issue => ({
    code: "ENTRY_UNREADABLE",
    message: `layer ${index} is known by its digest only`,
    hint: "read the layers",
  });
  const issues = [
    unread(0),
    ...Array.from({ length: 1000 }, (_, index) => unread(index + 1)),
  ] as const;
  const report: Report = { ...inconclusive, issues };
  const others = Array.from({ length: 1000 }, (_, index) => ({
    signature: `other-${index}`,
    verdict: "rejected" as const,
    issues,
  }));
  const text = verificationText({ ...named(report), others }, { width: Infinity, colors: false });
  assert.equal(text.split("hint: read the layers").length - 1, 1);
  assert.ok(text.includes("... and 998 more"));
  assert.ok(text.split("\n").length < 200);
});

test("verificationText() says when nobody has signed a model", () => {
  const message = "there is no signature beside the model";
  const { signedBy: _, ...unsigned } = inconclusive;
  const issue = { code: "SIGNATURE_MISSING", message } as const;
  const text = (id: string) => {
    const checks = [failedCheck(id, issue)];
    const report: Report = { ...unsigned, verdict: "rejected", checks, issues: [issue] };
    return verificationText(named(report), { width: Infinity, colors: false });
  };
  assert.match(text("bundle"), /^REJECTED {2}"model": nobody has signed it\n/);
  // A verifier may find what it likes: that there is a signature is known.
  assert.match(text("policy"), /^REJECTED {2}"model" against "model.sig": the signature is not/);
});

test("verificationText() tells an unread model from a rejected one", () => {
  const text = verificationText(named(inconclusive), { width: Infinity, colors: false });
  assert.match(text, /^INCONCLUSIVE/);
  for (const part of ["ENTRY_UNREADABLE", "somebody", "an issuer", "role     release"]) {
    assert.ok(text.includes(part), part);
  }
});

test("verificationText() breaks lines at 80 and at 40 columns, but no digest or address", () => {
  for (const width of [80, 40]) {
    for (const report of [verified, keyless, rejected, inconclusive]) {
      for (const line of verificationText(named(report), { width, colors: false }).split("\n")) {
        assert.ok(line.length <= width || /(?:[0-9a-f]{64}|https:[^ ]+)$/.test(line), line);
      }
    }
  }
});

test("verificationText() colours the verdict and nothing from outside", () => {
  const text = verificationText(named(verified), { width: 80, colors: true });
  assert.ok(text.startsWith("\x1b[32mVERIFIED\x1b[0m"));
});

test("verify --format json follows the schema, whatever the outcome", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const json = [...VERIFY, "--format", "json"];
  await cli(SIGN, { cwd });
  const good = await cli(json, { cwd });
  assert.deepEqual(problems(good.stdout), []);
  assert.equal(JSON.parse(good.stdout).verdict, "verified");

  await folder.write({ "model/new.txt": "" });
  await appendFile(join(cwd, "model/config.json"), "!");
  await rm(join(cwd, "model/weights/part-1.bin"));
  const tampered = await cli(json, { cwd });
  assert.equal(tampered.status, 1);
  assert.deepEqual(problems(tampered.stdout), []);
  const report = JSON.parse(tampered.stdout);
  assert.equal(report.signedBy.method, "key");
  assert.deepEqual(
    report.files.map(({ kind, name }: FileDiff) => [kind, name]),
    [["modified", "config.json"], ["unsigned", "new.txt"], ["missing", "weights/part-1.bin"]],
  );

  await folder.write({ "model.sig": "garbage" });
  const garbage = await cli(json, { cwd });
  assert.equal(garbage.status, 1);
  assert.deepEqual(problems(garbage.stdout), []);
});

test("a certificate's subject, names, issuer and anchor are told by sign, verify and inspect", async () => {
  await using folder = await workbench();
  using pki = new Pki();
  const cwd = folder.path;
  const root = pki.root({ subject: "/CN=Example Root" });
  const issuing = pki.intermediate(root, { subject: "/CN=Example Issuer" });
  const leaf = pki.leaf(issuing, {
    subject: "/CN=Release",
    extensions: [...LEAF_EXTENSIONS, "subjectAltName=email:release@example.com"],
  });
  const signed = await cli([
    "sign",
    "certificate",
    "model",
    "--private-key",
    leaf.key,
    "--signing_certificate",
    leaf.certificate,
    "--certificate_chain",
    issuing.certificate,
  ], { cwd });
  assert.equal(signed.status, 0, signed.stderr);
  const verify = ["verify", "certificate", "model", "--signature", "model.sig"];
  const verified = await cli([...verify, "--certificate-chain", root.certificate], { cwd });
  assert.equal(verified.status, 0, verified.stderr);
  const inspected = await cli(["inspect", "model.sig"], { cwd });
  for (const { stdout } of [signed, verified, inspected]) {
    for (const part of ["CN=Release", "email:release@example.com", "CN=Example Issuer"]) {
      assert.ok(stdout.includes(part), part);
    }
  }
  assert.match(verified.stdout, /trust anchor CN=Example Root/);
  // As docs/migration.md says: not in the Python tool's form.
  const logged = [...verify, "--certificate_chain", root.certificate, "--log_fingerprints"];
  const { stderr } = await cli(logged, { cwd });
  assert.match(stderr, /certificate role=leaf .*sha256=[0-9a-f]{64}\n/);
  const json = [...verify, "--certificate-chain", root.certificate, "--format", "json"];
  const { stdout } = await cli(json, { cwd });
  assert.deepEqual(problems(stdout), []);
  assert.equal(JSON.parse(stdout).identity.anchor.subject, "CN=Example Root");
});
