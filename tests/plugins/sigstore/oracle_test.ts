/** Our verifier beside the real `@sigstore/verify`, on good bundles and on changed ones. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { context, encode, encodeOid } from "../../../plugins/_der/mod.ts";
import { digitalSignature } from "../../sigstore/certificate.ts";
import { signWith } from "../../sigstore/keys.ts";
import { base64, encode as encodeJson, type Loose, MEDIA_TYPE } from "../../support/bundles.ts";
import { flipped, leaves, replaced, type Variant, variants } from "../../support/mutations.ts";
import { derOf, Pki } from "../../support/pki.ts";
import { sharedData } from "../../support/shared.ts";
import { GITHUB_CLAIMS, startSigstore } from "../../support/sigstore.ts";
import { parseSigstoreBundle } from "../../support/sigstore_any_bundle.ts";
import { verifyAny } from "../../support/sigstore_any_verify.ts";
import {
  bundleOf,
  failures,
  policyOf,
  sigstoreBundle,
  trustOf,
  verifyJson,
} from "../../support/sigstore_bundles.ts";
import {
  Forge,
  FORGED_POLICY,
  fulcioText,
  fulcioUtf8,
  generalName,
} from "../../support/sigstore_forge.ts";
import { libraryRefusal, unfixedLibraryRefusal } from "../../support/sigstore_library.ts";
import { AnyLog, entryBody } from "../../support/sigstore_log.ts";
import { stamp, tsaCertificate } from "../_rfc3161/_authority.ts";

/** Whom both are asked to expect. */
type Names = { readonly identity: string; readonly issuer: string };

const FORGED = FORGED_POLICY as Names;

type Verdicts = { readonly ours: boolean; readonly library: boolean };

/** Whether each accepts a bundle, and how many timestamps count for us. */
async function verdicts(
  bundle: Loose,
  root: Loose,
  names: Names,
): Promise<Verdicts & { readonly counted: number }> {
  const parsed = bundleOf(bundle);
  const found = parsed && await verifyJson(bundle, trustOf(root), names);
  const ours = found !== undefined && Object.keys(failures(found)).length === 0;
  assert.equal(ours, found?.identity !== undefined);
  return {
    ours,
    library: libraryRefusal({ bundle, root, ...names }) === undefined,
    counted: found?.timestamps.filter(({ source }) => source === "rfc3161").length ?? 0,
  };
}

async function assertVerdicts(
  expected: Verdicts,
  bundle: Loose,
  root: Loose,
  names: Names,
  what: string,
): Promise<void> {
  const { ours, library } = await verdicts(bundle, root, names);
  assert.deepEqual({ ours, library }, expected, what);
}

const BOTH = { ours: true, library: true };
const NEITHER = { ours: false, library: false };
const OURS_ONLY = { ours: true, library: false };
const LIBRARY_ONLY = { ours: false, library: true };

/** Changes that the library accepts, by what was changed, and why we do not. */
const STRICTER: Readonly<Record<string, RegExp>> = {
  "models are signed in bundles of v0.3, and nothing stands behind a media type": /mediaType/,
  "a certificate is DER to its first and last byte, and names one algorithm":
    /certificate\.rawBytes/,
  "a timestamp is DER, with the certificates that it brings, and is what RFC 3161 asks for":
    /signedTimestamp/,
  "the proof's own root and size have to be those of the checkpoint":
    /inclusionProof\.(?:rootHash|treeSize)/,
  "in Rekor v2 both indexes are that of the one tree": /^v2 .*tlogEntries\.0\.logIndex/,
  "a checkpoint holds well-formed lines of signatures and nothing else": /checkpoint\.envelope/,
};

/** Every object and every list left out. */
function* withoutNodes(json: Loose): Generator<Variant> {
  const paths = new Set<string>();
  for (const { path } of leaves(json)) {
    for (let length = 1; length < path.length; length++) {
      paths.add(JSON.stringify(path.slice(0, length)));
    }
  }
  for (const path of paths) {
    yield { what: `${path} left out`, json: replaced(json, JSON.parse(path), undefined) };
  }
}

/** Bytes at regular distances flipped. */
function* withFlips(
  json: Loose,
  path: readonly (string | number)[],
  step: number,
): Generator<Variant> {
  const bytes = Buffer.from(path.reduce((holder: Loose, key) => holder[key], json), "base64");
  for (let index = 0; index < bytes.length; index += step) {
    yield {
      what: `${path.join(".")} byte ${index}`,
      json: replaced(json, path, flipped(bytes, index)),
    };
  }
}

const CERTIFICATE = ["verificationMaterial", "certificate", "rawBytes"] as const;
const TIMESTAMP = [
  ...["verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"],
  ...[0, "signedTimestamp"],
] as const;

