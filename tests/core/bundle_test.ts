import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { type Bundle, parseBundle, writeBundle } from "../../core/bundle.ts";
import { PAYLOAD_TYPE } from "../../core/dsse.ts";
import { type IssueCode, ModelSigningError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import {
  MAX_BUNDLE_BYTES,
  MAX_BUNDLE_VALUES,
  MAX_CHAIN_LENGTH,
  MAX_JSON_DEPTH,
  MAX_SIGNATURE_BYTES,
} from "../../core/limits.ts";
import { base64, bundleOf, encode, type Loose, MEDIA_TYPE } from "../support/bundles.ts";

function accepted(value: Loose): Bundle {
  const result = parseBundle(value instanceof Uint8Array ? value : encode(value));
  assert.ok(result.ok, result.ok ? "" : result.issue.message);
  return result.value;
}

function assertRefused(value: Loose, code: IssueCode): void {
  const bytes = value instanceof Uint8Array ? value : encode(value);
  const result = parseBundle(bytes);
  const shown = Buffer.from(bytes.subarray(0, 300)).toString("latin1");
  assert.ok(!result.ok, `accepted ${shown}`);
  assert.equal(result.issue.code, code, `${result.issue.message}: ${shown}`);
  assert.ok(result.issue.message.length < 2000);
}

/** A good bundle after `change`. */
function bent(change: (bundle: Loose) => void): Loose {
  const bundle = bundleOf();
  change(bundle);
  return bundle;
}

const CERTIFICATE = { rawBytes: base64("certificate") };

test("parseBundle() reads a key bundle as it stands", () => {
  const payload = Buffer.from('  {"spacing": "stays" }\n');
  const bundle = accepted(bundleOf(payload));
  assert.equal(bundle.mediaType, MEDIA_TYPE);
  assert.deepEqual(bundle.material, { kind: "public-key", hint: "0".repeat(64) });
  assert.deepEqual([...bundle.envelope.payload], [...payload]);
  assert.equal(Buffer.from(bundle.envelope.signature).toString(), "signature");
  assert.deepEqual(bundle.tlogEntries, []);
  assert.deepEqual(bundle.timestamps, []);
});

test("parseBundle() refuses a signature of a file's bytes, and says that it is one", () => {
  const { dsseEnvelope: _, ...blob } = bundleOf();
  blob.messageSignature = {
    messageDigest: { algorithm: "SHA2_256", digest: base64("digest") },
    signature: base64("signature"),
  };
  assertRefused(blob, "BUNDLE_MALFORMED");
  const result = parseBundle(encode(blob));
  assert.match(result.ok ? "" : result.issue.message, /cosign sign-blob/);
});

test("parseBundle() reads the key material of bundles before 1.1.0", () => {
  const bundle = accepted(bent((value) => {
    value.verificationMaterial = {
      publicKey: { rawBytes: base64("PEM text"), keyDetails: "PKIX_ECDSA_P384_SHA_384" },
    };
    value.dsseEnvelope.signatures[0].keyid = null;
  }));
  assert.ok(bundle.material.kind === "public-key" && bundle.material.rawBytes);
  assert.equal(bundle.material.hint, undefined);
  assert.equal(Buffer.from(bundle.material.rawBytes).toString(), "PEM text");
});

test("parseBundle() reads a certificate chain, leaf first", () => {
  const bundle = accepted(bent((value) => {
    value.verificationMaterial = {
      x509CertificateChain: { certificates: [CERTIFICATE, { rawBytes: base64("issuer") }] },
      tlogEntries: [],
    };
  }));
  assert.ok(bundle.material.kind === "certificate-chain");
  assert.deepEqual(
    bundle.material.certificates.map((der) => Buffer.from(der).toString()),
    ["certificate", "issuer"],
  );
});

test("parseBundle() reads a singular certificate with and without log entries", () => {
  for (const tlogEntries of [undefined, [], [{ logIndex: "1", inclusionProof: { hashes: [] } }]]) {
    const bundle = accepted(bent((value) => {
      value.verificationMaterial = { certificate: CERTIFICATE, tlogEntries };
    }));
    assert.ok(bundle.material.kind === "certificate");
    assert.equal(JSON.stringify(bundle.tlogEntries), JSON.stringify(tlogEntries ?? []));
  }
});

test("parseBundle() accepts every way to leave the key id out", () => {
  for (const keyid of ["", null, undefined, "abc"]) {
    accepted(bent((value) => value.dsseEnvelope.signatures[0].keyid = keyid));
  }
});

test("parseBundle() refuses a key id that is no string", () => {
  for (const keyid of [1, true, {}, []]) {
    assertRefused(
      bent((value) => value.dsseEnvelope.signatures[0].keyid = keyid),
      "BUNDLE_MALFORMED",
    );
  }
});

test("parseBundle() reads timestamps, and accepts that there are none", () => {
  for (const data of [undefined, {}, { rfc3161Timestamps: [] }]) {
    const bundle = accepted(bent((value) => {
      value.verificationMaterial.timestampVerificationData = data;
    }));
    assert.deepEqual(bundle.timestamps, []);
  }
  const bundle = accepted(bent((value) => {
    value.verificationMaterial.timestampVerificationData = {
      rfc3161Timestamps: [{ signedTimestamp: base64("one") }, { signedTimestamp: base64("two") }],
    };
  }));
  assert.deepEqual(bundle.timestamps.map((der) => Buffer.from(der).toString()), ["one", "two"]);
});

test("parseBundle() refuses malformed timestamps and log entries", () => {
  for (
    const material of [
      { timestampVerificationData: [] },
      { timestampVerificationData: { rfc3161Timestamps: {} } },
      { timestampVerificationData: { rfc3161Timestamps: ["AAAA"] } },
      { timestampVerificationData: { rfc3161Timestamps: [{}] } },
      { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: "" }] } },
      { timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: "A" }] } },
      { tlogEntries: {} },
      { tlogEntries: "[]" },
      { tlogEntries: [1] },
      { tlogEntries: [null] },
    ]
  ) {
    assertRefused(
      bent((value) => Object.assign(value.verificationMaterial, material)),
      "BUNDLE_MALFORMED",
    );
  }
});

