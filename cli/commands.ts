/** The commands, made from the providers of a registry. */

import type {
  CommandAction,
  CommandProvider,
  ProviderBase,
  Registry,
  SignerProvider,
  SourceProvider,
  VerifierProvider,
  WitnessProvider,
} from "../core/mod.ts";
import {
  DIGEST_OPTIONS,
  GLOBAL_OPTIONS,
  HASH_OPTIONS,
  INSPECT_OPTIONS,
  MODEL_OPTIONS,
  PLUGIN_CHECK_OPTIONS,
  PLUGIN_LIST_OPTIONS,
  SIGN_OPTIONS,
  SIGNED_MODEL_OPTIONS,
  sourceOption,
  verifyOptions,
  witnessOption,
} from "./builtin_options.ts";
import type { CliOption } from "./option.ts";
import type { Command, CommandFamily, Offer, Operand, OptionGroup } from "./command.ts";
import { BUILTIN_COMMANDS } from "./mistakes.ts";
import { isForeignReference, pick, providerOf } from "./model.ts";
import { witnessOptions } from "./witnesses.ts";

/** The method of `sign MODEL` and `verify MODEL`. */
const PREFERRED_METHOD = "sigstore";

const MODEL: Operand = {
  metavar: "MODEL",
  description: "The model: a directory, a file, or a reference such as oci://registry/name:tag",
  jsonKey: "model",
};

const SIGNATURE: Operand = {
  metavar: "SIGNATURE",
  description: "A signature file; - is stdin",
  jsonKey: "signature",
};

const PLUGIN: Operand = {
  metavar: "PLUGIN",
  description: "The plugin: an ES module or a program, by its absolute path",
  jsonKey: "plugin",
};

/** Everything that a registry's providers and the program itself offer. Runs no provider. */
export function commandsOf(registry: Registry, version: string): Offer {
  const sources = sourcesOf(registry);
  const witnesses = registry.all("witness");
  const signers = registry.all("signer");
  const verifiers = registry.all("verifier");
  const families: CommandFamily[] = [
    ...family("sign", "Sign a model", signers),
    ...family("verify", "Verify a model's signature", verifiers),
    { name: "digest", summary: "Print a model's root digest", kind: "" },
    { name: "inspect", summary: "Show what a signature says, without verifying it", kind: "" },
    { name: "plugin", summary: "List and check plugins", kind: "command" },
  ];
  // A provider cannot displace a command of ours.
  const others = registry.all("command").filter(({ id }) => !BUILTIN_COMMANDS.includes(id));
  return {
    version,
    commands: [
      ...signers.map((provider) => signCommand(provider, sources, witnesses)),
      ...verifiers.map((provider) => verifyCommand(provider, sources)),
      digestCommand(sources),
      inspectCommand(),
      ...pluginCommands(),
      ...others.flatMap(otherCommands),
    ],
    families: [
      ...families,
      ...others.map((provider) => ({
        name: provider.id,
        summary: provider.summary,
        kind: "subcommands" in provider ? "command" : "",
      })),
    ],
  };
}

/** Nothing when there is no method to offer. */
function family(
  name: string,
  summary: string,
  providers: readonly { readonly id: string }[],
): readonly CommandFamily[] {
  if (providers.length === 0) return [];
  const preferred = providers.some(({ id }) => id === PREFERRED_METHOD)
    ? { preferred: PREFERRED_METHOD }
    : {};
  return [{ name, summary, kind: "method", ...preferred }];
}

/** What the sources of models take. */
type Sources = {
  /** Of files, and which source reads a model. */
  readonly file: readonly CliOption[];
  readonly others: readonly OptionGroup[];
  /** Whether the operand names a model that keeps its signatures, or nothing at all. */
  readonly needNoSignature: (operand: string) => boolean;
};

function sourcesOf(registry: Registry): Sources {
  const all: readonly SourceProvider[] = registry.all("source");
  const [file, others] = [
    all.filter(({ id }) => id === "file"),
    all.filter(({ id }) => id !== "file"),
  ];
  const kinds = others.filter(({ recognizes }) => recognizes !== undefined).map(({ id }) => id);
  return {
    file: [
      ...file.flatMap(({ options }) => options),
      ...(kinds.length > 0 ? [sourceOption(kinds)] : []),
    ],
    others: others.map(({ id, options }) => ({ title: `Options of ${id} models`, options })),
    needNoSignature: (operand) =>
      providerOf(registry, operand)?.keepsSignatures === true ||
      isForeignReference(registry, operand),
  };
}