test("verify() and the library accept the same good bundles", async () => {
  await using sigstore = await startSigstore();
  const root = JSON.parse(readFileSync(sigstore.trustedRoot, "utf8"));
  const names = policyOf(sigstore) as Names;
  const untimed = await sigstoreBundle(sigstore);
  delete untimed.verificationMaterial.timestampVerificationData;
  const good: readonly (readonly [string, Loose, Names])[] = [
    ["Rekor v1", await sigstoreBundle(sigstore), names],
    ["Rekor v1 without a timestamp", untimed, names],
    ["Rekor v2", await sigstoreBundle(sigstore, { rekor: 2 }), names],
    ["a workflow", await sigstoreBundle(sigstore, { claims: GITHUB_CLAIMS }), {
      ...names,
      identity: "https://github.com/octo-org/model/.github/workflows/release.yml@refs/heads/main",
    }],
  ];
  for (const [what, json, wanted] of good) await assertVerdicts(BOTH, json, root, wanted, what);
  const forge = new Forge();
  for (const key of ["P-256", "P-384"] as const) {
    const json = forge.bundle(forge.certify({ key }));
    await assertVerdicts(BOTH, json, forge.trustedRoot(), FORGED, key);
  }
  for (
    const kind of [
      ...["dsse 0.0.1", "dsse 0.0.2", "intoto 0.0.2"] as const,
      ...["hashedrekord 0.0.1", "hashedrekord 0.0.2"] as const,
    ]
  ) {
    const json = forge.bundle(forge.certify(), { kind });
    await assertVerdicts(BOTH, json, forge.trustedRoot(), FORGED, kind);
  }
});

test("verify() accepts no changed bundle that the library refuses, and is stricter where it says so", async () => {
  await using sigstore = await startSigstore();
  const root = JSON.parse(readFileSync(sigstore.trustedRoot, "utf8"));
  const names = policyOf(sigstore) as Names;
  const used = new Set<string>();
  let count = 0;
  for (const rekor of [1, 2] as const) {
    const json = await sigstoreBundle(sigstore, { rekor });
    const changes = [
      ...variants(json),
      ...withoutNodes(json),
      ...withFlips(json, CERTIFICATE, 7),
      ...withFlips(json, TIMESTAMP, 13),
    ];
    count += changes.length;
    for (const change of changes) {
      const what = `${rekor === 2 ? "v2 " : ""}${change.what}`;
      const { ours, library, counted } = await verdicts(change.json, root, names);
      // What was changed into a timestamp by a stranger proves nothing, and the log's time is left.
      const ignored = rekor === 1 && /signedTimestamp byte/.test(what) && counted === 0;
      assert.ok(library || !ours || ignored, `only we accept: ${what}`);
      if (ours || !library) continue;
      const reasons = Object.entries(STRICTER).filter(([, changed]) => changed.test(what));
      assert.ok(reasons.length > 0, `only the library accepts: ${what}`);
      for (const [reason] of reasons) used.add(reason);
    }
  }
  assert.ok(count > 500, `${count} changes`);
  assert.deepEqual(Object.keys(STRICTER).filter((reason) => !used.has(reason)), []);
});

test("verifyAny() and the library judge message signatures alike, but for the claim of a digest", async () => {
  const forge = new Forge();
  const root = forge.trustedRoot();
  const artifact = Buffer.from("any artifact");
  const { key, der } = forge.certify();
  const signature = signWith(key, artifact);
  const logged = { signed: artifact, signature, certificate: der };
  const bundle = {
    mediaType: MEDIA_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: base64(der) },
      tlogEntries: [forge.log.enter(entryBody("hashedrekord 0.0.1", logged))],
    },
    messageSignature: {
      messageDigest: {
        algorithm: "SHA2_256",
        digest: base64(createHash("sha256").update(artifact).digest()),
      },
      signature: base64(signature),
    },
  };
  const judge = async (json: Loose, bytes: Uint8Array) => {
    const parsed = parseSigstoreBundle(encodeJson(json), { bytes });
    const checks = parsed.ok
      ? await verifyAny(parsed.value, { trust: trustOf(root), policy: FORGED })
      : undefined;
    const library = libraryRefusal({ bundle: json, root, ...FORGED, artifact: bytes });
    return {
      ours: checks?.every(({ status }) => status === "passed") ?? false,
      library: library === undefined,
    };
  };
  assert.deepEqual(await judge(bundle, artifact), BOTH);
  assert.deepEqual(await judge(bundle, Buffer.from("another")), NEITHER);
  for (const { what, json } of [...variants(bundle), ...withoutNodes(bundle)]) {
    const { ours, library } = await judge(json, artifact);
    // The signature is over the artifact itself; the digest beside it is a hint that may be missing.
    assert.ok(library || !ours || /messageDigest/.test(what), what);
  }
});

