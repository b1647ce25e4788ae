import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import {
  checkRevocation,
  parseCertificate,
  readCrls,
  type RevocationResult,
} from "../../../plugins/_x509/mod.ts";
import { CA_EXTENSIONS, type CrlSpec, derOf, type Issued, Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";

async function check(path: readonly Issued[], crls: readonly string[]): Promise<RevocationResult> {
  const [leaf, ...rest] = path.map(load);
  return await checkRevocation(
    [leaf!, ...rest],
    crls.flatMap((crl) => readCrls(readFileSync(crl), crl)),
    new Date(),
  );
}

function outcome(result: RevocationResult): string {
  return result.issue?.code ?? "ok";
}

test("checkRevocation() passes a leaf that its issuer's list does not name, as OpenSSL does", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const other = pki.leaf(root);
  const crl = pki.crl(root, { revoked: [{ certificate: other }] });
  const result = await check([leaf, root], [crl]);
  assert.equal(outcome(result), "ok");
  assert.equal("covered" in result ? result.covered.length : 0, 1);
  assert.equal(outcome(await check([other, root], [crl])), "CERTIFICATE_REVOKED");
  const verify = ["verify", "-crl_check", "-CAfile", pki.bundle(root.certificate, crl)];
  assert.ok(pki.accepts([...verify, leaf.certificate]));
  assert.ok(!pki.accepts([...verify, other.certificate]));
});

for (const reason of ["keyCompromise", "certificateHold", "superseded"]) {
  test(`checkRevocation() refuses a leaf revoked for ${reason}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const leaf = pki.leaf(root);
    const crl = pki.crl(root, { revoked: [{ certificate: leaf, reason }] });
    assert.equal(outcome(await check([leaf, root], [crl])), "CERTIFICATE_REVOKED");
  });
}

test("checkRevocation() passes a leaf whose entry says that it is not on hold any more", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const crl = pki.crl(root, { revoked: [{ certificate: leaf, reason: "removeFromCRL" }] });
  assert.equal(outcome(await check([leaf, root], [crl])), "ok");
});

test("checkRevocation() refuses a revoked intermediate", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const leaf = pki.leaf(ca);
  const rootCrl = pki.crl(root, { revoked: [{ certificate: ca }] });
  const result = await check([leaf, ca, root], [pki.crl(ca), rootCrl]);
  assert.equal(outcome(result), "CERTIFICATE_REVOKED");
});

test("checkRevocation() names the CAs that no list covers", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const leaf = pki.leaf(ca);
  const result = await check([leaf, ca, root], [pki.crl(ca)]);
  assert.equal(outcome(result), "ok");
  const uncovered = "uncovered" in result ? result.uncovered : [];
  assert.deepEqual(uncovered.map(({ fingerprint }) => fingerprint), [load(ca).fingerprint]);
});

const UNUSABLE: readonly (readonly [what: string, spec: CrlSpec])[] = [
  ["that is out of date", { from: -10, to: -1 }],
  ["of the future", { from: 1, to: 2 }],
  [
    "with an issuing distribution point",
    { extensions: ["issuingDistributionPoint=critical,onlyCA:TRUE"] },
  ],
  ["that is a delta list", { extensions: ["2.5.29.27=critical,ASN1:INTEGER:1"] }],
  ["with an unknown critical extension", { extensions: ["1.2.3.4=critical,ASN1:NULL"] }],
];

for (const [what, spec] of UNUSABLE) {
  test(`checkRevocation() refuses to decide by a list ${what}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const leaf = pki.leaf(root);
    assert.equal(outcome(await check([leaf, root], [pki.crl(root, spec)])), "CRL_UNUSABLE");
  });
}

test("checkRevocation() lets a later list end a hold, and no other revocation", async () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const list = (from: number, to: number, reason: string) =>
    pki.crl(root, { from, to, revoked: [{ certificate: leaf, reason }] });
  const latest = pki.crl(root, { from: -2 });
  const held = list(-5, 30, "certificateHold");
  assert.equal(outcome(await check([leaf, root], [held, latest])), "ok");
  assert.equal(outcome(await check([leaf, root], [held])), "CERTIFICATE_REVOKED");
  const heldAgain = list(-1, 30, "certificateHold");
  assert.equal(outcome(await check([leaf, root], [latest, heldAgain])), "CERTIFICATE_REVOKED");
  const outOfDate = list(-10, -3, "keyCompromise");
  assert.equal(outcome(await check([leaf, root], [latest, outOfDate])), "CERTIFICATE_REVOKED");
  const unusable = pki.crl(root, { from: -10, to: -3 });
  assert.equal(outcome(await check([leaf, root], [unusable, latest])), "ok");
});

