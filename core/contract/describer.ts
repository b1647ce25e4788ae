/** What every {@link Describer} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import type { Bundle } from "../bundle.ts";
import type { Describer, Description } from "../verifier.ts";
import type { ContractCase } from "./case.ts";
import { flipped, hostileMaterials } from "./materials.ts";

/** What the suite needs. */
export type DescriberContractSubject = {
  readonly describer: Describer;
  /** The id of the verifier that the describer belongs to. */
  readonly method: string;
  /** A bundle whose material is of that method. */
  readonly bundle: Bundle;
};

/** A describer may have to start a program for each. */
const DAMAGES = 8;

/** The suite. */
export function describerContract(subject: DescriberContractSubject): readonly ContractCase[] {
  const cases: readonly (readonly [
    name: string,
    check: (subject: DescriberContractSubject) => Promise<void>,
  ])[] = [
    ["describe() tells of the bundle, the same twice and at the same time", isRepeatable],
    ["describe() looks at the material alone", ignoresEnvelope],
    ["describe() tells nothing, or what it can, of any material, and never throws", survives],
    ["describe() leaves the bundle as it is", leavesBundle],
  ];
  return cases.map(([name, check]) => ({ name, run: () => check(subject) }));
}

async function isRepeatable(subject: DescriberContractSubject): Promise<void> {
  const first = await describeWellFormed(subject, subject.bundle);
  assert.ok(first, "a bundle of its own method is not described");
  const others = await Promise.all([
    describeWellFormed(subject, subject.bundle),
    describeWellFormed(subject, subject.bundle),
  ]);
  for (const other of others) assert.deepEqual(other, first);
}

async function ignoresEnvelope(subject: DescriberContractSubject): Promise<void> {
  const { bundle } = subject;
  const { payload, signature } = bundle.envelope;
  const expected = await describeWellFormed(subject, bundle);
  for (const changed of [{ signature: flipped(signature, 0) }, { payload: flipped(payload, 0) }]) {
    const envelope = { ...bundle.envelope, ...changed };
    assert.deepEqual(await describeWellFormed(subject, { ...bundle, envelope }), expected);
  }
}

async function survives(subject: DescriberContractSubject): Promise<void> {
  for (const material of hostileMaterials(subject.bundle.material, DAMAGES)) {
    await describeWellFormed(subject, { ...subject.bundle, material });
  }
}

async function leavesBundle(subject: DescriberContractSubject): Promise<void> {
  const { bundle } = subject;
  const before = structuredClone(bundle);
  await describeWellFormed(subject, bundle);
  assert.deepEqual(structuredClone(bundle), before);
}

/** Describes, and checks what every description must be. */
async function describeWellFormed(
  { describer, method }: DescriberContractSubject,
  bundle: Bundle,
): Promise<Description | undefined> {
  const description = await describer.describe(bundle, {});
  if (description === undefined) return undefined;
  assert.equal(description.method, method, "a describer speaks for its own method");
  for (const [label, text] of description.fields) {
    assert.notEqual(label, "", "a field has no label");
    assert.equal(typeof text, "string", `field ${label} has no text`);
  }
  assert.ok(Array.isArray(description.certificates), "there is no list of certificates");
  return description;
}
