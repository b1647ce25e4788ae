import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { publicKeyDer } from "../../../core/keys.ts";
import { encode, TAG } from "../../../plugins/_der/mod.ts";
import { type Certificate, parseCertificate } from "../../../plugins/_x509/mod.ts";
import { SCT_LIST, type SctResult, verifyScts } from "../../../plugins/sigstore/sct.ts";
import type { Log } from "../../../plugins/sigstore/trusted_root.ts";
import { type Authority, extension } from "../../sigstore/certificate.ts";
import { codesFor } from "../../support/sigstore_bundles.ts";
import { Forge, FORGED_POLICY, type ForgedCertificate } from "../../support/sigstore_forge.ts";

/** A certificate log with the key that it signs with. */
type CtLog = { readonly log: Log; readonly privateKey: KeyObject };

function ctLog(
  type: "ec" | "rsa" | "ed25519" = "ec",
  validFor: Partial<Log["validFor"]> = {},
): CtLog {
  const { publicKey, privateKey } = type === "ec"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 })
    : generateKeyPairSync("ed25519");
  return {
    privateKey,
    log: {
      baseUrl: `https://${type}.example`,
      id: createHash("sha256").update(publicKeyDer(publicKey)).digest("hex"),
      key: publicKey,
      digest: type === "ed25519" ? null : "sha256",
      validFor: { start: new Date(0), ...validFor },
    },
  };
}

/** What a timestamp is to be; what is right unless told otherwise. */
type SctSpec = {
  readonly time?: bigint;
  readonly version?: number;
  readonly extensions?: Uint8Array;
  /** TLS code points. */
  readonly hash?: number;
  readonly algorithm?: number;
  readonly issuerSpki?: Uint8Array;
  readonly privateKey?: KeyObject;
  readonly after?: Uint8Array;
};

/** A SignedCertificateTimestamp (RFC 6962 3.2) over a precertificate. */
function sct(
  { log, privateKey }: CtLog,
  tbs: Uint8Array,
  issuer: Authority,
  spec: SctSpec = {},
): Uint8Array {
  const { version = 0, extensions = Buffer.alloc(0), hash = 4 } = spec;
  const { algorithm = log.key.asymmetricKeyType === "rsa" ? 1 : 3 } = spec;
  const time = uint(spec.time ?? BigInt(Date.now()), 8);
  const signed = Buffer.concat([
    // Version 1, certificate_timestamp, whatever version it calls itself.
    Buffer.of(0, 0),
    time,
    uint(1n, 2),
    createHash("sha256").update(spec.issuerSpki ?? issuer.key.spki).digest(),
    vector(tbs, 3),
    vector(extensions, 2),
  ]);
  const signature = sign(log.digest, signed, spec.privateKey ?? privateKey);
  return Buffer.concat([
    Buffer.of(version),
    Buffer.from(log.id, "hex"),
    time,
    vector(extensions, 2),
    Buffer.of(hash, algorithm),
    vector(signature, 2),
    spec.after ?? Buffer.alloc(0),
  ]);
}

/** The extension that holds a list. */
function listOf(...scts: readonly Uint8Array[]): Uint8Array {
  const list = vector(Buffer.concat(scts.map((each) => vector(each, 2))), 2);
  return extension(SCT_LIST, encode(TAG.octetString, list));
}

function vector(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  return Buffer.concat([uint(BigInt(bytes.length), lengthBytes), bytes]);
}

function uint(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
}

const FORGE = new Forge();

/** Judges a certificate with these extensions, below the forge's intermediate. */
function judge(
  logs: readonly Log[],
  scts: NonNullable<ForgedCertificate["scts"]>,
  issuer: Authority = FORGE.intermediate,
): SctResult {
  return verifyScts(parse(FORGE.certify({ scts }).der), parse(issuer.certificate), logs);
}

function parse(der: Uint8Array): Certificate {
  const certificate = parseCertificate(der);
  assert.ok(certificate.ok);
  return certificate.value;
}

function code(result: SctResult): string {
  return result.ok ? "ok" : result.issue.code;
}

