/** What every {@link Verifier} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import type { Bundle } from "../bundle.ts";
import { PIPELINE_CHECKS } from "../check.ts";
import type { Identity, SignatureVerification, Verifier } from "../verifier.ts";
import type { ContractCase } from "./case.ts";
import { flipped, hostileMaterials } from "./materials.ts";

/** What the suite needs. */
export type VerifierContractSubject = {
  /** The verifier under test, with a policy that accepts `bundle`; every case opens its own. */
  open(): Promise<Verifier>;
  /** A bundle that the verifier accepts. */
  readonly bundle: Bundle;
};

/** A member that an identity of each kind has, and no other. */
const MEMBERS: Readonly<Record<Identity["kind"], string>> = {
  key: "keyHint",
  certificate: "certificate",
  named: "name",
};

/** Places in which a certificate is damaged. */
const DAMAGES = 64;

/** The suite. */
export function verifierContract(subject: VerifierContractSubject): readonly ContractCase[] {
  const cases: readonly (readonly [
    name: string,
    check: (verifier: Verifier, bundle: Bundle) => Promise<void>,
  ])[] = [
    ["verify() accepts the bundle and gives an identity", accepts],
    ["verify() gives the same twice and at the same time", isRepeatable],
    ["verify() refuses a signature with any bit changed", refusesOtherSignature],
    ["verify() refuses an empty, cut or longer signature", refusesSignatureOfOtherLength],
    ["verify() refuses a payload with any bit changed", refusesOtherPayload],
    ["verify() refuses an empty payload", refusesEmptyPayload],
    ["verify() refuses material that is not its own", refusesForeignMaterial],
    ["verify() gives checks for material of any bytes, and never throws", survivesHostileMaterial],
    ["verify() leaves the bundle as it is", leavesBundle],
  ];
  return cases.map(([name, check]) => ({
    name,
    run: async () => await check(await subject.open(), subject.bundle),
  }));
}

async function accepts(verifier: Verifier, bundle: Bundle): Promise<void> {
  const result = await verifyWellFormed(verifier, bundle);
  const failures = result.checks.filter(({ status }) => status === "failed");
  assert.deepEqual(failures, []);
  assert.ok(result.identity, "an accepted bundle has no identity");
  const { kind } = result.identity;
  assert.ok(
    MEMBERS[kind] in result.identity,
    `an identity of kind ${kind} has none of its members`,
  );
  assert.equal(result.encoding, "standard");
}

async function isRepeatable(verifier: Verifier, bundle: Bundle): Promise<void> {
  const statuses = ({ checks }: SignatureVerification) =>
    checks.map(({ id, status }) => [id, status]);
  const first = await verifyWellFormed(verifier, bundle);
  const others = await Promise.all([
    verifyWellFormed(verifier, bundle),
    verifyWellFormed(verifier, bundle),
  ]);
  for (const other of others) {
    assert.deepEqual(statuses(other), statuses(first));
    assert.deepEqual(other.identity, first.identity);
  }
}

async function refusesOtherSignature(verifier: Verifier, bundle: Bundle): Promise<void> {
  const { signature } = bundle.envelope;
  for (const index of [0, signature.length >> 1, signature.length - 1]) {
    await assertRefused(verifier, withSignature(bundle, flipped(signature, index)));
  }
}

async function refusesSignatureOfOtherLength(verifier: Verifier, bundle: Bundle): Promise<void> {
  const { signature } = bundle.envelope;
  await assertRefused(verifier, withSignature(bundle, new Uint8Array()));
  await assertRefused(verifier, withSignature(bundle, signature.subarray(0, -1)));
  await assertRefused(verifier, withSignature(bundle, Uint8Array.of(...signature, 0)));
}

async function refusesOtherPayload(verifier: Verifier, bundle: Bundle): Promise<void> {
  const { payload } = bundle.envelope;
  for (const index of [0, payload.length >> 1, payload.length - 1]) {
    await assertRefused(verifier, withPayload(bundle, flipped(payload, index)));
  }
}

async function refusesEmptyPayload(verifier: Verifier, bundle: Bundle): Promise<void> {
  await assertRefused(verifier, withPayload(bundle, new Uint8Array()));
}

async function refusesForeignMaterial(verifier: Verifier, bundle: Bundle): Promise<void> {
  const others = hostileMaterials(bundle.material, DAMAGES).filter(({ kind }) =>
    kind !== bundle.material.kind
  );
  for (const material of others) {
    const { checks } = await verifyWellFormed(verifier, { ...bundle, material });
    const failed = checks.some(({ status }) => status === "failed");
    assert.ok(failed, `accepted material of the kind ${material.kind}, which is not its own`);
  }
}

async function survivesHostileMaterial(verifier: Verifier, bundle: Bundle): Promise<void> {
  for (const material of hostileMaterials(bundle.material, DAMAGES)) {
    const { identity } = await verifyWellFormed(verifier, { ...bundle, material });
    const said =
      `said who signed with material of the kind ${material.kind} that is not the signer's`;
    assert.ok(identity === undefined, said);
  }
}

async function leavesBundle(verifier: Verifier, bundle: Bundle): Promise<void> {
  const before = structuredClone(bundle);
  await verifier.verify(bundle, {});
  assert.deepEqual(structuredClone(bundle), before);
}

/** Verifies, and checks what every result must be. */
async function verifyWellFormed(
  verifier: Verifier,
  bundle: Bundle,
): Promise<SignatureVerification> {
  const result = await verifier.verify(bundle, {});
  const ids = result.checks.map(({ id }) => id);
  assert.ok(ids.includes("signature"), "there is no check called signature");
  assert.equal(new Set(ids).size, ids.length, `two checks have one id: ${ids.join(", ")}`);
  const foreign = ids.filter((id) => PIPELINE_CHECKS.includes(id));
  assert.deepEqual(foreign, [], "a check has the id of one that the program makes itself");
  for (const check of result.checks) {
    assert.notEqual(check.detail, "", `check ${check.id} has no detail`);
  }
  const signature = result.checks.find(({ id }) => id === "signature");
  if (result.encoding !== undefined) {
    assert.equal(signature?.status, "passed", "there is an encoding without a signature");
  }
  if (result.identity !== undefined) {
    assert.ok(
      result.checks.every(({ status }) => status !== "failed"),
      "there is an identity in spite of a failed check",
    );
    assert.equal(signature?.status, "passed", "there is an identity without a signature");
    assert.ok(result.encoding, "there is an identity without an encoding");
  }
  return result;
}

/** Asserts that the signature is not said to hold. */
async function assertRefused(verifier: Verifier, bundle: Bundle): Promise<void> {
  const { checks, identity } = await verifyWellFormed(verifier, bundle);
  const signature = checks.find(({ id }) => id === "signature");
  assert.notEqual(signature?.status, "passed");
  assert.ok(checks.some(({ status }) => status === "failed"), "no check failed");
  assert.equal(identity, undefined);
}

function withSignature(bundle: Bundle, signature: Uint8Array): Bundle {
  return { ...bundle, envelope: { ...bundle.envelope, signature } };
}

function withPayload(bundle: Bundle, payload: Uint8Array): Bundle {
  return { ...bundle, envelope: { ...bundle.envelope, payload } };
}