test("verify() accepts what the library refuses: evidence by strangers, and evidence twice", async () => {
  const forge = new Forge();
  const root = forge.trustedRoot();
  const stranger = new AnyLog(1, "stranger.example");
  // It proves nothing and harms nothing: a signer may serve verifiers with different trust.
  const withStranger = forge.bundle();
  const [entry] = withStranger.verificationMaterial.tlogEntries;
  const body = JSON.parse(Buffer.from(entry.canonicalizedBody, "base64").toString());
  withStranger.verificationMaterial.tlogEntries.push(stranger.enter(body));
  await assertVerdicts(OURS_ONLY, withStranger, root, FORGED, "an entry of a stranger");
  // Counted once; whoever repeats it gains nothing.
  const twice = forge.bundle();
  const { tlogEntries } = twice.verificationMaterial;
  tlogEntries.push(tlogEntries[0]);
  await assertVerdicts(OURS_ONLY, twice, root, FORGED, "an entry twice");
  using pki = new Pki();
  const json = forge.bundle();
  const signature = Buffer.from(json.dsseEnvelope.signatures[0].sig, "base64");
  const tsaRoot = pki.root();
  const signedTimestamp = base64(stamp(pki, tsaCertificate(pki, tsaRoot), signature));
  json.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: [{ signedTimestamp }],
  };
  await assertVerdicts(OURS_ONLY, json, root, FORGED, "a timestamp by a stranger");
});

test("verify() refuses certificates that the library accepts", async () => {
  const forge = new Forge();
  const root = forge.trustedRoot();
  const { issuer } = FORGED;
  const email = generalName(1, "dev@example.com");
  const user = encode(
    context(0, "constructed"),
    encodeOid("1.2.3"),
    encode(context(0, "constructed"), Buffer.from("0c0178", "hex")),
  );
  const cases: Readonly<Record<string, Parameters<Forge["certify"]>[0]>> = {
    // Such a certificate may be for anything but signing.
    "not for signing code": { usages: [digitalSignature()] },
    // Which of the two would be the signer?
    "two names": { names: [email, generalName(1, "mallory@example.com")] },
    "a name of an unknown form beside the expected one": { names: [email, user] },
    // It reads the second form only.
    "two issuers that disagree": {
      claims: [fulcioText(1, "https://evil.example"), fulcioUtf8(8, issuer)],
    },
  };
  for (const [what, spec] of Object.entries(cases)) {
    await assertVerdicts(LIBRARY_ONLY, forge.bundle(forge.certify(spec)), root, FORGED, what);
  }
});

test("verify() refuses logs that are trusted since ever, which the library trusts", async () => {
  const forge = new Forge();
  const json = forge.bundle();
  for (const list of ["tlogs", "ctlogs"]) {
    const root = forge.trustedRoot();
    delete root[list][0].publicKey.validFor;
    await assertVerdicts(LIBRARY_ONLY, json, root, FORGED, list);
  }
});

test("verify() and the library refuse a timestamp by a certificate that was replaced", async () => {
  using pki = new Pki();
  const forge = new Forge();
  const root = pki.root();
  const [retired, current] = [tsaCertificate(pki, root), tsaCertificate(pki, root)];
  const trusted = forge.trustedRoot();
  const start = new Date(Date.now() - 60 * 60 * 1000).toISOString();
  trusted.timestampAuthorities = [
    [retired, { start: "2020-01-01T00:00:00Z", end: start }] as const,
    [current, { start }] as const,
  ].map(([{ certificate }, validFor]) => ({
    uri: "https://tsa.example",
    certChain: {
      certificates: [certificate, root.certificate].map((path) => ({
        rawBytes: base64(derOf(path)),
      })),
    },
    validFor,
  }));
  for (const [tsa, expected] of [[current, BOTH], [retired, NEITHER]] as const) {
    const json = forge.bundle();
    const signature = Buffer.from(json.dsseEnvelope.signatures[0].sig, "base64");
    json.verificationMaterial.timestampVerificationData = {
      rfc3161Timestamps: [{ signedTimestamp: base64(stamp(pki, tsa, signature)) }],
    };
    await assertVerdicts(expected, json, trusted, FORGED, tsa === current ? "current" : "retired");
  }
});

test("the library refuses a good bundle where the runtime has no default digest, and accepts it with our fix", () => {
  const forge = new Forge();
  const asked = { bundle: forge.bundle(), root: forge.trustedRoot(), ...FORGED };
  assert.equal(libraryRefusal(asked), undefined);
  // Deno has none.
  const hasDefault = "bun" in process.versions;
  assert.equal(unfixedLibraryRefusal(asked) === undefined, hasDefault);
});

const oms = sharedData("oms");
if (oms !== undefined) {
  test("verify() and the library accept the bundles of earlier tools with the production root", async () => {
    const path = new URL(
      "../../../plugins/sigstore/data/production.trusted_root.json",
      import.meta.url,
    );
    const root = JSON.parse(readFileSync(path, "utf8"));
    for (const version of ["v0.3.1", "v1.0.0", "v1.1.0"]) {
      const folder = join(oms, "historical", `${version}-sigstore`);
      const json = JSON.parse(readFileSync(join(folder, "bundle.sig"), "utf8"));
      const { verify } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
      const names = { identity: verify.identity, issuer: verify.identity_provider };
      await assertVerdicts(BOTH, json, root, names, version);
    }
  });
}
