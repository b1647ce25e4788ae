import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { legacyPae, pae } from "../../core/dsse.ts";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** `repr(bytes)` of the real Python, for each of many payloads. */
function pythonRepr(payloads: readonly Uint8Array[]): readonly string[] {
  const script = "import sys\nfor line in sys.stdin: print(repr(bytes.fromhex(line.strip())))";
  const input = payloads.map((payload) => `${Buffer.from(payload).toString("hex")}\n`).join("");
  const { stdout, status } = spawnSync("python3", ["-c", script], { input });
  assert.equal(status, 0);
  return stdout.toString("ascii").split("\n").slice(0, -1);
}

test("pae() encodes the example of the DSSE protocol", () => {
  const encoded = pae("http://example.com/HelloWorld", Buffer.from("hello world"));
  assert.equal(
    Buffer.from(encoded).toString(),
    "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  );
});

test("pae() counts bytes, and leaves the payload as it is", () => {
  const encoded = Buffer.from(pae("é", ALL_BYTES));
  const head = Buffer.from("DSSEv1 2 é 256 ");
  assert.deepEqual(encoded.subarray(0, head.length), head);
  assert.deepEqual(encoded.subarray(head.length), Buffer.from(ALL_BYTES));
});

test("pae() takes an empty payload", () => {
  assert.equal(Buffer.from(pae("t", new Uint8Array())).toString(), "DSSEv1 1 t 0 ");
});

test("legacyPae() writes the payload as Python prints bytes", () => {
  const payloads = [
    ALL_BYTES,
    ...["", "a", "it's", 'say "x"', `it's "x"`, "\\", "\\'", "\n\r\t\0\x7f", "é\u{1f600}"].map((
      text,
    ) => Buffer.from(text)),
    ...fc.sample(fc.uint8Array({ maxLength: 40 }), { numRuns: 200, seed: 7 }),
  ];
  const expected = pythonRepr(payloads);
  for (const [index, payload] of payloads.entries()) {
    assert.equal(
      Buffer.from(legacyPae("type", payload)).toString("latin1"),
      `DSSEV1 4 type ${payload.length} ${expected[index]}`,
    );
  }
});

test(
  "legacyPae() takes a payload whose encoding is longer than any string",
  { timeout: 60_000 },
  () => {
    const payload = new Uint8Array(136 * 1024 * 1024).fill(0xff);
    const encoded = legacyPae("t", payload);
    assert.equal(encoded.length, "DSSEV1 1 t 142606336 b''".length + 4 * payload.length);
    assert.equal(Buffer.from(encoded.subarray(-5)).toString("latin1"), "\\xff'");
  },
);
