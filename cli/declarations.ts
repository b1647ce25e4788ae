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
  quote,
  writeFileAtomically,
} from "../core/mod.ts";
import {
  declarationAt,
  type DeclaredAction,
  type DeclaredProvider,
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
 * A plugin without its code, as it was when it was last loaded.
 *
 * @param limit bytes that its file may have
 * @param sha256 of its file, when that is known
 * @throws {ModelSigningError} `PLUGIN_UNLOADABLE` when it has not been loaded before; what reading its file throws
 */
export async function declaredPlugin(
  cache: string | undefined,
  path: string,
  { limit, sha256 }: { readonly limit: number; readonly sha256?: string },
): Promise<Remembered> {
  const digest = sha256 ?? await digestOf(path, limit);
  const declaration = cache === undefined ? undefined : await rememberedIn(cache, digest);
  if (declaration?.contract === CONTRACT_VERSION) {
    return { plugin: withoutCode(declaration), sha256: digest };
  }
  throw new ModelSigningError(
    "PLUGIN_UNLOADABLE",
    `plugin ${quote(path)} has not been loaded before, and neither help nor completion runs it`,
    { hint: "model-signing plugin list, given the same plugin, loads it once" },
  );
}

async function rememberedIn(
  cache: string,
  digest: string,
): Promise<PluginDeclaration | undefined> {
  try {
    const { bytes } = await safeFile(declarationPath(cache, digest), {
      outside: [],
      limit: MAX_DECLARATION_BYTES,
      what: "declaration",
    });
    return declarationAt(parseJson(bytes, MAX_DECLARATION_VALUES), "the declaration");
  } catch {
    // What is not there, or is no declaration, is made again when the plugin is loaded.
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

async function digestOf(path: string, limit: number): Promise<string> {
  const { bytes } = await safeFile(path, { outside: [], limit });
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
    case "verifier":
      return { kind, ...base, open: unavailable };
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