test("verifyScts() accepts timestamps by logs with EC and RSA keys", () => {
  for (const type of ["ec", "rsa"] as const) {
    const mine = ctLog(type);
    const found = judge([ctLog().log, mine.log], (tbs, issuer) => [listOf(sct(mine, tbs, issuer))]);
    assert.ok(found.ok);
    assert.deepEqual(found.logs, [mine.log]);
  }
});

test("verifyScts() takes the time of a log that it knows", () => {
  const [mine, stranger] = [ctLog(), ctLog()];
  const scts = (tbs: Uint8Array, issuer: Authority) => [
    listOf(
      sct(stranger, tbs, issuer, { time: 1n }),
      sct(mine, tbs, issuer, { time: 1_700_000_000_000n }),
    ),
  ];
  const found = judge([mine.log], scts);
  assert.ok(found.ok);
  assert.equal(found.time.getTime(), 1_700_000_000_000);
  assert.deepEqual(found.logs, [mine.log]);
});

test("verifyScts() covers what the log put into its extensions", () => {
  const mine = ctLog();
  const extensions = Buffer.from("extension");
  const right = judge(
    [mine.log],
    (tbs, issuer) => [listOf(sct(mine, tbs, issuer, { extensions }))],
  );
  assert.equal(code(right), "ok");
  const changed = judge([mine.log], (tbs, issuer) => {
    const bytes = Buffer.from(sct(mine, tbs, issuer, { extensions }));
    bytes[bytes.indexOf("extension")] = 0;
    return [listOf(bytes)];
  });
  assert.equal(code(changed), "SCT_INVALID");
});

test("verifyScts() refuses a certificate that was not logged, or by strangers only", () => {
  const [mine, stranger] = [ctLog(), ctLog()];
  assert.equal(code(judge([mine.log], () => [])), "SCT_MISSING");
  const byStranger = judge([mine.log], (tbs, issuer) => [listOf(sct(stranger, tbs, issuer))]);
  assert.equal(code(byStranger), "SCT_MISSING");
  assert.equal(code(judge([], (tbs, issuer) => [listOf(sct(mine, tbs, issuer))])), "SCT_MISSING");
});

test("verifyScts() refuses timestamps that do not hold", () => {
  const mine = ctLog();
  const cases: Readonly<Record<string, SctSpec>> = {
    "by another key": { privateKey: ctLog().privateKey },
    "for another issuer": { issuerSpki: FORGE.root.key.spki },
    "of another version": { version: 1 },
    "with SHA-1 for a digest": { hash: 2 },
    "with RSA for an algorithm": { algorithm: 1 },
    "with bytes after it": { after: Buffer.of(0) },
    "of a time that there is not": { time: 2n ** 64n - 1n },
    "of a time just past the last one": { time: 8_640_000_000_000_001n },
  };
  for (const [what, spec] of Object.entries(cases)) {
    const found = judge([mine.log], (tbs, issuer) => [listOf(sct(mine, tbs, issuer, spec))]);
    assert.equal(code(found), "SCT_INVALID", what);
  }
});

test("verifyScts() refuses logs whose keys RFC 6962 does not know", () => {
  const mine = ctLog("ed25519");
  for (const algorithm of [1, 3, 7]) {
    const found = judge([mine.log], (tbs, issuer) => [
      listOf(sct(mine, tbs, issuer, { algorithm })),
    ]);
    assert.equal(code(found), "SCT_INVALID");
  }
});

test("verifyScts() refuses the timestamp of another certificate", () => {
  const mine = ctLog();
  let other: Uint8Array | undefined;
  judge([mine.log], (tbs, issuer) => [listOf(other = sct(mine, tbs, issuer))]);
  assert.equal(code(judge([mine.log], () => [listOf(other!)])), "SCT_INVALID");
});

test("verifyScts() refuses a certificate below another issuer than the log saw", () => {
  const mine = ctLog();
  const scts = (tbs: Uint8Array, issuer: Authority) => [listOf(sct(mine, tbs, issuer))];
  assert.equal(code(judge([mine.log], scts, FORGE.root)), "SCT_INVALID");
});

