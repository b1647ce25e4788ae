import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { DerReader } from "../../../plugins/_der/mod.ts";
import { isWithin, type Name, nameKey, nameText, parseName } from "../../../plugins/_x509/name.ts";
import { Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";

const UTF8 = 0x0c;
const PRINTABLE = 0x13;
const GENERAL = 0x1b;
const BMP = 0x1e;
const CN = "550403";
const O = "55040a";

function tlv(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content);
  // In as few bytes as it takes.
  const digits = body.length.toString(16);
  const bytes = Buffer.from(digits.padStart(digits.length + digits.length % 2, "0"), "hex");
  const length = body.length < 0x80 ? [body.length] : [0x80 | bytes.length, ...bytes];
  return new Uint8Array(Buffer.concat([Buffer.of(tag, ...length), body]));
}

/** One attribute: identifier in hex, string type, value. */
type Part = readonly [id: string, tag: number, value: string | Uint8Array];

function name(...rdns: readonly (readonly Part[])[]): Name {
  const der = tlv(
    0x30,
    ...rdns.map((rdn) =>
      tlv(
        0x31,
        ...rdn.map(([id, tag, value]) =>
          tlv(0x30, tlv(0x06, Buffer.from(id, "hex")), tlv(tag, Buffer.from(value as string)))
        ),
      )
    ),
  );
  return parseName(new DerReader(der).next("a name"));
}

for (
  const subject of [
    "/CN=plain",
    "/C=US/O=Example, Inc./OU=a+b/CN=signer",
    '/O=quote " backslash \\\\ <angle>; =/CN=# hash first',
    "/O= leading and trailing /CN=x",
    "/DC=com/DC=example/UID=me/emailAddress=a@b.c",
    "/serialNumber=42/ST=State/L=Town/CN=Grüße 漢字",
  ]
) {
  test(`nameText() writes ${subject} as OpenSSL does`, () => {
    using pki = new Pki();
    const root = pki.root({ subject });
    const expected = pki.openssl([
      ...["x509", "-in", root.certificate, "-noout", "-subject"],
      ...["-nameopt", "esc_2253,utf8,sep_comma_plus,dn_rev,sname"],
    ]).replace(/^subject=/, "").replace(/\n$/, "");
    assert.equal(nameText(load(root).subject), expected);
  });
}

test("nameText() writes unknown types and undecodable values in hexadecimal", () => {
  assert.equal(nameText(name([["2a0304", PRINTABLE, "x"]])), "1.2.3.4=#130178");
  assert.equal(nameText(name([[CN, UTF8, Uint8Array.of(0xff)]])), "CN=#0C01FF");
  assert.equal(nameText(name([[CN, 0x02, Uint8Array.of(5)]])), "CN=#020105");
  assert.equal(nameText(name([[CN, UTF8, "a\0b"]])), "CN=a\\00b");
});

test("nameKey() is equal for names that RFC 5280 7.1 calls equal", () => {
  const key = nameKey(name([[O, UTF8, "Example Inc"]], [[CN, UTF8, "x"]]));
  const bmp = Uint8Array.of(0, 0x78);
  assert.equal(nameKey(name([[O, PRINTABLE, "EXAMPLE   inc "]], [[CN, PRINTABLE, "X"]])), key);
  assert.equal(nameKey(name([[O, UTF8, "Example Inc"]], [[CN, BMP, bmp]])), key);
  assert.equal(
    nameKey(name([[O, UTF8, "b"], [CN, UTF8, "a"]])),
    nameKey(name([[CN, UTF8, "a"], [O, UTF8, "b"]])),
  );
  // Cases of a letter, one that is two in the other case, two forms of one letter, widths, composition.
  for (
    const [left, right] of [
      ["Éa", "éA"],
      ["Straße", "STRASSE"],
      ["ΛΟΓΟΣ", "λογος"],
      ["ＡＣＭＥ", "acme"],
      ["e\u0301", "é"],
    ] as const
  ) assert.equal(nameKey(name([[O, UTF8, left]])), nameKey(name([[O, UTF8, right]])), left);
});

/** The lists of RFC 4518 2.2: first and last code point. */
const TO_SPACE = [
  ...[[0x09, 0x0d], [0x85, 0x85], [0x20, 0x20], [0xa0, 0xa0], [0x1680, 0x1680], [0x2000, 0x200a]],
  ...[[0x2028, 0x2029], [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000]],
] as const;
const TO_NOTHING = [
  ...[[0xad, 0xad], [0x1806, 0x1806], [0x34f, 0x34f], [0x180b, 0x180d], [0xfe00, 0xfe0f]],
  ...[[0xfffc, 0xfffc], [0x00, 0x08], [0x0e, 0x1f], [0x7f, 0x84], [0x86, 0x9f], [0x6dd, 0x6dd]],
  ...[[0x70f, 0x70f], [0x180e, 0x180e], [0x200b, 0x200f], [0x202a, 0x202e], [0x2060, 0x2063]],
  ...[[0x206a, 0x206f], [0xfeff, 0xfeff], [0xfff9, 0xfffb], [0x1d173, 0x1d17a]],
  ...[[0xe0001, 0xe0001], [0xe0020, 0xe007f]],
] as const;

