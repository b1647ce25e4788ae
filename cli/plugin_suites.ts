/** The contract suites that apply to a plugin. */

import {
  type ContractCase,
  describerContract,
  settingsContract,
  signerContract,
  sourceContract,
  verifierContract,
  witnessContract,
} from "../core/contract/mod.ts";
import {
  type Bundle,
  type Describer,
  type Manifest,
  type Plugin,
  type Provider,
  type RunOptions,
  type Settings,
  sign,
  type Signer,
  type SignerProvider,
  type SourceProvider,
  type VerifierProvider,
} from "../core/mod.ts";
import { pick } from "./model.ts";
import { missingOptions } from "./option.ts";

/** Cases about one thing, or why there are none. */
export type Suite =
  & { readonly about: string }
  & (
    | { readonly cases: readonly ContractCase[] }
    /** Nobody but its author can check it. */
    | { readonly skipped: string }
    /** It could be checked with more settings. */
    | { readonly unchecked: string }
  );

/** What a plugin is checked with. */
export type CheckInput = {
  readonly plugin: Plugin;
  readonly settings: Settings;
  /** Of a model that the plugin's source opens. */
  readonly reference: string | undefined;
  /** That the plugin's verifier accepts. */
  readonly bundle: Bundle | undefined;
  readonly run: RunOptions;
};

/** A manifest to be signed; it is about nothing. */
const SAMPLE: Manifest = {
  name: "plugin-check",
  resources: [{ name: "model.bin", digest: "0".repeat(64), algorithm: "sha256" }],
  serialization: { method: "files", hashType: "sha256", allowSymlinks: false, ignorePaths: [] },
};

/** Suites for every provider of a plugin. */
export async function suitesOf(input: CheckInput): Promise<readonly Suite[]> {
  const suites: Suite[] = [];
  for (const provider of input.plugin.providers) suites.push(...await suitesFor(provider, input));
  return suites;
}

async function suitesFor(provider: Provider, input: CheckInput): Promise<readonly Suite[]> {
  const about = `${provider.kind} ${provider.id}`;
  if (provider.kind === "command") {
    return [{ about, skipped: "commands do what only their author knows; run it yourself" }];
  }
  const [missing] = missingOptions(provider.options, input.settings);
  if (missing) return [{ about, unchecked: `it needs --set ${missing.name}=VALUE` }];
  switch (provider.kind) {
    case "signer":
      return await signerSuites(about, provider, input);
    case "verifier":
      return await verifierSuites(about, provider, input);
    case "witness": {
      const settings = pick(input.settings, provider.options);
      const open = (given: Settings) => provider.open(given, input.run);
      return [
        { about, cases: witnessContract(() => open(settings)) },
        {
          about,
          cases: settingsCases(provider, settings, async (given) => void await open(given)),
        },
      ];
    }
    case "source":
      return sourceSuites(about, provider, input);
  }
}

async function signerSuites(
  about: string,
  provider: SignerProvider,
  { settings: given, run }: CheckInput,
): Promise<readonly Suite[]> {
  const settings = pick(given, provider.options);
  const open = async (with_: Settings) => withRun((await provider.open(with_, run)).signer, run);
  const use = async (with_: Settings) => {
    await using signer = await open(with_);
    await signer.sign(new Uint8Array(100), {});
  };
  const keyPerSignature = await makesKeys(() => open(settings));
  return [
    { about, cases: signerContract(() => open(settings), { keyPerSignature }) },
    { about, cases: settingsCases(provider, settings, use) },
  ];
}

/** Whether every signature has a key of its own. A signer that fails here fails in the suite, too. */
async function makesKeys(open: () => Promise<Signer>): Promise<boolean> {
  try {
    await using signer = await open();
    const one = await signer.sign(Uint8Array.of(1), {});
    const two = await signer.sign(Uint8Array.of(2), {});
    return one.publicKey.join() !== two.publicKey.join();
  } catch {
    return false;
  }
}

async function verifierSuites(
  about: string,
  provider: VerifierProvider,
  { settings: given, plugin, bundle, run }: CheckInput,
): Promise<readonly Suite[]> {
  const settings = pick(given, provider.options);
  const signer = plugin.providers.find((other): other is SignerProvider =>
    other.kind === "signer" && other.id === provider.id
  );
  let accepted = bundle;
  if (accepted === undefined && signer !== undefined) {
    if (missingOptions(signer.options, given).length === 0) {
      accepted = await signedBy(signer, given, run);
    }
  }
  if (accepted === undefined) {
    return [{ about, unchecked: "it needs --bundle FILE, a signature that it accepts" }];
  }
  const subject = accepted;
  const { id: method, describer } = provider;
  const open = (with_: Settings) => provider.open(with_, run);
  return [
    { about, cases: verifierContract({ bundle: subject, open: () => open(settings) }) },
    ...(describer
      ? [{
        about,
        cases: describerContract({
          describer: withLimits(describer, run),
          method,
          bundle: subject,
        }),
      }]
      : []),
    {
      about,
      cases: settingsCases(provider, settings, async (with_) => {
        await (await open(with_)).verify(subject, run);
      }),
    },
  ];
}

/** Undefined when it cannot sign, which its own suite tells. */
async function signedBy(
  provider: SignerProvider,
  settings: Settings,
  run: RunOptions,
): Promise<Bundle | undefined> {
  try {
    const opened = await provider.open(pick(settings, provider.options), run);
    await using _signer = opened.signer;
    return (await sign(SAMPLE, opened, run)).bundle;
  } catch {
    return undefined;
  }
}

function sourceSuites(
  about: string,
  provider: SourceProvider,
  { settings: given, reference, run }: CheckInput,
): readonly Suite[] {
  if (reference === undefined) {
    return [{ about, unchecked: `it needs --reference ${provider.id}:..., a model that it opens` }];
  }
  const settings = pick(given, provider.options);
  const open = async (name: string, with_: Settings) =>
    (await provider.open(name, with_, run)).source;
  return [
    { about, cases: sourceContract(() => open(reference, settings)) },
    {
      about,
      cases: [
        ...settingsCases(provider, settings, async (with_) => void await open(reference, with_)),
        ...settingsContract({
          options: [{ name: "reference", type: "string", description: "" }],
          settings: { reference },
          use: async ({ reference: odd }) =>
            void await open(`${provider.id}:${String(odd)}`, settings),
        }),
      ],
    },
  ];
}

function settingsCases(
  { options }: { readonly options: VerifierProvider["options"] },
  settings: Settings,
  use: (settings: Settings) => Promise<void>,
): readonly ContractCase[] {
  return settingsContract({ options, settings, use });
}

/** The suites describe without options of a run. */
function withLimits(describer: Describer, run: RunOptions): Describer {
  return { describe: (bundle, options) => describer.describe(bundle, { ...run, ...options }) };
}

/** The suites sign without options of a run; a person may have to give a PIN all the same. */
function withRun(signer: Signer, run: RunOptions): Signer {
  return {
    sign: (pae, options) => signer.sign(pae, { ...run, ...options }),
    [Symbol.asyncDispose]: () => signer[Symbol.asyncDispose](),
  };
}
