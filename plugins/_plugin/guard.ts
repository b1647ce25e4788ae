/** A plugin of a third party as one that the program can rely on: nothing that it does or gives can confuse the program. */

import { ModelSigningError } from "../../core/errors.ts";
import {
  type CommandAction,
  type CommandProvider,
  CONTRACT_VERSION,
  type Plugin,
  type Provider,
  type Settings,
} from "../../core/plugin.ts";
import type { RunOptions } from "../../core/options.ts";
import type { OpenedSigner, Signer, Witness } from "../../core/signer.ts";
import { quote } from "../../core/text.ts";
import type { Describer, Verifier } from "../../core/verifier.ts";
import { across, describing, ENDING_MS } from "./across.ts";
import { declarationAt, type DeclaredAction, type DeclaredProvider } from "./declaration.ts";
import { guardSource } from "./guard_source.ts";
import { readDeclaration } from "./reading.ts";
import { listAt, type Members, methodAt, objectAt, optionalAt, ShapeError } from "./shape.ts";
import { evidenceAt, requireHolding, signedAt } from "./signed.ts";
import { descriptionAt, verificationAt } from "./verification.ts";

/** Witnesses that a signer brings along. */
const MAX_WITNESSES = 16;

/**
 * Reads what a plugin says about itself, once, and wraps what it can do.
 *
 * @param found what the plugin gave, of any shape
 * @param where names it until its own name is known: its path, quoted
 * @throws {ModelSigningError} `PLUGIN_CONTRACT` for another version of the contract, `PLUGIN_MALFORMED`
 */
export function guardPlugin(found: unknown, where: string): Plugin {
  return readDeclaration(`plugin ${where}`, () => {
    const given = objectAt(found, "the plugin");
    requireContract(given["contract"], where);
    const { name, version, contract, providers } = declarationAt(given, "the plugin");
    const who = `plugin ${quote(name)}`;
    const members = listAt(given["providers"], "the plugin.providers", providers.length);
    return {
      name,
      version,
      contract,
      providers: providers.map((declared, index) =>
        guardProvider(who, declared, objectAt(members[index], `the plugin.providers[${index}]`))
      ),
    };
  });
}

/**
 * Before the rest is read, which another version may have another shape for.
 *
 * @throws {ModelSigningError} `PLUGIN_CONTRACT`
 */
export function requireContract(contract: unknown, where: string): void {
  if (contract === CONTRACT_VERSION) return;
  throw new ModelSigningError(
    "PLUGIN_CONTRACT",
    `plugin ${where} speaks contract version ${
      typeof contract === "number" || typeof contract === "string" ? quote(`${contract}`) : "none"
    }, this program ${CONTRACT_VERSION}`,
    { hint: "use the version of the plugin that was made for this program" },
  );
}

function guardProvider(who: string, declared: DeclaredProvider, given: Members): Provider {
  const { kind, id, summary, options, examples = [] } = declared;
  const base = { id, summary, options, examples };
  const where = `the ${kind} ${quote(id)}`;
  switch (kind) {
    case "source":
      return guardSource(who, declared, given);
    case "signer": {
      const open = openingOf(
        who,
        given,
        where,
        (value, run) => openedSignerAt(who, id, value, run),
      );
      return { ...base, kind, open };
    }
    case "witness": {
      const open = openingOf(who, given, where, (value) => witnessAt(who, value, "the witness"));
      return { ...base, kind, open };
    }
    case "verifier": {
      const open = openingOf(who, given, where, (value) => verifierAt(who, id, value));
      const describer = optionalAt(
        given,
        "describer",
        where,
        (value, at) => describerAt(who, id, value, at),
      );
      return { ...base, kind, ...describer, open };
    }
    case "command":
      return guardCommand(who, declared, given);
  }
}

/** The method `open` of a provider. */
function openingOf<T>(
  who: string,
  given: Members,
  where: string,
  read: (value: unknown, run: RunOptions) => T,
): (settings: Settings, run: RunOptions) => Promise<T> {
  const open = methodAt(given, "open", where);
  return (settings, run) =>
    across({
      who,
      what: "open()",
      options: run,
      run: (options) => open(settings, options),
      read: (value) => read(value, run),
    });
}

