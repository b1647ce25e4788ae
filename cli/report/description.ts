/** What a bundle claims about its signer, unverified. */

import {
  type Bundle,
  type Description,
  ModelSigningError,
  type RunOptions,
  throwIfAborted,
  type VerifierProvider,
} from "../../core/mod.ts";
import type { KnownPlugin } from "../plugin_set.ts";
import { certificateLines } from "./identity.ts";
import type { Line } from "./page.ts";

/**
 * The words of the first method that knows the bundle's material. Plugins that the user named come before the built-in
 * ones, which know every material and so would always answer; one that fails is passed over.
 *
 * @throws {ModelSigningError} `ABORTED`
 */
export async function describeBundle(
  plugins: readonly KnownPlugin[],
  bundle: Bundle,
  run: RunOptions,
): Promise<Description | undefined> {
  for (const { describer } of verifiersOf(plugins)) {
    try {
      const description = await describer?.describe(bundle, run);
      if (description) return description;
    } catch (error) {
      throwIfAborted(run.signal);
      if (!(error instanceof ModelSigningError)) throw error;
      run.logger?.log("warn", `passed over: ${error.message}`);
    }
  }
  return undefined;
}

/** Lines that tell who signed: in the method's own words, and the leaf certificate where there is one. */
export function signerLines({ fields, certificates: [leaf] }: Description): readonly Line[] {
  return [...fields, ...(leaf ? certificateLines(leaf) : [])];
}

function verifiersOf(plugins: readonly KnownPlugin[]): readonly VerifierProvider[] {
  const isBuiltin = ({ origin }: KnownPlugin) => origin.kind === "built-in";
  return [...plugins.filter((known) => !isBuiltin(known)), ...plugins.filter(isBuiltin)]
    .flatMap(({ plugin }) => plugin.providers)
    .filter((provider) => provider.kind === "verifier");
}
