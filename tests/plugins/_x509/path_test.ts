/** Certification paths, each decided by OpenSSL too where OpenSSL applies the same rule. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SIGNATURE_CHECKS } from "../../../plugins/_x509/limits.ts";
import {
  type CheckedSignatures,
  findPath,
  type PathResult,
  PURPOSE,
} from "../../../plugins/_x509/mod.ts";
import { CA_EXTENSIONS, type Issued, type KeyType, Pki } from "../../support/pki.ts";
import { load, outcome, pathFor } from "../../support/x509.ts";

type Scene = {
  readonly leaf: Issued;
  readonly anchors: readonly Issued[];
  readonly intermediates?: readonly Issued[];
};

type Case = {
  readonly name: string;
  readonly build: (pki: Pki) => Scene;
  /** `ok` or the code of the finding. */
  readonly expected: string;
  /** Why OpenSSL (3.0, by default) decides otherwise. */
  readonly openssl?: string;
};

function messageOf(result: PathResult): string {
  assert.ok(result.path === undefined);
  return result.issue.message;
}

const DAY = 24 * 60 * 60 * 1000;

/** Of a leaf, without the key identifiers that an issuer of version 1 cannot give. */
const SIGNS = ["keyUsage=critical,digitalSignature"];

const NO_SIGN = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,cRLSign"];

/** Root, intermediate and leaf, with the given specifications. */
function threeLevels(
  pki: Pki,
  ca: Parameters<Pki["intermediate"]>[1] = {},
  leaf: Parameters<Pki["leaf"]>[1] = {},
  root: Parameters<Pki["root"]>[0] = {},
): Scene {
  const anchor = pki.root(root);
  const intermediate = pki.intermediate(anchor, ca);
  return { leaf: pki.leaf(intermediate, leaf), anchors: [anchor], intermediates: [intermediate] };
}

const KEYS: readonly KeyType[] = ["P-256", "P-384", "P-521", "RSA-2048", "Ed25519"];

