/** What every {@link Signer} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { pae, PAYLOAD_TYPE } from "../dsse.ts";
import { ModelSigningError } from "../errors.ts";
import { keyAlgorithm, publicKeyFromDer, verifyBytes } from "../keys.ts";
import type { Signed, Signer } from "../signer.ts";
import type { ContractCase } from "./case.ts";

/** About the statement of a model with 50,000 files: more than any signer may assume to fit somewhere. */
const LARGE_PAYLOAD_BYTES = 8 * 1024 * 1024;

const CONCURRENT = 8;

/** What signers differ in. */
export type SignerTraits = {
  /** True for a signer that makes a key for each signature. Default: it has one key. */
  readonly keyPerSignature?: boolean;
};

/**
 * The suite.
 *
 * @param open the signer under test; every case opens its own and disposes of it
 */
export function signerContract(
  open: () => Promise<Signer>,
  { keyPerSignature = false }: SignerTraits = {},
): readonly ContractCase[] {
  const cases: readonly (readonly [name: string, check: (signer: Signer) => Promise<void>])[] = [
    ["sign() makes a signature that holds under its public key", holds],
    ["sign() covers exactly the bytes it was given", coversExactly],
    ["sign() leaves the bytes it was given as they are", leavesInput],
    ["sign() signs an empty and a large payload", signsAnySize],
    keyPerSignature
      ? ["sign() can be repeated, with another key each time", repeatsWithNewKey]
      : ["sign() can be repeated, and names the same signer each time", repeats],
    ["sign() can run several times at once", runsConcurrently],
    ["sign() gives a public key of an accepted type", namesAcceptedKey],
    ["sign() ends with ABORTED when the signal has fired", endsWhenAborted],
    ["[Symbol.asyncDispose]() may be called twice", disposesTwice],
  ];
  return cases.map(([name, check]) => ({
    name,
    async run() {
      await using signer = await open();
      await check(signer);
    },
  }));
}

async function holds(signer: Signer): Promise<void> {
  const bytes = encoded("{}");
  assertHolds(await signer.sign(bytes, {}), bytes);
}

async function coversExactly(signer: Signer): Promise<void> {
  const bytes = encoded('{"predicate":1}');
  const signed = await signer.sign(bytes, {});
  const key = publicKeyFromDer(signed.publicKey);
  for (const index of [0, bytes.length >> 1, bytes.length - 1]) {
    const changed = Uint8Array.from(bytes);
    changed[index]! ^= 1;
    assert.ok(!verifyBytes(key, changed, signed.signature), `byte ${index} is not covered`);
  }
  assert.ok(!verifyBytes(key, bytes.subarray(0, -1), signed.signature), "the end is not covered");
  assert.ok(
    !verifyBytes(key, Buffer.concat([bytes, Buffer.of(0)]), signed.signature),
    "the signature holds for more than was given",
  );
}

async function leavesInput(signer: Signer): Promise<void> {
  const bytes = encoded("{}");
  const before = Uint8Array.from(bytes);
  await signer.sign(bytes, {});
  assert.deepEqual(bytes, before);
}

async function signsAnySize(signer: Signer): Promise<void> {
  for (const payload of ["", "x".repeat(LARGE_PAYLOAD_BYTES)]) {
    const bytes = encoded(payload);
    assertHolds(await signer.sign(bytes, {}), bytes);
  }
}

async function repeats(signer: Signer): Promise<void> {
  const [first, second] = await twice(signer);
  assert.deepEqual(second.publicKey, first.publicKey);
  assert.deepEqual(second.material, first.material);
}

async function repeatsWithNewKey(signer: Signer): Promise<void> {
  const [first, second] = await twice(signer);
  assert.notDeepEqual(second.publicKey, first.publicKey);
  assert.notDeepEqual(second.material, first.material);
}

async function twice(signer: Signer): Promise<readonly [Signed, Signed]> {
  const first = await signer.sign(encoded("1"), {});
  const second = await signer.sign(encoded("2"), {});
  assertHolds(first, encoded("1"));
  assertHolds(second, encoded("2"));
  return [first, second];
}

async function runsConcurrently(signer: Signer): Promise<void> {
  const payloads = Array.from({ length: CONCURRENT }, (_, index) => encoded(String(index)));
  const signed = await Promise.all(payloads.map((bytes) => signer.sign(bytes, {})));
  for (const [index, bytes] of payloads.entries()) assertHolds(signed[index]!, bytes);
}

async function namesAcceptedKey(signer: Signer): Promise<void> {
  const { publicKey } = await signer.sign(encoded("{}"), {});
  const found = keyAlgorithm(publicKeyFromDer(publicKey));
  assert.ok("algorithm" in found, "refused" in found ? found.refused : "");
}

async function endsWhenAborted(signer: Signer): Promise<void> {
  await assert.rejects(
    // Inside a function, so that throwing at once is as good as rejecting.
    async () => await signer.sign(encoded("{}"), { signal: AbortSignal.abort() }),
    (error: unknown) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
}

async function disposesTwice(signer: Signer): Promise<void> {
  await signer[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
}

function assertHolds(signed: Signed, bytes: Uint8Array): void {
  assert.ok(
    verifyBytes(publicKeyFromDer(signed.publicKey), bytes, signed.signature),
    "the signature does not hold",
  );
}

function encoded(payload: string): Uint8Array {
  return Uint8Array.from(pae(PAYLOAD_TYPE, Buffer.from(payload)));
}
