/** The contract suite of programs, loaded when it is asked for. */

import type { ContractCase } from "../../core/contract/case.ts";
import type { ProtocolContractSubject } from "./contract.ts";

/** What every program that is a plugin must do besides its work, as cases that need no test framework. */
export async function protocolContract(
  subject: ProtocolContractSubject,
): Promise<readonly ContractCase[]> {
  const contract = await import("./contract.ts");
  return contract.protocolContract(subject);
}