test("nameKey() takes every space of RFC 4518 2.2 for a space, and what is invisible for nothing", () => {
  const keyOf = (text: string) => nameKey(name([[O, UTF8, text]]));
  for (const [ranges, same] of [[TO_SPACE, "Acme Corp"], [TO_NOTHING, "AcmeCorp"]] as const) {
    for (const [first, last] of ranges) {
      for (let code = first!; code <= last!; code++) {
        const character = String.fromCodePoint(code);
        assert.equal(keyOf(`Acme${character}Corp`), keyOf(same), code.toString(16));
        assert.equal(keyOf(`${character}x${character}`), keyOf("x"), code.toString(16));
      }
    }
  }
});

test("nameKey() compares long texts as they are encoded, also such as are hard to prepare", () => {
  const keyOf = (text: string) => nameKey(name([[O, UTF8, text]]));
  assert.equal(keyOf("x".repeat(1024)), keyOf("X".repeat(1024)));
  assert.notEqual(keyOf("x".repeat(1025)), keyOf("X".repeat(1025)));
  assert.equal(keyOf("x".repeat(1025)), keyOf("x".repeat(1025)));
  const marks = `a${"\u0345".repeat(16_000)}${"\u0334".repeat(16_000)}`;
  assert.equal(new Set(Array.from({ length: 60 }, () => keyOf(marks))).size, 1);
});

test("nameKey() tells names apart by structure, order, type and content", () => {
  const key = nameKey(name([[O, UTF8, "a"]], [[CN, UTF8, "b"]]));
  for (
    const other of [
      name([[O, UTF8, "a"], [CN, UTF8, "b"]]),
      name([[CN, UTF8, "b"]], [[O, UTF8, "a"]]),
      name([[O, UTF8, "a"]], [[O, UTF8, "b"]]),
      name([[O, UTF8, "a"]], [[CN, UTF8, "c"]]),
      name([[O, UTF8, "a"]]),
      name([[O, UTF8, "a"]], [[CN, UTF8, "b"]], [[CN, UTF8, "b"]]),
      name(),
    ]
  ) assert.notEqual(nameKey(other), key);
  for (const [left, right] of [["É", "E"], ["ı", "i"], ["a\ue000", "a"], ["a b", "ab"]] as const) {
    assert.notEqual(nameKey(name([[CN, UTF8, left]])), nameKey(name([[CN, UTF8, right]])), left);
  }
});

test("isWithin() compares whole relative distinguished names from the top", () => {
  const base = name([[O, UTF8, "a"]]);
  assert.ok(isWithin(name([[O, PRINTABLE, "A"]], [[CN, UTF8, "x"]]), base));
  assert.ok(isWithin(base, base));
  assert.ok(isWithin(base, name()));
  assert.ok(!isWithin(name([[CN, UTF8, "x"]], [[O, UTF8, "a"]]), base));
  assert.ok(!isWithin(name([[O, UTF8, "ab"]]), base));
  assert.ok(!isWithin(name([[O, UTF8, "a"], [CN, UTF8, "x"]]), base));
  assert.ok(!isWithin(name(), base));
});

test("isWithin() leaves open what a value without comparable text decides", () => {
  const base = name([[O, UTF8, "a"]], [["55040b", UTF8, "b"]]);
  const general = (id: string, value: string) => [[id, GENERAL, value]] as const;
  const unit = [["55040b", UTF8, "b"]] as const;
  assert.equal(isWithin(name(general(O, "a"), unit), base), undefined);
  assert.equal(isWithin(name([[O, UTF8, "a\ue000"]], unit), base), undefined);
  assert.equal(isWithin(name([[O, UTF8, "a"]], unit), name(general(O, "a"))), undefined);
  assert.equal(isWithin(name(general(O, "a"), unit), name(general(O, "a"))), true);
  assert.equal(isWithin(name([[O, UTF8, "a"]], unit, general(CN, "x")), base), true);
  assert.equal(isWithin(name(general(O, "a")), base), false, "too short");
  assert.equal(isWithin(name(general(O, "a"), [["55040b", UTF8, "c"]]), base), false);
});
