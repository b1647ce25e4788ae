import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { ModelSigningError } from "../../../core/errors.ts";
import { parsePkcs11Uri, type Pkcs11Uri } from "../../../plugins/pkcs11/uri.ts";

/** What a URI says, without what it does not say. */
function read(uri: string): Record<string, unknown> {
  const parsed = parsePkcs11Uri(uri);
  const said = Object.entries(parsed).filter(([name, value]) =>
    value !== undefined && (name !== "ignored" || parsed.ignored.length > 0)
  );
  return Object.fromEntries(said);
}

function refusal(uri: string): ModelSigningError {
  try {
    parsePkcs11Uri(uri);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, "USAGE_PKCS11_URI");
    return error;
  }
  assert.fail(`accepted: ${uri}`);
}

const bytes = (...values: number[]) => Buffer.from(values);

test("parsePkcs11Uri() reads every attribute of RFC 7512", () => {
  const path = "token=t;manufacturer=m;model=o;serial=s;library-manufacturer=lm;" +
    "library-description=ld;library-version=2.61;slot-id=42;slot-description=sd;" +
    "slot-manufacturer=sm;object=key;id=%01%ff;type=private";
  const { pinValue, ...said } = read(
    `pkcs11:${path}?module-name=softhsm2&module-path=/usr/lib&pin-value=1234`,
  );
  assert.deepEqual(said, {
    token: "t",
    manufacturer: "m",
    model: "o",
    serial: "s",
    libraryManufacturer: "lm",
    libraryDescription: "ld",
    libraryVersion: { major: 2, minor: 61 },
    slotId: 42n,
    slotDescription: "sd",
    slotManufacturer: "sm",
    object: "key",
    id: bytes(1, 255),
    moduleName: "softhsm2",
    modulePath: "/usr/lib",
  });
  assert.equal((pinValue as Pkcs11Uri["pinValue"])?.reveal(), "1234");
});

const ACCEPTED: readonly (readonly [string, Record<string, unknown>])[] = [
  ["pkcs11:", {}],
  ["PKCS11:object=a", { object: "a" }],
  ["pkcs11:?", {}],
  ["pkcs11:token=", { token: "" }],
  ["pkcs11:token=The%20Software%20PKCS%2311%20Softtoken", {
    token: "The Software PKCS#11 Softtoken",
  }],
  ["pkcs11:object=f%C3%BCr%20alle", { object: "für alle" }],
  ["pkcs11:object=:[]@!$'()*+,=&-._~", { object: ":[]@!$'()*+,=&-._~" }],
  ["pkcs11:id=plain", { id: Buffer.from("plain") }],
  ["pkcs11:id=%00%Fe", { id: bytes(0, 254) }],
  ["pkcs11:library-version=3", { libraryVersion: { major: 3, minor: 0 } }],
  ["pkcs11:slot-id=18446744073709551615", { slotId: (1n << 64n) - 1n }],
  ["pkcs11:?pin-source=file:/etc/pin", { pinSource: "file:/etc/pin" }],
  ["pkcs11:?pin-source=|/usr/bin/pin", { pinSource: "|/usr/bin/pin" }],
  ["pkcs11:?module-path=/a?b/c%26d", { modulePath: "/a?b/c&d" }],
  ["pkcs11:?x-muppet=cookie%5Emonster!&module-name=a", {
    moduleName: "a",
    ignored: ["x-muppet"],
  }],
];

for (const [uri, said] of ACCEPTED) {
  test(`parsePkcs11Uri() takes ${uri}`, () => {
    assert.deepEqual(read(uri), said);
  });
}

