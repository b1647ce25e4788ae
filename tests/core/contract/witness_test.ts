import assert from "node:assert/strict";
import { test } from "node:test";
import { witnessContract } from "../../../core/contract/mod.ts";
import { throwIfAborted } from "../../../core/errors.ts";
import type { Witness } from "../../../core/signer.ts";

async function failures(witness: Witness): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of witnessContract(() => Promise.resolve(witness))) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

const GOOD: Witness = {
  witness(_envelope, { signature }, { signal }) {
    return Promise.resolve().then(() => {
      throwIfAborted(signal);
      return { timestamps: [signature] };
    });
  },
};

test("witnessContract() passes a witness that keeps the contract", async () => {
  assert.deepEqual(await failures(GOOD), []);
});

test("witnessContract() finds one that gives nothing, writes into its input, or hears no signal", async () => {
  const nothing = await failures({ witness: () => Promise.resolve({}) });
  assert.ok(nothing.some((name) => name.includes("evidence")));
  const writing = await failures({
    witness(envelope, signed, options) {
      envelope.payload.fill(0);
      return GOOD.witness(envelope, signed, options);
    },
  });
  assert.ok(writing.some((name) => name.includes("leaves")));
  const deaf = await failures({
    witness: (_, { signature }) => Promise.resolve({ timestamps: [signature] }),
  });
  assert.deepEqual(deaf, ["witness() ends with ABORTED when the signal has fired"]);
});
