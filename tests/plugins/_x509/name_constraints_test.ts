/** Name constraints, each decided by OpenSSL too where OpenSSL applies the same rule. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encode, encodeSequence, readOnly, TAG } from "../../../plugins/_der/mod.ts";
import { CA_EXTENSIONS, derOf, type Issued, LEAF_EXTENSIONS, Pki } from "../../support/pki.ts";
import { load, outcome, pathFor } from "../../support/x509.ts";
import { nameConstraintProblem } from "../../../plugins/_x509/name_constraints.ts";

type Case = {
  /** Value of the CA's extension; `dir` stands for the section with O=Example. */
  readonly constraints: string;
  readonly subject?: string;
  /** Value of the leaf's subject alternative name, if it has one. */
  readonly names?: string;
  readonly allowed: boolean;
  /** Why OpenSSL decides otherwise. */
  readonly openssl?: string;
};

const DIRECTORY = [
  ...["[dir]", "O=Example", "[inside]", "O=Example", "CN=x", "[outside]", "O=Other"],
  ...["[spaced]", "O=Acme Corp"],
];

const cases: readonly Case[] = [
  // Domain names.
  { constraints: "permitted;DNS:example.com", names: "DNS:example.com", allowed: true },
  { constraints: "permitted;DNS:example.com", names: "DNS:A.EXAMPLE.com", allowed: true },
  { constraints: "permitted;DNS:example.com", names: "DNS:notexample.com", allowed: false },
  { constraints: "permitted;DNS:example.com", names: "DNS:example.com.evil", allowed: false },
  {
    constraints: "permitted;DNS:example.com",
    names: "DNS:example.com,DNS:other.org",
    allowed: false,
  },
  { constraints: "permitted;DNS:a.org,permitted;DNS:b.org", names: "DNS:x.b.org", allowed: true },
  { constraints: "permitted;DNS:.example.com", names: "DNS:a.example.com", allowed: true },
  { constraints: "excluded;DNS:example.com", names: "DNS:a.example.com", allowed: false },
  { constraints: "excluded;DNS:example.com", names: "DNS:other.org", allowed: true },
  {
    constraints: "excluded;DNS:example.com",
    names: "DNS:example.com.",
    allowed: false,
    openssl: "takes the trailing dot for another domain",
  },
  {
    constraints: "permitted;DNS:example.com,excluded;DNS:bad.example.com",
    names: "DNS:bad.example.com",
    allowed: false,
  },
  { constraints: "permitted;DNS:example.com", names: "email:a@other.org", allowed: true },
  // E-mail addresses.
  { constraints: "permitted;email:example.com", names: "email:a@example.com", allowed: true },
  { constraints: "permitted;email:example.com", names: "email:a@EXAMPLE.com", allowed: true },
  { constraints: "permitted;email:example.com", names: "email:a@b.example.com", allowed: false },
  { constraints: "permitted;email:.example.com", names: "email:a@b.example.com", allowed: true },
  { constraints: "permitted;email:.example.com", names: "email:a@example.com", allowed: false },
  { constraints: "permitted;email:a@example.com", names: "email:a@example.com", allowed: true },
  { constraints: "permitted;email:a@example.com", names: "email:b@example.com", allowed: false },
  { constraints: "permitted;email:a@example.com", names: "email:A@example.com", allowed: false },
  { constraints: "excluded;email:example.com", names: "email:a@example.com", allowed: false },
  {
    constraints: "permitted;email:example.com",
    subject: "/CN=x/emailAddress=a@other.org",
    allowed: false,
  },
  {
    constraints: "permitted;email:example.com",
    subject: "/CN=x/emailAddress=a@example.com",
    allowed: true,
  },
  {
    constraints: "permitted;email:example.com",
    subject: "/CN=a@other.org",
    allowed: false,
    openssl: "does not take a common name for an address",
  },
  // URIs: the host counts.
  { constraints: "permitted;URI:example.com", names: "URI:https://example.com/x", allowed: true },
  { constraints: "permitted;URI:example.com", names: "URI:https://a.example.com", allowed: false },
  { constraints: "permitted;URI:.example.com", names: "URI:https://a.example.com", allowed: true },
  {
    constraints: "permitted;URI:example.com",
    names: "URI:https://example.com:8080/",
    allowed: true,
  },
  {
    constraints: "permitted;URI:example.com",
    names: "URI:https://evil.org/example.com",
    allowed: false,
  },
  {
    constraints: "permitted;URI:example.com",
    names: "URI:https://example.com@evil.org/",
    allowed: false,
  },
  {
    constraints: "permitted;URI:example.com",
    names: "URI:https://user@example.com/",
    allowed: true,
    openssl: "does not take user information off",
  },
  { constraints: "excluded;URI:example.com", names: "URI:https://example.com/", allowed: false },
  { constraints: "excluded;URI:example.com", names: "URI:urn:example", allowed: false },
  {
    constraints: "excluded;URI:example.com",
    names: "URI:https://192.0.2.1/",
    allowed: false,
    openssl: "compares the address as text",
  },
  // Addresses.
  {
    constraints: "permitted;IP:192.0.2.0/255.255.255.0",
    names: "IP:192.0.2.77",
    allowed: true,
  },
  {
    constraints: "permitted;IP:192.0.2.0/255.255.255.0",
    names: "IP:192.0.3.77",
    allowed: false,
  },
  { constraints: "permitted;IP:192.0.2.0/255.255.255.0", names: "IP:2001:db8::1", allowed: false },
  {
    constraints: "excluded;IP:2001:db8::/ffff:ffff::",
    names: "IP:2001:db8::1",
    allowed: false,
  },
  // Directory names.
  { constraints: "permitted;dirName:dir", subject: "/O=example/CN=x", allowed: true },
  { constraints: "permitted;dirName:dir", subject: "/O=Other/CN=x", allowed: false },
  { constraints: "permitted;dirName:dir", subject: "/CN=x/O=Example", allowed: false },
  { constraints: "excluded;dirName:dir", subject: "/O=Example/CN=x", allowed: false },
  { constraints: "excluded;dirName:spaced", subject: "/O=Acme\tCorp/CN=x", allowed: false },
  {
    constraints: "excluded;dirName:spaced",
    subject: "/O=Acme\u00a0Corp/CN=x",
    allowed: false,
    openssl: "knows ASCII spaces only",
  },
  {
    constraints: "permitted;dirName:dir",
    subject: "/O=Example",
    names: "dirName:inside",
    allowed: true,
  },
  {
    constraints: "permitted;dirName:dir",
    subject: "/O=Example",
    names: "dirName:outside",
    allowed: false,
  },
  // Without alternative names the common name is the signer's name.
  { constraints: "permitted;DNS:example.com", subject: "/CN=evil.org", allowed: false },
  { constraints: "permitted;DNS:example.com", subject: "/CN=a.example.com", allowed: true },
  { constraints: "permitted;DNS:example.com", subject: "/CN=Model Signer", allowed: true },
  ...([
    ["permitted;DNS:example.com", "buildserver"],
    ["permitted;email:example.com", "x:y@evil.org"],
    ["permitted;URI:.example.com", "x:y@evil.org"],
    ["permitted;DNS:example.com", "*.evil.org"],
    ["permitted;DNS:example.com", "10.0.0.1"],
    ["permitted;URI:.example.com", "urn:other:org"],
    ["permitted;IP:192.168.0.0/255.255.0.0", "10.0.0.1"],
    ["permitted;IP:192.168.0.0/255.255.0.0", "2001:db8::1"],
    ["permitted;IP:2001:db8::/ffff:ffff::", "2001:db9::1"],
    ["permitted;IP:2001:db8::/ffff:ffff::", "fe80::1%eth0"],
    ["excluded;IP:2001:db8::/ffff:ffff::", "2001:db8:0::192.0.2.1"],
  ] as const).map(([constraints, name]) => ({
    ...{ constraints, subject: `/CN=${name}`, allowed: false },
    openssl: "takes a common name for nothing but a host name with a dot",
  })),
  ...([
    ["permitted;IP:192.168.0.0/255.255.0.0", "192.168.1.2"],
    ["permitted;IP:2001:db8::/ffff:ffff::", "2001:DB8:1::"],
    ["permitted;DNS:example.com", "*.a.example.com"],
  ] as const).map(([constraints, name]) => ({
    ...{ constraints, subject: `/CN=${name}`, allowed: true },
  })),
  // Forms that are not understood.
  {
    constraints: "permitted;otherName:1.2.3.4;UTF8:x",
    names: "otherName:1.2.3.4;UTF8:x",
    allowed: false,
  },
  { constraints: "excluded;RID:1.2.3", names: "RID:1.2.4", allowed: false },
  { constraints: "permitted;otherName:1.2.3.4;UTF8:x", names: "email:a@b.org", allowed: true },
];

