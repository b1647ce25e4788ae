import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { pemBlocks } from "../../../plugins/_input/mod.ts";

function labels(text: string): readonly string[] {
  return pemBlocks(Buffer.from(text)).map(({ label }) => label);
}

const BLOCK = "-----BEGIN A-----\nQUJD\n-----END A-----\n";

test("pemBlocks() takes a block apart", () => {
  const [block] = pemBlocks(
    Buffer.from(
      "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00\r\n\r\n" +
        "QUJD\r\nREVG\r\n-----END RSA PRIVATE KEY-----\r\n",
    ),
  );
  assert.equal(block!.label, "RSA PRIVATE KEY");
  assert.deepEqual(block!.headers, { "proc-type": "4,ENCRYPTED", "dek-info": "AES-128-CBC,00" });
  assert.equal(Buffer.from(block!.der).toString(), "ABCDEF");
});

test("pemBlocks() finds every block, in order, with any text between", () => {
  assert.deepEqual(labels(`${BLOCK}text - -- ----- \n${BLOCK.replaceAll("A-", "B C-")}`), [
    "A",
    "B C",
  ]);
  assert.deepEqual(labels(BLOCK.repeat(3)), ["A", "A", "A"]);
});

test("pemBlocks() finds nothing in anything else", () => {
  for (
    const text of [
      "",
      "-----BEGIN A-----",
      "-----BEGIN A-----\n",
      "-----BEGIN A-----\nQUJD\n-----END B-----\n",
      "-----END A-----\n-----BEGIN A-----\n",
      "-----BEGIN a-----\nQUJD\n-----END a-----\n",
      "-----BEGIN A-----QUJD-----END A-----",
      "----BEGIN A----\nQUJD\n----END A----\n",
      "\0\xff",
    ]
  ) assert.deepEqual(labels(text), [], text);
});

test("pemBlocks() does not take one block's beginning with another's end", () => {
  assert.deepEqual(labels(`-----BEGIN B-----\nQUJD\n${BLOCK}`), ["A"]);
});

test("pemBlocks() takes time that grows with the size only", { timeout: 60_000 }, () => {
  // Searching the rest of the file for the end of each of these took minutes for a MiB.
  for (const line of ["-----BEGIN A-----\n", "-----BEGIN A", "-----END A-----\n", "-----", BLOCK]) {
    const text = line.repeat((8 * 1024 * 1024) / line.length);
    assert.equal(
      labels(text).length,
      line === BLOCK ? Math.floor(8 * 1024 * 1024 / line.length) : 0,
    );
  }
});