test("checkRevocation() clears an expired certificate only by a list that had to name it", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -30 });
  const leaf = pki.leaf(root, { from: -20, to: -5 });
  const { notAfter } = load(leaf);
  const list = (from: number, to: number, ...extensions: readonly string[]) =>
    pki.crl(root, { from, to, ...(extensions.length > 0 ? { extensions } : {}) });
  const naming = (from: number, to: number, reason = "keyCompromise") =>
    pki.crl(root, { from, to, revoked: [{ certificate: leaf, reason }] });
  const expiredSince = (time: Date) => {
    const digits = time.toISOString().replace(/[-:T]|\.\d+/g, "");
    return list(-2, 30, `2.5.29.60=ASN1:GENERALIZEDTIME:${digits}`);
  };
  const last = list(-10, -4);
  const after = list(-2, 30);
  const cases: readonly (readonly [what: string, crls: readonly string[], expected: string])[] = [
    ["current, from before", [list(-10, 30)], "ok"],
    ["current at its end", [last], "ok"],
    ["current at its end, and one from after", [last, after], "ok"],
    ["of which a later one was due before its end", [list(-10, -6)], "CRL_UNUSABLE"],
    ["from after", [after], "CRL_UNUSABLE"],
    ["from after that goes back to its end", [expiredSince(notAfter)], "ok"],
    [
      "from after that goes back to the second behind its end",
      [expiredSince(new Date(notAfter.getTime() + 1000))],
      "CRL_UNUSABLE",
    ],
    ["from after that names it", [naming(-2, 30)], "CERTIFICATE_REVOKED"],
    ["of long ago that names it", [naming(-10, -6), last, after], "CERTIFICATE_REVOKED"],
    [
      "that holds it, and one from after",
      [naming(-10, -4, "certificateHold"), after],
      "CERTIFICATE_REVOKED",
    ],
    ["that held it, and one at its end", [naming(-11, -4, "certificateHold"), last], "ok"],
  ];
  for (const [what, crls, expected] of cases) {
    assert.equal(outcome(await check([leaf, root], crls)), expected, `a list ${what}`);
  }
  const ca = pki.intermediate(root, { from: -20, to: -5 });
  const below = pki.leaf(ca, { from: -20, to: -5 });
  const leafList = pki.crl(ca, { from: -10, to: -4 });
  assert.equal(outcome(await check([below, ca, root], [leafList, after])), "CRL_UNUSABLE");
});

test("checkRevocation() refuses lists that do not cover the leaf's issuer", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root);
  const leaf = pki.leaf(ca);
  const crls = [pki.crl(root), pki.crl(pki.root())];
  assert.equal(outcome(await check([leaf, ca, root], crls)), "CRL_UNUSABLE");
});

test("checkRevocation() refuses a list by another CA of the same name", async () => {
  using pki = new Pki();
  const root = pki.root({ subject: "/CN=same" });
  const impostor = pki.root({ subject: "/CN=same" });
  const leaf = pki.leaf(root);
  assert.equal(outcome(await check([leaf, root], [pki.crl(impostor)])), "CRL_UNUSABLE");
});

test("checkRevocation() refuses a list by a CA whose key usage lacks cRLSign", async () => {
  using pki = new Pki();
  const root = pki.root({
    extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"],
  });
  const leaf = pki.leaf(root);
  assert.equal(outcome(await check([leaf, root], [pki.crl(root)])), "CRL_UNUSABLE");
});

test("checkRevocation() takes a list by a CA without key usage, and for a leaf that is the anchor", async () => {
  using pki = new Pki();
  const root = pki.root({ extensions: ["basicConstraints=critical,CA:TRUE"] });
  assert.equal(outcome(await check([pki.leaf(root), root], [pki.crl(root)])), "ok");
  assert.equal(outcome(await check([root], [pki.crl(root)])), "ok");
});

for (const key of ["P-384", "P-521", "RSA-2048", "RSA-PSS", "Ed25519"] as const) {
  test(`checkRevocation() takes lists that are signed with ${key}`, async () => {
    using pki = new Pki();
    const root = pki.root({ key });
    const leaf = pki.leaf(root);
    assert.equal(outcome(await check([leaf, root], [pki.crl(root)])), "ok");
  });
}

test("readCrls() and parseCertificate() refuse a serial number with a zero in front, as OpenSSL does", () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const serial = Buffer.from(load(leaf).serial, "hex");
  const padded = (file: string) => {
    const der = Buffer.from(derOf(file));
    // X.690 8.3.2: nine zero bits in front are one byte too many.
    der.set([0, 1], der.indexOf(serial));
    return der;
  };
  const accepts = (kind: string, der: Uint8Array) =>
    pki.accepts([kind, "-inform", "DER", "-noout", "-in", pki.file(`${kind}.der`, der)]);
  const crl = pki.crl(root, { revoked: [{ certificate: leaf }] });
  assert.ok(accepts("crl", derOf(crl)) && accepts("x509", derOf(leaf.certificate)));
  assert.throws(() => readCrls(padded(crl), "x"), ModelSigningError);
  assert.ok(!accepts("crl", padded(crl)));
  assert.ok(!parseCertificate(padded(leaf.certificate)).ok);
  assert.ok(!accepts("x509", padded(leaf.certificate)));
});

test("readCrls() reads PEM and DER, and refuses other files", () => {
  using pki = new Pki();
  const root = pki.root({ extensions: CA_EXTENSIONS });
  const crl = pki.crl(root, {
    revoked: [{ certificate: pki.leaf(root), reason: "keyCompromise" }],
  });
  assert.equal(readCrls(readFileSync(crl), "x").length, 1);
  const der = derOf(crl);
  assert.equal(readCrls(der, "x").length, 1);
  const malformed = (error: unknown) =>
    error instanceof ModelSigningError && error.code === "CRL_MALFORMED";
  for (
    const content of [
      new Uint8Array(),
      Buffer.from("text"),
      readFileSync(root.certificate),
      derOf(root.certificate),
      der.subarray(0, -1),
      Uint8Array.of(...der, 0),
    ]
  ) assert.throws(() => readCrls(content, "x"), malformed);
  for (let index = 0; index < der.length; index += 3) {
    const changed = Uint8Array.from(der);
    changed[index]! ^= 0x55;
    try {
      readCrls(changed, "x");
    } catch (error) {
      assert.ok(malformed(error));
    }
  }
});
