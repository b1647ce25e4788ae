/** The suite for settings on the providers of a built-in method: each is opened and used once for each odd setting. */

import type { Bundle } from "../../core/bundle.ts";
import { type ContractCase, settingsContract } from "../../core/contract/mod.ts";
import type { Plugin, Settings, SignerProvider, VerifierProvider } from "../../core/plugin.ts";

/** Settings that work, and what they are used with. */
export type MethodSettings = {
  readonly signer: Settings;
  readonly verifier: Settings;
  /** That the verifier reads with its settings. */
  readonly bundle: Bundle;
};

/** The cases of a plugin's signer and verifier. */
export function settingsCasesOf(
  { providers }: Plugin,
  { signer, verifier, bundle }: MethodSettings,
): readonly ContractCase[] {
  const signing = providers.find((found): found is SignerProvider => found.kind === "signer")!;
  const verifying = providers.find((found): found is VerifierProvider =>
    found.kind === "verifier"
  )!;
  const sign = async (settings: Settings) => {
    const opened = await signing.open(settings, {});
    await using own = opened.signer;
    await own.sign(new Uint8Array(100), {});
  };
  const verify = async (settings: Settings) => {
    await (await verifying.open(settings, {})).verify(bundle, {});
  };
  return [
    {
      name: "the settings work",
      run: async () => void await Promise.all([sign(signer), verify(verifier)]),
    },
    ...settingsContract({ options: signing.options, settings: signer, use: sign }),
    ...settingsContract({ options: verifying.options, settings: verifier, use: verify }),
  ];
}
