/**
 * The contract as suites: what every implementation of an interface must do. Each is a list of cases that need no test
 * framework; third parties run them on their own, and `model-signing plugin check` on a plugin.
 *
 * @module
 */

export type { ContractCase } from "./case.ts";
export { describerContract, type DescriberContractSubject } from "./describer.ts";
export { hasherContract } from "./hasher.ts";
export { settingsContract, type SettingsContractSubject } from "./settings.ts";
export { signerContract, type SignerTraits } from "./signer.ts";
export { sourceContract } from "./source.ts";
export { verifierContract, type VerifierContractSubject } from "./verifier.ts";
export { witnessContract, type WitnessTraits } from "./witness.ts";
