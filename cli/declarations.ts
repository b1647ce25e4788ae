/**
 * What plugins said about themselves when they were loaded, by the digest of their file: help and completion know their
 * options from here, without running them.
 */

import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  CONTRACT_VERSION,
  type Logger,
  ModelSigningError,
  parseJson,
  type Plugin,
  type Provider,
  writeFileAtomically,
} from "../core/mod.ts";
import {
  declarationAt,
  type DeclaredAction,
  type DeclaredProvider,
  MAX_PLUGIN_BYTES,
  type PluginDeclaration,
  safeFile,
} from "../plugins/mod.ts";

/** Bytes of a file with a declaration: a hundred options with long descriptions. */
const MAX_DECLARATION_BYTES = 1024 * 1024;
/** Values in one. */
const MAX_DECLARATION_VALUES = 50_000;

/** A plugin as it was when its file had this digest. */
type Remembered = { readonly plugin: Plugin; readonly sha256: string };

/**
 * A plugin without its code, or undefined when it has not been loaded before, or is not there, or not safe: the run that
 * needs it will say so.
 */
export async function declaredModule(
  cache: string | undefined,
  path: string,
  { outside, sha256 }: { readonly outside: readonly string[]; readonly sha256?: string },
): Promise<Remembered | undefined> {
  if (cache === undefined) return undefined;
  try {
    const digest = sha256 ?? await digestOf(path, outside);
    const { bytes } = await safeFile(declarationPath(cache, digest), {
      outside: [],
      limit: MAX_DECLARATION_BYTES,
      what: "declaration",
    });
    const declaration = declarationAt(parseJson(bytes, MAX_DECLARATION_VALUES), "the declaration");
    if (declaration.contract !== CONTRACT_VERSION) return undefined;
    return { plugin: withoutCode(declaration), sha256: digest };
  } catch {
    return undefined;
  }
}

/** Keeps what a plugin says about itself. That it cannot be kept is no reason to fail. */
export async function rememberDeclaration(
  cache: string | undefined,
  { plugin, sha256 }: Remembered,
  logger: Logger,
): Promise<void> {
  if (cache === undefined) return;
  const path = declarationPath(cache, sha256);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // Functions are left out by JSON itself.
    await writeFileAtomically(path, new TextEncoder().encode(JSON.stringify(plugin)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    logger.log("debug", "cannot keep what a plugin says about itself", { path, reason });
  }
}

function declarationPath(cache: string, sha256: string): string {
  return join(cache, "plugins", `${sha256}.json`);
}

async function digestOf(path: string, outside: readonly string[]): Promise<string> {
  const { bytes } = await safeFile(path, { outside, limit: MAX_PLUGIN_BYTES });
  return createHash("sha256").update(bytes).digest("hex");
}

/** A plugin whose providers can be described, and nothing else. */
function withoutCode({ name, version, contract, providers }: PluginDeclaration): Plugin {
  return { name, version, contract, providers: providers.map(providerWithoutCode) };
}

function providerWithoutCode(declared: DeclaredProvider): Provider {
  const { kind, id, summary, options, examples = [], keepsSignatures, subcommands } = declared;
  const base = { id, summary, options, examples };
  switch (kind) {
    case "source":
      return {
        kind,
        ...base,
        ...(keepsSignatures === undefined ? {} : { keepsSignatures }),
        open: unavailable,
      };
    case "signer":
    case "witness":
      return { kind, ...base, open: unavailable };
    case "verifier":
      return { kind, ...base, describer: { describe: unavailable }, open: unavailable };
    case "command":
      return subcommands === undefined ? { kind, id, ...actionWithoutCode(declared) } : {
        kind,
        id,
        summary,
        subcommands: subcommands.map((action) => ({
          name: action.name,
          ...actionWithoutCode(action),
        })),
      };
  }
}

function actionWithoutCode({ summary, options, examples = [], operand }: DeclaredAction) {
  return { summary, options, examples, ...(operand ? { operand } : {}), run: unavailable };
}

function unavailable(): Promise<never> {
  return Promise.reject(
    new ModelSigningError("PLUGIN_FAILED", "the plugin was described and not loaded"),
  );
}
