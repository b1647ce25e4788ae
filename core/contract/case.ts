/** One case of a contract suite, free of any test framework so that a program can run it too. */

/**
 * A case: `run` rejects when the implementation breaks the contract. Cases share no state and may run in
 * any order.
 */
export type ContractCase = {
  /** Subject and criterion, such as `entries() gives no path twice`. */
  readonly name: string;
  run(): Promise<void>;
};
