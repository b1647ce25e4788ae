/** What every {@link Witness} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { generateKeyPairSync } from "node:crypto";
import type { Envelope } from "../bundle.ts";
import { parseBundle, writeBundle } from "../bundle.ts";
import { pae, PAYLOAD_TYPE } from "../dsse.ts";
import { ModelSigningError } from "../errors.ts";
import { keyHint, publicKeyDer, signBytes } from "../keys.ts";
import type { Evidence, Signed, Witness } from "../signer.ts";
import type { ContractCase } from "./case.ts";

const CONCURRENT = 4;

/**
 * The suite.
 *
 * @param open the witness under test; every case opens its own
 */
export function witnessContract(open: () => Promise<Witness>): readonly ContractCase[] {
  const cases: readonly (readonly [name: string, check: (witness: Witness) => Promise<void>])[] = [
    ["witness() gives evidence that a bundle can hold", givesEvidence],
    ["witness() leaves what it was given as it is", leavesInput],
    ["witness() can run several times at once", runsConcurrently],
    ["witness() ends with ABORTED when the signal has fired", endsWhenAborted],
  ];
  return cases.map(([name, check]) => ({ name, run: async () => await check(await open()) }));
}

async function givesEvidence(witness: Witness): Promise<void> {
  const subject = signedEnvelope("{}");
  assertBundled(subject, await witness.witness(subject.envelope, subject.signed, {}));
}

async function leavesInput(witness: Witness): Promise<void> {
  const { envelope, signed } = signedEnvelope("{}");
  const before = structuredClone({ envelope, signed });
  await witness.witness(envelope, signed, {});
  assert.deepEqual(structuredClone({ envelope, signed }), before);
}

async function runsConcurrently(witness: Witness): Promise<void> {
  const subjects = Array.from({ length: CONCURRENT }, (_, index) => signedEnvelope(`${index}`));
  const found = await Promise.all(
    subjects.map(({ envelope, signed }) => witness.witness(envelope, signed, {})),
  );
  found.forEach((evidence, index) => assertBundled(subjects[index]!, evidence));
}

async function endsWhenAborted(witness: Witness): Promise<void> {
  const { envelope, signed } = signedEnvelope("{}");
  await assert.rejects(
    async () => await witness.witness(envelope, signed, { signal: AbortSignal.abort() }),
    (error: unknown) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
}

/** An envelope with a signature that holds, by a key that nobody keeps. */
function signedEnvelope(
  text: string,
): { readonly envelope: Envelope; readonly signed: Signed } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const payload = Uint8Array.from(Buffer.from(text));
  const signature = Uint8Array.from(signBytes(privateKey, pae(PAYLOAD_TYPE, payload)));
  return {
    envelope: { payloadType: PAYLOAD_TYPE, payload, signature },
    signed: {
      signature,
      publicKey: Uint8Array.from(publicKeyDer(publicKey)),
      material: { kind: "public-key", hint: keyHint(publicKey) },
    },
  };
}

function assertBundled(
  { envelope, signed }: ReturnType<typeof signedEnvelope>,
  { tlogEntries = [], timestamps = [] }: Evidence,
): void {
  assert.ok(tlogEntries.length + timestamps.length > 0, "there is no evidence");
  const bundle = { material: signed.material, tlogEntries, timestamps, envelope };
  const read = parseBundle(writeBundle(bundle));
  assert.ok(read.ok, "the bundle with the evidence would be refused");
}