const REFUSED: Readonly<Record<string, string>> = {
  "another scheme": "pkcs12:token=a",
  "no scheme": "token=a",
  "an empty string": "",
  "an unknown attribute": "pkcs11:tokn=a",
  "a vendor's attribute in the path": "pkcs11:token=a;x-vendor=b",
  "an unknown attribute in the query": "pkcs11:token=a?pin-sorce=b",
  "a repeated attribute": "pkcs11:token=a;token=a",
  "a repeated attribute in the query": "pkcs11:?module-name=a&module-name=a",
  "an attribute with another case": "pkcs11:Token=a",
  "a query attribute in the path": "pkcs11:module-name=a",
  "a path attribute in the query": "pkcs11:?token=a",
  "an attribute without a value": "pkcs11:token",
  "an attribute without a name": "pkcs11:=a",
  "an empty attribute": "pkcs11:token=a;;object=b",
  "a separator at the end": "pkcs11:token=a;",
  "a percent sign alone": "pkcs11:token=100%",
  "a percent sign before one digit": "pkcs11:token=%4",
  "a percent sign before other letters": "pkcs11:token=%zz",
  "a percent sign before a sign": "pkcs11:token=%+1",
  "a space": "pkcs11:token=a b",
  "a newline": "pkcs11:token=a\n",
  "a slash in the path": "pkcs11:object=a/b",
  "a fragment": "pkcs11:token=a#b",
  "a query that begins with &": "pkcs11:object=a&module-name=b",
  "a query whose attributes are separated by ;": "pkcs11:?module-name=a;pin-source=b",
  "a query within the query": "pkcs11:?module-path=/a?module-name=b",
  "a letter that is not ASCII": "pkcs11:token=ü",
  "a label that is not UTF-8": "pkcs11:token=%ff",
  "an overlong UTF-8 form": "pkcs11:token=%c0%80",
  "a NUL character": "pkcs11:token=a%00",
  "a slot-id that is no number": "pkcs11:slot-id=0x1",
  "a slot-id of more than 64 bits": "pkcs11:slot-id=18446744073709551616",
  "a library-version that is none": "pkcs11:library-version=2.",
  "a library-version of more than a byte": "pkcs11:library-version=2.256",
  "the type of a certificate": "pkcs11:object=a;type=cert",
  "a type that does not exist": "pkcs11:object=a;type=privat",
  "two sources of the PIN": "pkcs11:?pin-value=1&pin-source=/b",
  "far too many bytes": `pkcs11:object=${"a".repeat(20_000)}`,
};

for (const [what, uri] of Object.entries(REFUSED)) {
  test(`parsePkcs11Uri() refuses ${what}`, () => {
    assert.ok(refusal(uri).message.length < 1000);
  });
}

test("parsePkcs11Uri() repeats no PIN in what it says", () => {
  const PIN = "271828";
  for (
    const uri of [
      `pkcs11:token=a?pin-value=${PIN}%`,
      `pkcs11:token=a?pin-value=${PIN} `,
      `pkcs11:token=a?pin-value=${PIN}&pin-value=${PIN}`,
      `pkcs11:token=a?pin-value=${PIN}&pin-source=b`,
      `pkcs11:token=a?pin-value=%ff${PIN}`,
      `pkcs11:token=a?pin-value=a&${PIN}`,
      `pkcs11:token=a?pin-value=a&${PIN}=`,
      `pkcs11:token=a;pin-value=${PIN}`,
      `pkcs11:token=a&pin-value=${PIN}`,
      `pkcs11:token=a&pin=${PIN}?module-name=a`,
      `pkcs11:token=a?module-name=a;pin-value=${PIN}`,
      `pkcs11:token=a?module-name=a;pin=${PIN}`,
      `pkcs11:token=a?module-path=/a?pin-value=${PIN}`,
      `pkcs11:token=a?module-path=/a/${PIN}#`,
      `token=a?pin-value=${PIN}`,
    ]
  ) {
    const { message, hint } = refusal(uri);
    assert.ok(!`${message}${hint}`.includes(PIN), message);
  }
});

test("parsePkcs11Uri() undoes any percent-encoding", () => {
  const encoded = (value: Uint8Array) =>
    [...value].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (label, id) => {
    fc.pre(!label.includes("\0"));
    const parsed = parsePkcs11Uri(`pkcs11:object=${encoded(Buffer.from(label))};id=${encoded(id)}`);
    assert.equal(parsed.object, label);
    assert.deepEqual([...parsed.id!], [...id]);
  }));
});

test("parsePkcs11Uri() gives a URI or a fault for any text", () => {
  fc.assert(fc.property(fc.string(), fc.string(), (path, query) => {
    try {
      parsePkcs11Uri(`pkcs11:${path}?${query}`);
    } catch (error) {
      assert.ok(error instanceof ModelSigningError, String(error));
    }
  }));
});