function openedSignerAt(
  who: string,
  method: string,
  value: unknown,
  run: RunOptions,
): OpenedSigner {
  const given = objectAt(value, "open()");
  const witnesses = listAt(given["witnesses"], "open().witnesses", MAX_WITNESSES);
  return {
    signer: signerAt(who, given["signer"], run),
    witnesses: witnesses.map((item, index) => witnessAt(who, item, `open().witnesses[${index}]`)),
    ...(given["verifier"] === undefined
      ? {}
      : { verifier: verifierAt(who, method, given["verifier"]) }),
  };
}

function signerAt(who: string, value: unknown, opening: RunOptions): Signer {
  const given = objectAt(value, "the signer");
  const sign = methodAt(given, "sign", "the signer");
  const dispose = methodAt(given, Symbol.asyncDispose, "the signer");
  let disposed: Promise<void> | undefined;
  const end = async () => {
    const call = { who, what: "[Symbol.asyncDispose]()", run: () => dispose(), read: () => {} };
    if (!opening.signal?.aborted) return await across({ ...call, options: opening, steps: 1 });
    // It is told that the run was aborted, and not what came of ending.
    await across({ ...call, options: { timeout: ENDING_MS }, steps: 1 }).catch(() => {});
  };
  return {
    async sign(pae, run) {
      const signed = await across({
        who,
        what: "sign()",
        options: run,
        // A copy: one who writes into it must not change what the signature is checked against.
        run: (options) => sign(Uint8Array.from(pae), options),
        read: (value) => signedAt(value, "sign()"),
      });
      requireHolding(signed, pae, who);
      return signed;
    },
    [Symbol.asyncDispose]: () => disposed ??= end(),
  };
}

function witnessAt(who: string, value: unknown, where: string): Witness {
  const witness = methodAt(objectAt(value, where), "witness", where);
  return {
    witness: (envelope, signed, run) =>
      across({
        who,
        what: "witness()",
        options: run,
        run: (options) => witness(structuredClone(envelope), structuredClone(signed), options),
        read: (value) => evidenceAt(value, "witness()"),
      }),
  };
}

function verifierAt(who: string, method: string, value: unknown): Verifier {
  const verify = methodAt(objectAt(value, "the verifier"), "verify", "the verifier");
  return {
    verify: (bundle, run) =>
      across({
        who,
        what: "verify()",
        options: run,
        run: (options) => verify(structuredClone(bundle), options),
        read: (value) => verificationAt(value, "verify()", method),
      }),
  };
}

function describerAt(who: string, method: string, value: unknown, where: string): Describer {
  const describe = methodAt(objectAt(value, where), "describe", where);
  return {
    describe: (bundle, run) =>
      across({
        who,
        what: "describe()",
        options: describing(run),
        steps: 1,
        run: (options) => describe(structuredClone(bundle), options),
        read: (value) => descriptionAt(value, "describe()", method),
      }),
  };
}

function guardCommand(who: string, declared: DeclaredProvider, given: Members): CommandProvider {
  const { id, summary, subcommands } = declared;
  if (subcommands === undefined) {
    return { kind: "command", id, ...guardAction(who, declared, given) };
  }
  const members = listAt(given["subcommands"], "subcommands", subcommands.length);
  return {
    kind: "command",
    id,
    summary,
    subcommands: subcommands.map((action, index) => ({
      name: action.name,
      ...guardAction(who, action, objectAt(members[index], `subcommands[${index}]`)),
    })),
  };
}

function guardAction(who: string, declared: DeclaredAction, given: Members): ActionParts {
  const { summary, options, examples = [], operand } = declared;
  const run = methodAt(given, "run", "the command");
  return {
    summary,
    options,
    examples,
    ...(operand ? { operand } : {}),
    run: (settings, io) =>
      across({
        who,
        what: "run()",
        options: io,
        steps: Infinity,
        run: (options) => run(settings, { ...io, ...options }),
        read: statusAt,
      }),
  };
}

type ActionParts =
  & CommandAction
  & Pick<DeclaredAction, "summary" | "options">
  & { readonly examples: readonly string[] };

function statusAt(value: unknown): 0 | 1 | 2 | 3 {
  if (value === 0 || value === 1 || value === 2 || value === 3) return value;
  throw new ShapeError("run() gave no exit status from 0 to 3");
}
