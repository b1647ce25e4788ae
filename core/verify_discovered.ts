/** From a model and the signatures beside it to the report that counts. */

import { type Parsed, throwIfAborted } from "./errors.ts";
import { beginSpan } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import type { Report } from "./report.ts";
import type { FoundSignature, SignatureStore } from "./source.ts";
import { type VerifyInput, verifyModel } from "./verify.ts";

/** What is verified, by whom, and where its signatures are. */
export type VerifyDiscoveredInput = Omit<VerifyInput, "bundle" | "onlyIfBound"> & {
  readonly signatures: Pick<SignatureStore, "discover">;
};

/** A signature that was not accepted, and why. */
export type UnacceptedSignature = {
  /** What it is called beside the model. Not escaped. */
  readonly reference: string;
  readonly report: Exclude<Report, { readonly verdict: "verified" }>;
};

/** What the signatures beside a model come to. */
export type DiscoveredReport = {
  /** Of the signature that was accepted, else of the one that came furthest. */
  readonly report: Report;
  /** What that signature is called beside the model; absent when there is none. Not escaped. */
  readonly reference?: string;
  /** The others that were tried, in the order in which they were found. */
  readonly others: readonly UnacceptedSignature[];
};

/**
 * Verifies a model with the signatures beside it, one after the other, until one is accepted: anyone may have attached
 * another. The model is read once for each whose signer is accepted and that binds what the source says of the model, and
 * not at all for the rest. Without a signature the report is "rejected", with `SIGNATURE_MISSING`.
 *
 * @throws {ModelSigningError} for outages only, also when a signature before was not accepted: what the store throws, what
 * `verifyModel` throws, `ABORTED`
 */
export async function verifyDiscovered(
  { signatures, ...input }: VerifyDiscoveredInput,
  options: RunOptions = {},
): Promise<DiscoveredReport> {
  const tried: UnacceptedSignature[] = [];
  for await (const { reference, bundle } of discovered(signatures, options)) {
    throwIfAborted(options.signal);
    options.logger?.log("debug", "verifying", { signature: reference });
    const report = await verifyModel({ ...input, bundle, onlyIfBound: true }, options);
    if (report.verdict === "verified") return { report, reference, others: tried };
    tried.push({ reference, report });
  }
  const [best] = tried.toSorted((left, right) => rank(left) - rank(right));
  if (best === undefined) {
    return { report: await verifyModel({ ...input, bundle: NONE }, options), others: [] };
  }
  return { ...best, others: tried.filter((each) => each !== best) };
}

const NONE: Parsed<never> = {
  ok: false,
  issue: { code: "SIGNATURE_MISSING", message: "there is no signature beside the model" },
};

/** What the store finds, as a step of its own. */
async function* discovered(
  signatures: VerifyDiscoveredInput["signatures"],
  options: RunOptions,
): AsyncIterable<FoundSignature> {
  const { span, end } = beginSpan(options, "signature.discover");
  let count = 0;
  let failure: unknown;
  try {
    for await (const found of signatures.discover({ ...options, span })) {
      count++;
      yield found;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // Also when one was accepted, and the others are not looked at.
    span.set({ signatures: count });
    end(failure);
  }
}

/** How far it came, the furthest first: undecided, then a signature that holds, then a bundle that can be read. */
function rank({ report }: UnacceptedSignature): number {
  if (report.verdict === "inconclusive") return 0;
  if (report.signedBy !== undefined) return 1;
  return report.checks.some(({ id, status }) => id === "bundle" && status === "passed") ? 2 : 3;
}