const cases: readonly Case[] = [
  ...KEYS.map((key): Case => ({
    name: `a chain of ${key} keys`,
    build: (pki) => threeLevels(pki, { key }, { key }, { key }),
    expected: "ok",
  })),
  {
    // Only one: making such a key takes up to a second.
    name: "an anchor with an RSA-3072 key",
    build: (pki) => threeLevels(pki, {}, {}, { key: "RSA-3072" }),
    expected: "ok",
  },
  ...(["P-256", "P-384", "P-521", "RSA-2048"] as const).flatMap((key) =>
    (["sha256", "sha384", "sha512"] as const).map((digest): Case => ({
      name: `${key} signatures with ${digest}`,
      build: (pki) => threeLevels(pki, { key, digest }, { digest }, { key }),
      expected: "ok",
    }))
  ),
  ...(["sha256", "sha384", "sha512"] as const).map((digest): Case => ({
    name: `RSA-PSS signatures with ${digest} by an RSA key`,
    build: (pki) =>
      threeLevels(pki, { key: "RSA-2048", pss: true, digest }, { pss: true, digest }, {
        key: "RSA-2048",
      }),
    expected: "ok",
  })),
  {
    name: "a CA whose key is restricted to RSA-PSS",
    build: (pki) => threeLevels(pki, { key: "RSA-PSS" }, {}, { key: "RSA-PSS" }),
    expected: "ok",
  },
  {
    name: "a signature with SHA-1",
    build: (pki) => threeLevels(pki, { key: "RSA-2048" }, { digest: "sha1" }),
    expected: "CERTIFICATE_CONSTRAINT",
    openssl: "accepts SHA-1 at its default level for verify",
  },
  {
    name: "a CA with RSA of 1024 bits",
    build: (pki) => threeLevels(pki, { key: "RSA-1024" }),
    expected: "KEY_REFUSED",
    openssl: "has no such minimum by default",
  },
  {
    name: "a CA on secp256k1",
    build: (pki) => threeLevels(pki, { key: "secp256k1" }),
    expected: "KEY_REFUSED",
    openssl: "takes any curve",
  },
  {
    name: "a CA with Ed448",
    build: (pki) => threeLevels(pki, { key: "Ed448" }),
    // The leaf's own signature is by an algorithm that is not taken.
    expected: "CERTIFICATE_CONSTRAINT",
    openssl: "takes Ed448",
  },
  {
    name: "a leaf that is itself a trust anchor",
    build: (pki) => {
      const leaf = pki.root({ extensions: ["keyUsage=digitalSignature"] });
      return { leaf, anchors: [leaf] };
    },
    expected: "ok",
  },
  {
    name: "a leaf whose issuer is not known",
    build: (pki) => ({ leaf: pki.leaf(pki.root()), anchors: [pki.root()] }),
    expected: "CERTIFICATE_UNTRUSTED",
  },
  {
    name: "a CA of the right name with another key",
    build: (pki) => ({
      leaf: pki.leaf(pki.root({ subject: "/CN=same" })),
      anchors: [pki.root({ subject: "/CN=same" })],
    }),
    expected: "CERTIFICATE_UNTRUSTED",
  },
  {
    name: "two CAs of one name, the second of which is the issuer",
    build: (pki) => {
      const issuer = pki.root({ subject: "/CN=same" });
      // Without the hint, both must be tried.
      const leaf = pki.leaf(issuer, { extensions: ["keyUsage=digitalSignature"] });
      return { leaf, anchors: [pki.root({ subject: "/CN=same" }), issuer] };
    },
    expected: "ok",
  },
  {
    name: "a root that only came along",
    build: (pki) => {
      const root = pki.root();
      return { leaf: pki.leaf(root), anchors: [pki.root()], intermediates: [root] };
    },
    expected: "CERTIFICATE_UNTRUSTED",
  },
  {
    name: "a chain without its intermediate",
    build: (pki) => ({ ...threeLevels(pki), intermediates: [] }),
    expected: "CERTIFICATE_UNTRUSTED",
  },
  {
    name: "a leaf that has its issuer's name and CA:TRUE, and is not self-signed",
    build: (pki) =>
      threeLevels(pki, { subject: "/CN=intermediate-ca" }, {
        subject: "/CN=intermediate-ca",
        extensions: [
          "basicConstraints=critical,CA:TRUE",
          "keyUsage=critical,digitalSignature",
          "extendedKeyUsage=codeSigning",
        ],
      }),
    expected: "ok",
  },
  {
    name: "a leaf that issued another",
    build: (pki) => {
      const { leaf, anchors, intermediates = [] } = threeLevels(pki);
      return { leaf: pki.leaf(leaf), anchors, intermediates: [...intermediates, leaf] };
    },
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "a CA whose key usage lacks keyCertSign",
    build: (pki) => threeLevels(pki, { extensions: NO_SIGN }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "a trust anchor whose key usage lacks keyCertSign",
    build: (pki) => threeLevels(pki, {}, {}, { extensions: NO_SIGN }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "an intermediate without basic constraints",
    build: (pki) => threeLevels(pki, { extensions: ["keyUsage=keyCertSign"] }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "an intermediate of version 1",
    build: (pki) => threeLevels(pki, { extensions: [] }, { extensions: SIGNS }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "an intermediate of version 1 that has its issuer's name",
    build: (pki) =>
      threeLevels(
        pki,
        { extensions: [], subject: "/CN=same" },
        { extensions: SIGNS },
        { subject: "/CN=same" },
      ),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "a trust anchor of version 1",
    build: (pki) => threeLevels(pki, {}, {}, { extensions: [] }),
    expected: "ok",
  },
  {
    name: "a path length that is kept",
    build: (pki) =>
      threeLevels(pki, {}, {}, {
        extensions: ["basicConstraints=critical,CA:TRUE,pathlen:1", "keyUsage=keyCertSign"],
      }),
    expected: "ok",
  },
  {
    name: "a path length that is exceeded",
    build: (pki) =>
      threeLevels(pki, {}, {}, {
        extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=keyCertSign"],
      }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "a path length with a self-issued CA, which is not counted",
    build: (pki) => {
      const root = pki.root({ subject: "/CN=root" });
      const limited = pki.intermediate(root, {
        subject: "/CN=limited",
        extensions: ["basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=keyCertSign"],
      });
      const rolled = pki.intermediate(limited, { subject: "/CN=limited" });
      return { leaf: pki.leaf(rolled), anchors: [root], intermediates: [limited, rolled] };
    },
    expected: "ok",
  },
  {
    name: "an unknown critical extension of the leaf",
    build: (pki) =>
      threeLevels(pki, {}, {
        extensions: ["keyUsage=digitalSignature", "1.2.3.4=critical,ASN1:NULL"],
      }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "an unknown critical extension of a CA",
    build: (pki) =>
      threeLevels(pki, { extensions: [...CA_EXTENSIONS, "1.2.3.4=critical,ASN1:NULL"] }),
    expected: "CERTIFICATE_CONSTRAINT",
  },
  {
    name: "an unknown extension that is not critical",
    build: (pki) => threeLevels(pki, { extensions: [...CA_EXTENSIONS, "1.2.3.4=ASN1:NULL"] }),
    expected: "ok",
  },
  {
    name: "critical policy constraints, which are not processed",
    build: (pki) =>
      threeLevels(pki, {
        extensions: [...CA_EXTENSIONS, "policyConstraints=critical,requireExplicitPolicy:0"],
      }),
    expected: "CERTIFICATE_CONSTRAINT",
    openssl: "processes policies when asked to, and ignores them otherwise",
  },
  {
    name: "a CA for TLS servers only",
    build: (pki) =>
      threeLevels(pki, { extensions: [...CA_EXTENSIONS, "extendedKeyUsage=serverAuth"] }),
    expected: "CERTIFICATE_CONSTRAINT",
    openssl: "has no purpose for code signing before 3.2",
  },
  {
    name: "a CA for code signing, and one for any purpose",
    build: (pki) =>
      threeLevels(
        pki,
        { extensions: [...CA_EXTENSIONS, "extendedKeyUsage=codeSigning"] },
        {},
        { extensions: [...CA_EXTENSIONS, "extendedKeyUsage=anyExtendedKeyUsage"] },
      ),
    expected: "ok",
  },
  {
    name: "an expired leaf",
    build: (pki) => threeLevels(pki, {}, { from: -10, to: -1 }),
    expected: "CERTIFICATE_EXPIRED",
  },
  {
    name: "a leaf that is not valid yet",
    build: (pki) => threeLevels(pki, {}, { from: 1 }),
    expected: "CERTIFICATE_NOT_YET_VALID",
  },
  {
    name: "an expired intermediate",
    build: (pki) => threeLevels(pki, { from: -10, to: -1 }),
    expected: "CERTIFICATE_EXPIRED",
  },
  {
    name: "an expired trust anchor",
    build: (pki) => threeLevels(pki, {}, {}, { from: -10, to: -1 }),
    expected: "CERTIFICATE_EXPIRED",
  },
  {
    name: "an expired leaf that is itself a trust anchor",
    build: (pki) => {
      const leaf = pki.root({ from: -10, to: -1 });
      return { leaf, anchors: [leaf] };
    },
    expected: "CERTIFICATE_EXPIRED",
  },
  {
    name: "an expired intermediate beside its renewal",
    build: (pki) => {
      const root = pki.root();
      const old = pki.intermediate(root, { subject: "/CN=ca", from: -10, to: -1 });
      const renewed = pki.intermediate(root, { subject: "/CN=ca", key: { path: old.key } });
      return { leaf: pki.leaf(old), anchors: [root], intermediates: [old, renewed] };
    },
    expected: "ok",
  },
  {
    name: "a CA cross-signed by a trusted and an unknown root",
    build: (pki) => {
      const unknown = pki.root({ subject: "/CN=unknown" });
      const trusted = pki.root({ subject: "/CN=trusted" });
      const one = pki.intermediate(unknown, { subject: "/CN=ca" });
      const other = pki.intermediate(trusted, { subject: "/CN=ca", key: { path: one.key } });
      return { leaf: pki.leaf(one), anchors: [trusted], intermediates: [unknown, one, other] };
    },
    expected: "ok",
    openssl: "does not go back from the first issuer that fits",
  },
  {
    name: "two CAs that sign each other in a circle",
    build: (pki) => {
      const first = pki.root({ subject: "/CN=first" });
      const second = pki.root({ subject: "/CN=second" });
      const firstBySecond = pki.intermediate(second, {
        subject: "/CN=first",
        key: { path: first.key },
      });
      const secondByFirst = pki.intermediate(first, {
        subject: "/CN=second",
        key: { path: second.key },
      });
      return {
        leaf: pki.leaf(first),
        anchors: [pki.root()],
        intermediates: [firstBySecond, secondByFirst],
      };
    },
    expected: "CERTIFICATE_UNTRUSTED",
  },
];

for (const { name, build, expected, openssl } of cases) {
  test(`findPath() gives ${expected} for ${name}`, async () => {
    using pki = new Pki();
    const { leaf, anchors, intermediates = [] } = build(pki);
    assert.equal(outcome(await pathFor(leaf, anchors, intermediates)), expected);
    if (openssl !== undefined) return;
    const accepted = pki.accepts([
      ...["verify", "-CAfile", pki.bundle(...anchors.map(({ certificate }) => certificate))],
      ...(intermediates.length > 0
        ? ["-untrusted", pki.bundle(...intermediates.map(({ certificate }) => certificate))]
        : []),
      leaf.certificate,
    ]);
    assert.equal(accepted, expected === "ok", "OpenSSL decides otherwise");
  });
}

test("findPath() gives the path from the leaf to the anchor, whatever the order", async () => {
  using pki = new Pki();
  const root = pki.root();
  const first = pki.intermediate(root);
  const second = pki.intermediate(first);
  const leaf = pki.leaf(second);
  const expected = [leaf, second, first, root].map((issued) => load(issued).fingerprint);
  for (const others of [[first, second], [second, first], [root, second, leaf, first, first]]) {
    const { path } = await pathFor(leaf, [root], others);
    assert.deepEqual(path?.map(({ fingerprint }) => fingerprint), expected);
  }
});

test("findPath() judges validity at the time it is given, ends included", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -100, to: 100 });
  const leaf = pki.leaf(root, { from: -10, to: -5 });
  const { notBefore, notAfter } = load(leaf);
  const at = async (time: number) => outcome(await pathFor(leaf, [root], [], new Date(time)));
  assert.equal(await at(notBefore.getTime() - 1), "CERTIFICATE_NOT_YET_VALID");
  assert.equal(await at(notBefore.getTime()), "ok");
  assert.equal(await at(notAfter.getTime() + 999), "ok");
  assert.equal(await at(notAfter.getTime() + 1000), "CERTIFICATE_EXPIRED");
  assert.equal(await at(Date.now() - 200 * DAY), "CERTIFICATE_NOT_YET_VALID");
});

test("findPath() tells a path that is out of date from no path", async () => {
  using pki = new Pki();
  const { leaf, anchors, intermediates = [] } = threeLevels(pki, { from: -10, to: -1 });
  const result = await pathFor(leaf, anchors, intermediates);
  assert.equal(result.path?.length, 3);
});

test("findPath() refuses a chain of 17 certificates and takes one of 16", async () => {
  using pki = new Pki();
  const root = pki.root();
  const authorities = [root];
  for (let level = 0; level < 15; level++) authorities.push(pki.intermediate(authorities.at(-1)!));
  const fits = pki.leaf(authorities[14]!);
  const tooLong = pki.leaf(authorities[15]!);
  const intermediates = authorities.slice(1);
  assert.equal(outcome(await pathFor(fits, [root], intermediates)), "ok");
  assert.equal(outcome(await pathFor(tooLong, [root], intermediates)), "CERTIFICATE_UNTRUSTED");
});

test("findPath() gives up on many CAs of one name that sign each other", async () => {
  using pki = new Pki();
  const subject = "/CN=same";
  const authorities: Issued[] = [pki.root({ subject })];
  for (let count = 0; count < 24; count++) {
    authorities.push(pki.intermediate(authorities.at(-1)!, { subject }));
  }
  const leaf = pki.leaf(authorities.at(-1)!, { extensions: ["keyUsage=digitalSignature"] });
  const anchors = [pki.root()];
  const result = await pathFor(leaf, anchors, authorities);
  assert.equal(outcome(result), "CERTIFICATE_UNTRUSTED");
});

test("findPath() refuses a CA's extended key usage by the purpose it is given", async () => {
  using pki = new Pki();
  const root = pki.root({ extensions: [...CA_EXTENSIONS, "extendedKeyUsage=timeStamping"] });
  const leaf = load(pki.leaf(root));
  const material = { anchors: [load(root)], intermediates: [] };
  const at = new Date();
  const timeStamping = "1.3.6.1.5.5.7.3.8";
  assert.equal(outcome(await findPath(leaf, material, { at, purpose: timeStamping })), "ok");
  assert.equal(
    outcome(await findPath(leaf, material, { at, purpose: PURPOSE.codeSigning })),
    "CERTIFICATE_CONSTRAINT",
  );
});

test("findPath() verifies no signature again that searches before it have, and shares their limit", async () => {
  using pki = new Pki();
  const { leaf, anchors, intermediates = [] } = threeLevels(pki);
  const material = { anchors: anchors.map(load), intermediates: intermediates.map(load) };
  const options = { at: new Date(), purpose: PURPOSE.codeSigning };
  const checked: CheckedSignatures = new Map();
  for (let search = 0; search < 3; search++) {
    assert.equal(outcome(await findPath(load(leaf), material, { ...options, checked })), "ok");
    assert.equal(checked.size, 2);
  }
  const spent = new Map([...Array(MAX_SIGNATURE_CHECKS).keys()].map((n) => [String(n), false]));
  const late = await findPath(load(leaf), material, { ...options, checked: spent });
  assert.equal(outcome(late), "CERTIFICATE_UNTRUSTED");
  assert.equal(spent.size, MAX_SIGNATURE_CHECKS);
  assert.match(messageOf(late), /within 200 signature checks$/);
});

test("findPath() says which limit ended a walk through CAs that sign each other", async () => {
  using pki = new Pki();
  // Few enough for all their signatures to be checked.
  const count = 7;
  const authorities = [...Array(count).keys()].map((n) => pki.root({ subject: `/CN=CA ${n}` }));
  const intermediates = authorities.flatMap((issuer, from) =>
    authorities.flatMap(({ key }, to) =>
      [0, 3].includes((to - from + count) % count)
        ? []
        : [pki.intermediate(issuer, { subject: `/CN=CA ${to}`, key: { path: key } })]
    )
  );
  const found = await pathFor(pki.leaf(authorities[0]!), [pki.root()], intermediates);
  assert.equal(outcome(found), "CERTIFICATE_UNTRUSTED");
  assert.match(messageOf(found), /within 2000 steps from a certificate to an issuer$/);
});
