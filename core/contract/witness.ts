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

/** What the suite needs of a witness that does not confirm every signature. */
export type WitnessTraits = {
  /** Makes the signatures that it confirms, such as those with a certificate. Default: with a bare EC P-256 key each. */
  sign?(pae: Uint8Array): Promise<Signed>;
};

/** Gives an envelope whose signature holds, another one for each text. */
type NewSubject = (text: string) => Promise<Subject>;

type Subject = { readonly envelope: Envelope; readonly signed: Signed };

/**
 * The suite.
 *
 * @param open the witness under test; every case opens its own
 */
export function witnessContract(
  open: () => Promise<Witness>,
  { sign = signWithBareKey }: WitnessTraits = {},
): readonly ContractCase[] {
  const cases: readonly (readonly [
    name: string,
    check: (witness: Witness, subject: NewSubject) => Promise<void>,
  ])[] = [
    ["witness() gives evidence that a bundle can hold", givesEvidence],
    ["witness() leaves what it was given as it is", leavesInput],
    ["witness() can run several times at once", runsConcurrently],
    ["witness() ends with ABORTED when the signal has fired", endsWhenAborted],
  ];
  const subject = async (text: string): Promise<Subject> => {
    const payload = Uint8Array.from(Buffer.from(text));
    const signed = await sign(pae(PAYLOAD_TYPE, payload));
    const { signature } = signed;
    return { envelope: { payloadType: PAYLOAD_TYPE, payload, signature }, signed };
  };
  return cases.map(([name, check]) => ({
    name,
    run: async () => await check(await open(), subject),
  }));
}

async function givesEvidence(witness: Witness, newSubject: NewSubject): Promise<void> {
  const subject = await newSubject("{}");
  assertBundled(subject, await witness.witness(subject.envelope, subject.signed, {}));
}

async function leavesInput(witness: Witness, newSubject: NewSubject): Promise<void> {
  const { envelope, signed } = await newSubject("{}");
  const before = structuredClone({ envelope, signed });
  await witness.witness(envelope, signed, {});
  assert.deepEqual(structuredClone({ envelope, signed }), before);
}

async function runsConcurrently(witness: Witness, newSubject: NewSubject): Promise<void> {
  const subjects = await Promise.all(
    Array.from({ length: CONCURRENT }, (_, index) => newSubject(`${index}`)),
  );
  const found = await Promise.all(
    subjects.map(({ envelope, signed }) => witness.witness(envelope, signed, {})),
  );
  found.forEach((evidence, index) => assertBundled(subjects[index]!, evidence));
}

async function endsWhenAborted(witness: Witness, newSubject: NewSubject): Promise<void> {
  const { envelope, signed } = await newSubject("{}");
  await assert.rejects(
    async () => await witness.witness(envelope, signed, { signal: AbortSignal.abort() }),
    (error: unknown) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
}

/** Signs with a key that nobody keeps. */
function signWithBareKey(bytes: Uint8Array): Promise<Signed> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return Promise.resolve({
    signature: Uint8Array.from(signBytes(privateKey, bytes)),
    publicKey: Uint8Array.from(publicKeyDer(publicKey)),
    material: { kind: "public-key", hint: keyHint(publicKey) },
  });
}

function assertBundled(
  { envelope, signed }: Subject,
  { tlogEntries = [], timestamps = [] }: Evidence,
): void {
  assert.ok(tlogEntries.length + timestamps.length > 0, "there is no evidence");
  const bundle = { material: signed.material, tlogEntries, timestamps, envelope };
  const read = parseBundle(writeBundle(bundle));
  assert.ok(read.ok, "the bundle with the evidence would be refused");
}