for (const { constraints, subject = "/CN=x", names, allowed, openssl } of cases) {
  const who = [subject, ...(names === undefined ? [] : [names])].join(" ");
  test(`"${constraints}" ${allowed ? "allows" : "refuses"} ${who}`, async () => {
    using pki = new Pki();
    const root = pki.root({
      extensions: [...CA_EXTENSIONS, `nameConstraints=critical,${constraints}`, ...DIRECTORY],
    });
    const leaf = pki.leaf(root, {
      subject,
      extensions: [
        ...LEAF_EXTENSIONS,
        ...(names === undefined ? [] : [`subjectAltName=${names}`]),
        ...DIRECTORY,
      ],
    });
    const expected = allowed ? "ok" : "CERTIFICATE_CONSTRAINT";
    assert.equal(outcome(await pathFor(leaf, [root])), expected);
    if (openssl !== undefined) return;
    const accepted = pki.accepts(["verify", "-CAfile", root.certificate, leaf.certificate]);
    assert.equal(accepted, allowed, "OpenSSL decides otherwise");
  });
}

for (
  const [constraints, subject, value] of [
    ["excluded;dirName:spaced", "/O=Acme Corp/CN=x", "Acme Corp"],
    ["excluded;email:example.com", "/CN=x/emailAddress=a@example.com", "a@example.com"],
  ] as const
) {
  test(`"${constraints}" refuses ${subject} as a GeneralString`, async () => {
    using pki = new Pki();
    const root = pki.root({
      extensions: [...CA_EXTENSIONS, `nameConstraints=critical,${constraints}`, ...DIRECTORY],
    });
    const leaf = reissued(pki, pki.leaf(root, { subject }), root, (tbs) => {
      tbs[tbs.indexOf(value) - 2] = 0x1b;
    });
    assert.equal(outcome(await pathFor(leaf, [root])), "CERTIFICATE_CONSTRAINT");
    // OpenSSL does not even read such a name.
    assert.ok(!pki.accepts(["verify", "-CAfile", root.certificate, leaf.certificate]));
  });
}