test("verifyScts() refuses a bad timestamp by a known log, also beside a good one", () => {
  const [mine, other] = [ctLog(), ctLog()];
  const found = judge([mine.log, other.log], (tbs, issuer) => [
    listOf(sct(mine, tbs, issuer), sct(other, tbs, issuer, { privateKey: mine.privateKey })),
  ]);
  assert.equal(code(found), "SCT_INVALID");
});

test("verifyScts() goes by the period of the log, both ends included", () => {
  const [start, end] = [1_600_000_000_000, 1_700_000_000_000];
  const mine = ctLog("ec", { start: new Date(start), end: new Date(end) });
  const cases = [[start - 1, false], [start, true], [end, true], [end + 1, false]] as const;
  for (const [time, holds] of cases) {
    const found = judge([mine.log], (tbs, issuer) => [
      listOf(sct(mine, tbs, issuer, { time: BigInt(time) })),
    ]);
    assert.equal(code(found), holds ? "ok" : "SCT_INVALID", String(time));
  }
});

test("verifyScts() refuses a certificate that was logged after it had expired", () => {
  const mine = ctLog();
  // The forge's certificates end ten minutes from now, at a whole second.
  const end = Math.floor(Date.now() / 1000 + 600) * 1000;
  for (const [time, expected] of [[end - 5000, "ok"], [end + 5000, "SCT_INVALID"]] as const) {
    const found = judge([mine.log], (tbs, issuer) => [
      listOf(sct(mine, tbs, issuer, { time: BigInt(time) })),
    ]);
    assert.equal(code(found), expected);
  }
});

test("verifyScts() refuses lists that are not well-formed", () => {
  const mine = ctLog();
  const whole = (value: Uint8Array) => extension(SCT_LIST, value);
  const octets = (value: Uint8Array) => whole(encode(TAG.octetString, value));
  const cases: Readonly<Record<string, (good: Uint8Array) => Uint8Array>> = {
    "nothing": () => whole(Buffer.alloc(0)),
    "not in an OCTET STRING": (good) => whole(encode(TAG.sequence, good)),
    "an OCTET STRING with something after it": (good) =>
      whole(Buffer.concat([encode(TAG.octetString, vector(vector(good, 2), 2)), Buffer.of(5, 0)])),
    "an empty OCTET STRING": () => octets(Buffer.alloc(0)),
    "an empty list": () => octets(vector(Buffer.alloc(0), 2)),
    "a list that is shorter than it says": (good) => octets(vector(good, 2).subarray(0, -1)),
    "a list with something after it": (good) =>
      octets(Buffer.concat([vector(vector(good, 2), 2), Buffer.of(0)])),
    "a timestamp that is cut off": (good) => octets(vector(vector(good.subarray(0, -1), 2), 2)),
    "a timestamp without anything": () => octets(vector(vector(Buffer.alloc(0), 2), 2)),
    "more timestamps than anybody needs": (good) => listOf(...Array<Uint8Array>(17).fill(good)),
  };
  for (const [what, make] of Object.entries(cases)) {
    const found = judge([mine.log], (tbs, issuer) => [make(sct(mine, tbs, issuer))]);
    assert.equal(code(found), "SCT_INVALID", what);
  }
});

test("verify() refuses a certificate that was not logged, by strangers, or whose timestamp is another's", async () => {
  const forge = new Forge();
  let other: readonly Uint8Array[] = [];
  forge.certify({
    scts: (tbs, issuer) => other = [forge.ctLog.submit(tbs, issuer, new Date(), undefined)],
  });
  const missing = forge.bundle(forge.certify({ scts: () => [] }));
  assert.deepEqual(await codesFor(missing, forge.trust(), FORGED_POLICY), ["SCT_MISSING"]);
  const anothers = forge.bundle(forge.certify({ scts: () => other }));
  assert.deepEqual(await codesFor(anothers, forge.trust(), FORGED_POLICY), ["SCT_INVALID"]);
  const logged = forge.bundle();
  const strangers = forge.trust((root) => root.ctlogs = new Forge().trustedRoot().ctlogs);
  assert.deepEqual(await codesFor(logged, strangers, FORGED_POLICY), ["SCT_MISSING"]);
});