test("parseBundle() refuses an empty file and one of spaces", () => {
  assertRefused(new Uint8Array(), "BUNDLE_MALFORMED");
  assertRefused(" \n", "BUNDLE_MALFORMED");
});

test("parseBundle() refuses a bundle that is cut after any byte", () => {
  const bytes = encode(bundleOf());
  for (let length = 0; length < bytes.length; length++) {
    assertRefused(bytes.subarray(0, length), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses text after the bundle", () => {
  assertRefused(`${JSON.stringify(bundleOf())}x`, "BUNDLE_MALFORMED");
  assertRefused(JSON.stringify(bundleOf()).repeat(2), "BUNDLE_MALFORMED");
});

test("parseBundle() refuses values that are no bundle", () => {
  for (const value of ["null", "[]", '"bundle"', "1", "{}", "[{}]"]) {
    assertRefused(value, "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses more bytes than the limit", () => {
  assertRefused(new Uint8Array(MAX_BUNDLE_BYTES + 1), "BUNDLE_TOO_LARGE");
});

test("parseBundle() refuses deep nesting, also where anything is allowed", () => {
  const deep = JSON.parse(`${"[".repeat(MAX_JSON_DEPTH)}${"]".repeat(MAX_JSON_DEPTH)}`);
  assertRefused(
    bent((value) => value.verificationMaterial.tlogEntries = [{ canonicalizedBody: deep }]),
    "BUNDLE_MALFORMED",
  );
  assertRefused("[".repeat(10_000_000), "BUNDLE_MALFORMED");
});

test("parseBundle() refuses more values than the limit, also where anything is allowed", () => {
  const many = Array.from({ length: MAX_BUNDLE_VALUES }, () => ({}));
  assertRefused(
    bent((value) => value.verificationMaterial.tlogEntries = many),
    "BUNDLE_MALFORMED",
  );
});

test("parseBundle() refuses another media type", () => {
  for (
    const mediaType of [
      "application/vnd.dev.sigstore.bundle+json;version=0.3",
      "application/vnd.dev.sigstore.bundle.v0.2+json",
      "application/vnd.dev.sigstore.bundle.v0.4+json",
      `${MEDIA_TYPE} `,
      MEDIA_TYPE.toUpperCase(),
      "",
      "\u001b[2J".repeat(100_000),
    ]
  ) assertRefused(bent((value) => value.mediaType = mediaType), "BUNDLE_MEDIA_TYPE");
  for (const mediaType of [undefined, null, 3, [MEDIA_TYPE]]) {
    assertRefused(bent((value) => value.mediaType = mediaType), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses another payload type", () => {
  for (
    const type of ["application/json", "application/vnd.in-toto+json ", "", "\u202e".repeat(9999)]
  ) {
    assertRefused(bent((value) => value.dsseEnvelope.payloadType = type), "ENVELOPE_PAYLOAD_TYPE");
  }
  for (const type of [undefined, null, 1]) {
    assertRefused(bent((value) => value.dsseEnvelope.payloadType = type), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses no signature and two signatures", () => {
  assertRefused(bent((value) => value.dsseEnvelope.signatures = []), "ENVELOPE_SIGNATURES");
  assertRefused(
    bent(({ dsseEnvelope: { signatures } }) => signatures.push(signatures[0])),
    "ENVELOPE_SIGNATURES",
  );
  assertRefused(
    bent(({ dsseEnvelope: { signatures } }) => signatures.push({ sig: base64("another") })),
    "ENVELOPE_SIGNATURES",
  );
});

test("parseBundle() refuses malformed signatures", () => {
  for (
    const signatures of [
      undefined,
      null,
      {},
      "signature",
      [null],
      ["c2ln"],
      [{}],
      [{ sig: "" }],
      [{ sig: null }],
      [{ sig: 1 }],
      [{ sig: base64(new Uint8Array(MAX_SIGNATURE_BYTES + 1)) }],
      [{ sig: "c2ln", extra: 1 }],
    ]
  ) {
    assertRefused(bent((value) => value.dsseEnvelope.signatures = signatures), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses base64 that is not canonical", () => {
  const garbage = [
    "QUI", // padding left out
    "QUI==", // too much padding
    "QUJD=", // padding where none belongs
    "QQ=", // too little padding
    "QR==", // stray bits: QQ== is canonical
    "QUJ=", // stray bits
    "QUI=\n", // white space
    " QUI=",
    "QU I=",
    "Q",
    "-_-_", // the URL-safe alphabet
    "Q!==",
    "QUI=QUI=", // two texts
    "====",
    "QUI\u0000",
    "ＱＵＩ＝", // full-width look-alikes
  ];
  for (const text of garbage) {
    const changes: ((value: Loose) => void)[] = [
      (value) => value.dsseEnvelope.payload = text,
      (value) => value.dsseEnvelope.signatures[0].sig = text,
      (value) => value.verificationMaterial = { publicKey: { rawBytes: text } },
      (value) => value.verificationMaterial = { certificate: { rawBytes: text } },
      (value) => {
        value.verificationMaterial = {
          x509CertificateChain: { certificates: [{ rawBytes: text }] },
        };
      },
    ];
    for (const change of changes) assertRefused(bent(change), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses a missing or empty payload", () => {
  for (const payload of [undefined, null, "", 1, {}]) {
    assertRefused(bent((value) => value.dsseEnvelope.payload = payload), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses duplicate members at any place", () => {
  const text = JSON.stringify(bundleOf());
  for (
    const [before, after] of [
      ['{"mediaType"', `{"mediaType":"${MEDIA_TYPE}","mediaType"`],
      ['{"mediaType"', `{"media\\u0054ype":"${MEDIA_TYPE}","mediaType"`],
      ['"payload":', '"payload":"QUI=","payload":'],
      ['"sig":', '"sig":"QUI=","s\\u0069g":'],
      ['"hint":', '"hint":"","hint":'],
      ['"dsseEnvelope":', '"dsseEnvelope":{},"dsseEnvelope":'],
    ] as const
  ) {
    assert.ok(text.includes(before));
    assertRefused(text.replace(before, after), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() refuses unknown members of bundle, envelope and signature", () => {
  for (
    const change of [
      (value: Loose) => value.messageSignature = {},
      (value: Loose) => value.dsseEnvelope.extra = null,
      (value: Loose) => value.dsseEnvelope.signatures[0].cert = "x",
      (value: Loose) => value["\u001b[2J".repeat(100_000)] = 1,
    ]
  ) assertRefused(bent(change), "BUNDLE_MALFORMED");
  assertRefused(
    JSON.stringify(bundleOf()).replace("{", '{"__proto__":{"mediaType":1},'),
    "BUNDLE_MALFORMED",
  );
});

test("parseBundle() refuses a missing envelope or material", () => {
  for (const member of ["dsseEnvelope", "verificationMaterial"]) {
    for (const value of [undefined, null, [], "x"]) {
      assertRefused(bent((bundle) => bundle[member] = value), "BUNDLE_MALFORMED");
    }
  }
});

test("parseBundle() refuses material that names no signer or several", () => {
  const chain = { x509CertificateChain: { certificates: [CERTIFICATE] } };
  const key = { publicKey: { hint: "0" } };
  for (
    const material of [
      {},
      { tlogEntries: [] },
      { ...chain, ...key },
      { ...key, certificate: CERTIFICATE },
      { ...chain, certificate: CERTIFICATE },
      { ...chain, ...key, certificate: CERTIFICATE },
    ]
  ) assertRefused(bent((value) => value.verificationMaterial = material), "BUNDLE_MATERIAL");
});

test("parseBundle() refuses malformed material", () => {
  for (
    const material of [
      { publicKey: {} },
      { publicKey: null },
      { publicKey: "PEM" },
      { publicKey: { hint: 1 } },
      { publicKey: { hint: "0".repeat(1025) } },
      { publicKey: { hint: null } },
      { publicKey: { rawBytes: "" } },
      { certificate: {} },
      { certificate: [] },
      { certificate: "QUI=" },
      { certificate: { rawBytes: "" } },
      { x509CertificateChain: {} },
      { x509CertificateChain: [CERTIFICATE] },
      { x509CertificateChain: { certificates: [] } },
      { x509CertificateChain: { certificates: {} } },
      { x509CertificateChain: { certificates: ["QUI="] } },
      { x509CertificateChain: { certificates: [CERTIFICATE, {}] } },
    ]
  ) {
    assertRefused(bent((value) => value.verificationMaterial = material), "BUNDLE_MALFORMED");
  }
});

test("parseBundle() takes as long a chain as the limit says, and no longer", () => {
  const chain = (length: number) =>
    bent((value) => {
      value.verificationMaterial = {
        x509CertificateChain: { certificates: Array(length).fill(CERTIFICATE) },
      };
    });
  accepted(chain(MAX_CHAIN_LENGTH));
  assertRefused(chain(MAX_CHAIN_LENGTH + 1), "BUNDLE_MALFORMED");
});

test("writeBundle() writes what parseBundle() reads", () => {
  const envelope = {
    payloadType: "application/vnd.in-toto+json",
    payload: encode({ any: "payload" }),
    signature: Uint8Array.of(1, 2, 3),
  } as const;
  const der = Uint8Array.of(0x30, 0);
  const materials: Bundle["material"][] = [
    { kind: "public-key", hint: "f".repeat(64) },
    { kind: "certificate-chain", certificates: [der] },
    { kind: "certificate-chain", certificates: [der, Uint8Array.of(1)] },
    { kind: "certificate", certificate: der },
  ];
  const entry: JsonObject = { logIndex: "7", inclusionProof: { hashes: ["a"] as Json[] } };
  for (const material of materials) {
    for (const timestamps of [[], [Uint8Array.of(9), Uint8Array.of(8)]]) {
      const bundle = { material, tlogEntries: [entry], timestamps, envelope };
      const read = accepted(writeBundle(bundle));
      assert.deepEqual(plain(read), plain({ mediaType: MEDIA_TYPE, ...bundle }));
    }
  }
});

test("writeBundle() writes a payload of any length", () => {
  const most = randomBytes(1_000_000);
  for (const length of [1, 2, 3, 196_607, 196_608, 196_609, 999_999, 1_000_000]) {
    const payload = most.subarray(0, length);
    const bytes = writeBundle({
      material: { kind: "public-key", hint: "ab" },
      tlogEntries: [],
      timestamps: [],
      envelope: { payloadType: PAYLOAD_TYPE, payload, signature: Uint8Array.of(1) },
    });
    const written = JSON.parse(Buffer.from(bytes).toString("utf8"));
    assert.equal(written.dsseEnvelope.payload, payload.toString("base64"));
    assert.deepEqual(Buffer.from(accepted(bytes).envelope.payload), payload);
  }
});

test("writeBundle() writes exactly the members of the format", () => {
  const bytes = writeBundle({
    material: { kind: "public-key", hint: "ab" },
    tlogEntries: [],
    timestamps: [],
    envelope: {
      payloadType: "application/vnd.in-toto+json",
      payload: encode("{}"),
      signature: Uint8Array.of(1, 2, 3),
    },
  });
  assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()), {
    mediaType: MEDIA_TYPE,
    verificationMaterial: { publicKey: { hint: "ab" }, tlogEntries: [] },
    dsseEnvelope: {
      payload: "e30=",
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: "AQID" }],
    },
  });
});

test("writeBundle() refuses to write what nobody could read back", { timeout: 60_000 }, () => {
  const payload = new Uint8Array(MAX_BUNDLE_BYTES * 0.75);
  assert.throws(
    () =>
      writeBundle({
        material: { kind: "public-key", hint: "ab" },
        tlogEntries: [],
        timestamps: [],
        envelope: {
          payloadType: "application/vnd.in-toto+json",
          payload,
          signature: Uint8Array.of(1),
        },
      }),
    (error) => error instanceof ModelSigningError && error.code === "BUNDLE_TOO_LARGE_TO_WRITE",
  );
});

/** Bytes as numbers and objects with prototypes, so that values compare. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

test("parseBundle() refuses a certificate larger than any real one", () => {
  const of = (bytes: number) => {
    const rawBytes = Buffer.alloc(bytes).toString("base64");
    const bundle = { ...bundleOf(), verificationMaterial: { certificate: { rawBytes } } };
    return parseBundle(Buffer.from(JSON.stringify(bundle)));
  };
  assert.equal(of(65_536).ok, true);
  const refused = of(65_537);
  assert.equal(refused.ok ? "" : refused.issue.code, "BUNDLE_MALFORMED");
});
