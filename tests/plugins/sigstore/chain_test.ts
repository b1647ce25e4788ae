import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { findChain, usageIssue } from "../../../plugins/sigstore/chain.ts";
import type { Authority, TrustedRoot } from "../../../plugins/sigstore/trusted_root.ts";
import { type Certificate, parseCertificate } from "../../../plugins/_x509/mod.ts";
import { encodeBoolean, encodeOid, encodeSequence } from "../../../plugins/_der/mod.ts";
import {
  digitalSignature,
  extendedKeyUsage,
  extension,
  intermediateAuthority,
  rootAuthority,
  USAGE,
} from "../../sigstore/certificate.ts";
import { base64, type Loose, preAuthentication } from "../../support/bundles.ts";
import { codesFor, failures, verifyJson } from "../../support/sigstore_bundles.ts";
import {
  Forge,
  FORGED_POLICY,
  type ForgedCertificate,
  trustedAuthority,
} from "../../support/sigstore_forge.ts";
import { CA_EXTENSIONS, derOf, Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";
import { AnyLog, entryBody } from "../../support/sigstore_log.ts";

const HOUR = 3600;

function leafOf(forge: Forge, spec: ForgedCertificate = {}): Certificate {
  const leaf = parseCertificate(forge.certify(spec).der);
  assert.ok(leaf.ok);
  return leaf.value;
}

function authoritiesOf(
  forge: Forge,
  change: (root: Loose) => void = () => {},
): readonly Authority[] {
  const root: TrustedRoot = forge.trust(change).root;
  return root.certificateAuthorities;
}

async function codeOf(
  leaf: Certificate,
  authorities: readonly Authority[],
  times: readonly Date[] = [new Date()],
): Promise<string> {
  const found = await findChain(leaf, authorities, times);
  return found.path ? "ok" : found.issue.code;
}

test("verify() refuses a certificate that had expired, or was not yet valid, when it signed", async () => {
  const forge = new Forge();
  for (
    const [from, to, code] of [
      [-2 * HOUR, -HOUR, "CERTIFICATE_EXPIRED"],
      [HOUR, 2 * HOUR, "CERTIFICATE_NOT_YET_VALID"],
    ] as const
  ) {
    const found = await verifyJson(
      forge.bundle(forge.certify({ from, to })),
      forge.trust(),
      FORGED_POLICY,
    );
    assert.deepEqual(failures(found), { "certificate-chain": code });
    assert.equal(found.identity, undefined);
  }
});

test("verify() accepts a certificate that has expired since it signed", async () => {
  const forge = new Forge();
  const json = forge.bundle(forge.certify({ from: -2 * HOUR, to: -HOUR }), {
    time: new Date(Date.now() - 1.5 * HOUR * 1000),
  });
  assert.deepEqual(await codesFor(json, forge.trust(), FORGED_POLICY), []);
});

test("verify() refuses a certificate that was valid at one of the times only", async () => {
  const forge = new Forge();
  const forged = forge.certify();
  const json = forge.bundle(forged);
  const payload = Buffer.from(json.dsseEnvelope.payload, "base64");
  const signature = Buffer.from(json.dsseEnvelope.signatures[0].sig, "base64");
  const other = new AnyLog(1, "other.example");
  json.verificationMaterial.tlogEntries.push(other.enter(
    entryBody("dsse 0.0.1", {
      ...{ payload, signed: preAuthentication(payload), signature, certificate: forged.der },
    }),
    new Date(Date.now() + HOUR * 1000),
  ));
  const trust = forge.trust((root) => root.tlogs.push(other.trusted));
  assert.deepEqual(await codesFor(json, trust, FORGED_POLICY), ["CERTIFICATE_EXPIRED"]);
});

test("findChain() finds the authority, whichever place it has", async () => {
  const forge = new Forge();
  const stranger = new Forge();
  const [mine] = forge.trustedRoot().certificateAuthorities;
  const [other] = stranger.trustedRoot().certificateAuthorities;
  for (const list of [[mine, other], [other, mine]]) {
    const authorities = authoritiesOf(forge, (root) => root.certificateAuthorities = list);
    const found = await findChain(leafOf(forge), authorities, [new Date()]);
    assert.ok(found.path);
    assert.equal(found.path.length, 3);
    assert.equal(found.authority.anchor.fingerprint, found.path[2]!.fingerprint);
  }
});

test("findChain() says what is wrong with the authority that issued the certificate", async () => {
  const forge = new Forge();
  const stranger = new Forge();
  const [mine] = forge.trustedRoot().certificateAuthorities;
  const [other] = stranger.trustedRoot().certificateAuthorities;
  const leaf = leafOf(forge, { from: -2 * HOUR, to: -HOUR });
  for (const list of [[mine, other], [other, mine]]) {
    const authorities = authoritiesOf(forge, (root) => root.certificateAuthorities = list);
    assert.equal(await codeOf(leaf, authorities), "CERTIFICATE_EXPIRED");
  }
});

test("findChain() refuses authorities that are for something else than signing code", async () => {
  using pki = new Pki();
  const root = pki.root();
  const cases = [["codeSigning", "ok"], ["timeStamping", "CERTIFICATE_CONSTRAINT"]] as const;
  for (const [usage, code] of cases) {
    const extensions = [...CA_EXTENSIONS, `extendedKeyUsage=${usage}`];
    const intermediate = pki.intermediate(root, { extensions });
    const authority: Authority = {
      ...{ name: "an authority", uri: "", anchor: load(root), others: [load(intermediate)] },
      validFor: { start: new Date(0) },
    };
    assert.equal(await codeOf(load(pki.leaf(intermediate)), [authority]), code, usage);
  }
});

test("verify() does not accept a certificate that is an authority of its own", async () => {
  const forge = new Forge();
  const { key, der } = forge.certify();
  const trust = forge.trust((root) => {
    root.certificateAuthorities = [trustedAuthority({ certificate: der })];
  });
  const found = await verifyJson(forge.bundle({ key, der }), trust, FORGED_POLICY);
  // Nobody can tell who issued it, so nobody can tell whether that was logged.
  assert.deepEqual(
    found.checks.filter(({ status }) => status !== "passed").map(({ id, status }) => [id, status]),
    [["certificate-log", "skipped"]],
  );
  assert.equal(found.identity, undefined);
});

test("findChain() takes authorities that issue from their root", async () => {
  const forge = new Forge();
  const authorities = authoritiesOf(forge, (root) => {
    root.certificateAuthorities = [trustedAuthority(forge.root)];
  });
  assert.equal(await codeOf(leafOf(forge, { issuer: forge.root }), authorities), "ok");
  // The intermediate is not known then, and no bundle may bring one.
  assert.equal(await codeOf(leafOf(forge), authorities), "CERTIFICATE_UNTRUSTED");
});

test("findChain() takes an intermediate authority as the anchor", async () => {
  const forge = new Forge();
  const authorities = authoritiesOf(forge, (root) => {
    root.certificateAuthorities = [trustedAuthority(forge.intermediate)];
  });
  assert.equal(await codeOf(leafOf(forge), authorities), "ok");
  assert.equal(
    await codeOf(leafOf(forge, { issuer: forge.root }), authorities),
    "CERTIFICATE_UNTRUSTED",
  );
});

test("findChain() refuses strangers, also of the same name", async () => {
  const forge = new Forge();
  const authorities = authoritiesOf(forge);
  const root = rootAuthority("root", "P-384");
  for (const issuer of [root, intermediateAuthority(root, "intermediate", "P-384")]) {
    assert.equal(await codeOf(leafOf(forge, { issuer }), authorities), "CERTIFICATE_UNTRUSTED");
  }
  assert.equal(await codeOf(leafOf(forge), []), "CERTIFICATE_UNTRUSTED");
});

test("findChain() refuses an intermediate whose authority has ended beside one that has not", async () => {
  const forge = new Forge();
  const successor = intermediateAuthority(forge.root, "successor", "P-384");
  const authorities = authoritiesOf(forge, (root) => {
    const ended = trustedAuthority(forge.intermediate, forge.root);
    ended.validFor = { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" };
    root.certificateAuthorities = [ended, trustedAuthority(successor, forge.root)];
  });
  assert.equal(await codeOf(leafOf(forge, { issuer: successor }), authorities), "ok");
  assert.equal(await codeOf(leafOf(forge), authorities), "CERTIFICATE_UNTRUSTED");
});

test("findChain() asks for every time, and for one at least", async () => {
  const forge = new Forge();
  const [leaf, authorities] = [leafOf(forge), authoritiesOf(forge)];
  const now = new Date();
  const [before, after] = [-1, 1].map((hours) => new Date(now.getTime() + hours * HOUR * 1000));
  assert.equal(await codeOf(leaf, authorities, [now, now]), "ok");
  assert.equal(await codeOf(leaf, authorities, [before!, now]), "CERTIFICATE_NOT_YET_VALID");
  assert.equal(await codeOf(leaf, authorities, [now, after!]), "CERTIFICATE_EXPIRED");
  assert.equal(await codeOf(leaf, authorities, []), "CERTIFICATE_UNTRUSTED");
});

test("findChain() asks for the last second of a certificate's life, and not for the next one", async () => {
  const forge = new Forge();
  const [leaf, authorities] = [leafOf(forge), authoritiesOf(forge)];
  const end = leaf.notAfter.getTime();
  assert.equal(await codeOf(leaf, authorities, [leaf.notBefore]), "ok");
  assert.equal(await codeOf(leaf, authorities, [new Date(end + 999)]), "ok");
  assert.equal(await codeOf(leaf, authorities, [new Date(end + 1000)]), "CERTIFICATE_EXPIRED");
});

/** Extended key usage with several purposes. */
function usages(...ids: readonly string[]): Uint8Array {
  return extension("2.5.29.37", encodeSequence(...ids.map(encodeOid)));
}

test("usageIssue() asks for code signing by name, and for a key that may sign", () => {
  const forge = new Forge();
  const codeSigning = extendedKeyUsage(USAGE.codeSigning, "not critical");
  const isCa = extension("2.5.29.19", encodeSequence(encodeBoolean(true)), "critical");
  const mayEncipher = extension("2.5.29.15", Buffer.from("03020520", "hex"), "critical");
  const cases: readonly (readonly [string, readonly Uint8Array[], string | undefined])[] = [
    ["as Fulcio makes them", [digitalSignature(), codeSigning], undefined],
    ["no key usage", [codeSigning], undefined],
    [
      "another purpose beside it",
      [digitalSignature(), usages("1.3.6.1.5.5.7.3.4", USAGE.codeSigning)],
      undefined,
    ],
    ["no extended key usage", [digitalSignature()], "CERTIFICATE_USAGE"],
    [
      "timestamps",
      [digitalSignature(), extendedKeyUsage(USAGE.timeStamping, "not critical")],
      "CERTIFICATE_USAGE",
    ],
    ["any purpose", [digitalSignature(), usages("2.5.29.37.0")], "CERTIFICATE_USAGE"],
    ["a key that may only encipher", [mayEncipher, codeSigning], "CERTIFICATE_USAGE"],
    ["a CA's", [digitalSignature(), codeSigning, isCa], "CERTIFICATE_USAGE"],
  ];
  for (const [what, extensions, code] of cases) {
    assert.equal(usageIssue(leafOf(forge, { usages: extensions }))?.code, code, what);
  }
});

test("verify() refuses a certificate that is not for signing code", async () => {
  const forge = new Forge();
  for (const extensions of [[digitalSignature()], [digitalSignature(), usages("2.5.29.37.0")]]) {
    const json = forge.bundle(forge.certify({ usages: extensions }));
    assert.deepEqual(await codesFor(json, forge.trust(), FORGED_POLICY), ["CERTIFICATE_USAGE"]);
  }
});

test("verify() refuses a certificate whose key is restricted to RSA-PSS, which no signature here is", async () => {
  using pki = new Pki();
  const forge = new Forge();
  const json = forge.bundle();
  const leaf = pki.leaf(pki.root(), { key: "RSA-PSS" });
  json.verificationMaterial.certificate.rawBytes = base64(derOf(leaf.certificate));
  const found = await verifyJson(json, forge.trust(), FORGED_POLICY);
  assert.equal(failures(found)["signature"], "KEY_REFUSED");
});