/** The certificate with a changed content, signed by its issuer again. */
function reissued(pki: Pki, issued: Issued, issuer: Issued, change: (tbs: Buffer) => void): Issued {
  const certificate = readOnly(derOf(issued.certificate), TAG.sequence, "a certificate");
  const tbs = Buffer.from(certificate.read(TAG.sequence, "the signed part").whole);
  const algorithm = certificate.read(TAG.sequence, "the algorithm").whole;
  change(tbs);
  const signature = sign("sha256", tbs, readFileSync(issuer.key));
  const bits = encode(TAG.bitString, Buffer.of(0), signature);
  const der = encodeSequence(tbs, algorithm, bits);
  return { ...issued, certificate: pki.file("changed.der", der) };
}

test("name constraints of every CA on the path apply", async () => {
  using pki = new Pki();
  const constrained = (value: string) => ({
    extensions: [...CA_EXTENSIONS, `nameConstraints=${value}`],
  });
  const root = pki.root(constrained("permitted;DNS:example.com"));
  const ca = pki.intermediate(root, constrained("permitted;DNS:a.example.com"));
  const named = (name: string) =>
    pki.leaf(ca, { extensions: [...LEAF_EXTENSIONS, `subjectAltName=DNS:${name}`] });
  assert.equal(outcome(await pathFor(named("x.a.example.com"), [root], [ca])), "ok");
  const outside = named("b.example.com");
  assert.equal(outcome(await pathFor(outside, [root], [ca])), "CERTIFICATE_CONSTRAINT");
});

test("name constraints apply to CAs below, self-issued ones excepted", async () => {
  using pki = new Pki();
  const root = pki.root({
    subject: "/O=Root",
    extensions: [...CA_EXTENSIONS, "nameConstraints=permitted;dirName:dir", ...DIRECTORY],
  });
  const below = (subject: string) => {
    const ca = pki.intermediate(root, { subject });
    return pathFor(pki.leaf(ca, { subject: "/O=Example/CN=x" }), [root], [ca]);
  };
  assert.equal(outcome(await below("/O=Example/CN=CA")), "ok");
  assert.equal(outcome(await below("/O=Other/CN=CA")), "CERTIFICATE_CONSTRAINT");
  assert.equal(outcome(await below("/O=Root")), "ok");
});

test("name constraints of CAs that lead to no anchor are not looked at", async () => {
  using pki = new Pki();
  const stranger = pki.intermediate(pki.root(), {
    extensions: [...CA_EXTENSIONS, "nameConstraints=excluded;DNS:example.com"],
  });
  const leaf = pki.leaf(stranger, {
    extensions: [...LEAF_EXTENSIONS, "subjectAltName=DNS:example.com"],
  });
  assert.equal(outcome(await pathFor(leaf, [pki.root()], [stranger])), "CERTIFICATE_UNTRUSTED");
});

test("nameConstraintProblem() judges no host name that is longer than one can be", () => {
  using pki = new Pki();
  const leaf = load(pki.leaf(pki.root()));
  const base = { kind: "dns", text: "example.com" } as const;
  const problem = (length: number) => {
    const text = `${"a.".repeat(length)}example.com`.slice(-length);
    const names = { ...leaf, subjectAltNames: [{ kind: "dns", text } as const] };
    return nameConstraintProblem({ permitted: [base], excluded: [] }, names);
  };
  assert.equal(problem(253), undefined);
  assert.notEqual(problem(255), undefined);
});

test("nameConstraintProblem() refuses to compare a million names", () => {
  using pki = new Pki();
  const leaf = load(pki.leaf(pki.root()));
  const name = { kind: "dns", text: "a.example.com" } as const;
  const many = { ...leaf, subjectAltNames: Array.from({ length: 2000 }, () => name) };
  const base = { kind: "dns", text: "example.com" } as const;
  const permitted = Array.from({ length: 1000 }, () => base);
  assert.notEqual(nameConstraintProblem({ permitted, excluded: [] }, many), undefined);
  assert.equal(nameConstraintProblem({ permitted: [base], excluded: [] }, many), undefined);
});