function signCommand(
  provider: SignerProvider,
  sources: Sources,
  witnesses: readonly WitnessProvider[],
): Command {
  const chosen = witnesses.length > 0 ? [witnessOption(witnesses.map(({ id }) => id))] : [];
  return {
    path: ["sign", provider.id],
    summary: provider.summary,
    operand: MODEL,
    groups: withoutRepeats([
      { title: "Signing options", options: [...SIGN_OPTIONS, ...HASH_OPTIONS, ...chosen] },
      { title: "Method options", options: provider.options },
      ...witnesses.map((witness) => ({
        title: `Options of the witness ${witness.id}`,
        options: witnessOptions(witness),
      })),
      { title: "Model options", options: [...sources.file, ...MODEL_OPTIONS] },
      ...sources.others,
    ]),
    examples: provider.examples ?? [],
    run: async (invocation) => (await import("./commands/sign.ts")).sign(provider, invocation),
  };
}

function verifyCommand(provider: VerifierProvider, sources: Sources): Command {
  return {
    path: ["verify", provider.id],
    summary: provider.summary,
    operand: MODEL,
    groups: withoutRepeats([
      { title: "Verification options", options: verifyOptions(sources.needNoSignature) },
      { title: "Method options", options: provider.options },
      { title: "Model options", options: [...sources.file, ...SIGNED_MODEL_OPTIONS] },
      ...sources.others,
    ]),
    examples: provider.examples ?? [],
    run: async (invocation) => (await import("./commands/verify.ts")).verify(provider, invocation),
  };
}

function digestCommand(sources: Sources): Command {
  return {
    path: ["digest"],
    summary: "Print a model's root digest",
    operand: MODEL,
    groups: withoutRepeats([
      { title: "Digest options", options: [...DIGEST_OPTIONS, ...HASH_OPTIONS] },
      {
        title: "Model options",
        options: [...sources.file.filter(({ name }) => name !== "signature"), ...MODEL_OPTIONS],
      },
      ...sources.others,
    ]),
    examples: [
      "model-signing digest ./model",
      "model-signing digest ./model --files --hash-algorithm blake3",
      "model-signing digest ./model --ignore-paths model.sig",
    ],
    run: async (invocation) => (await import("./commands/digest.ts")).digest(invocation),
  };
}

function inspectCommand(): Command {
  return {
    path: ["inspect"],
    summary: "Show what a signature says, without verifying it",
    operand: SIGNATURE,
    groups: [{ title: "Output options", options: INSPECT_OPTIONS }],
    examples: [
      "model-signing inspect model.sig",
      "model-signing inspect model.sig --format json",
    ],
    run: async (invocation) => (await import("./commands/inspect.ts")).inspect(invocation),
  };
}

function pluginCommands(): readonly Command[] {
  return [
    {
      path: ["plugin", "list"],
      summary: "List the plugins there are, what they provide and where they come from",
      groups: [{ title: "Options", options: PLUGIN_LIST_OPTIONS }],
      examples: [
        "model-signing plugin list",
        "model-signing plugin list --plugin /opt/model-signing/vault.js --format json",
      ],
      run: async (given) => (await import("./commands/plugin_list.ts")).pluginList(given),
    },
    {
      path: ["plugin", "check"],
      summary: "Check that a plugin keeps its side of the contract",
      operand: PLUGIN,
      groups: [{ title: "Options", options: PLUGIN_CHECK_OPTIONS }],
      examples: [
        "model-signing plugin check /opt/model-signing/vault.js --set key-name=models",
        "model-signing plugin check /usr/local/bin/model-signing-plugin-openssl --set private-key=k.pem",
      ],
      run: async (given) => (await import("./commands/plugin_check.ts")).pluginCheck(given),
    },
  ];
}

function otherCommands(provider: CommandProvider): readonly Command[] {
  return "subcommands" in provider
    ? provider.subcommands.map((action) => otherCommand([provider.id, action.name], action))
    : [otherCommand([provider.id], provider)];
}

function otherCommand(
  path: Command["path"],
  action: Omit<ProviderBase, "id"> & CommandAction,
): Command {
  const { summary, options, operand, examples = [] } = action;
  return {
    path,
    summary,
    ...(operand ? { operand: { ...operand, jsonKey: operand.metavar.toLowerCase() } } : {}),
    groups: withoutRepeats([{ title: "Options", options }]),
    examples,
    run: (given) =>
      action.run(pick(given.settings, options), {
        ...given.run,
        stdout: (text) => given.io.stdout.write(text),
        success: (text) => given.tells(true) && given.io.stdout.write(text),
        ...(operand ? { operand: given.operand } : {}),
      }),
  };
}

/** The first option of a name counts, and the program's own come first. Groups without any are left out. */
function withoutRepeats(groups: readonly OptionGroup[]): readonly OptionGroup[] {
  const taken = new Set(GLOBAL_OPTIONS.map(({ name }) => name));
  return groups.map(({ title, options }) => ({
    title,
    options: options.filter(({ name }) => !taken.has(name) && taken.add(name)),
  })).filter(({ options }) => options.length > 0);
}
