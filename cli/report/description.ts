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

/** The words of the first built-in method that knows the bundle's material. */
export async function describeBundle(
  plugins: readonly KnownPlugin[],
  bundle: Bundle,
  run: RunOptions,
): Promise<Description | undefined> {
  for (const { describer } of verifiersOf(plugins.filter(isBuiltIn))) {
    const description = await describer?.describe(bundle, run);
    if (description) return description;
  }
  return undefined;
}

/**
 * The same, with what the plugins that the user named add, such as whose a key is. They replace nothing, and each line
 * says whose it is. One that fails is passed over.
 *
 * @throws {ModelSigningError} `ABORTED`
 */
export async function describeWithPlugins(
  plugins: readonly KnownPlugin[],
  bundle: Bundle,
  run: RunOptions,
): Promise<Description | undefined> {
  const described = await describeBundle(plugins, bundle, run);
  const named = verifiersOf(plugins.filter((known) => !isBuiltIn(known)));
  const added: (readonly [string, string])[] = [];
  for (const { id, describer } of named) {
    try {
      const fields = (await describer?.describe(bundle, run))?.fields ?? [];
      added.push(...fields.map(([label, text]) => [`${id}: ${label}`, text] as const));
    } catch (error) {
      throwIfAborted(run.signal);
      if (!(error instanceof ModelSigningError)) throw error;
      run.logger?.log("warn", `passed over: ${error.message}`);
    }
  }
  return described && { ...described, fields: [...described.fields, ...added] };
}

/** Lines that tell who signed: in the method's own words, and the leaf certificate where there is one. */
export function signerLines({ fields, certificates: [leaf] }: Description): readonly Line[] {
  return [...fields, ...(leaf ? certificateLines(leaf) : [])];
}

function isBuiltIn({ origin }: KnownPlugin): boolean {
  return origin.kind === "built-in";
}

function verifiersOf(plugins: readonly KnownPlugin[]): readonly VerifierProvider[] {
  return plugins.flatMap(({ plugin }) => plugin.providers)
    .filter((provider) => provider.kind === "verifier");
}
