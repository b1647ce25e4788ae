/** From a path to a plugin that is a program. */

import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import {
  CONTRACT_VERSION,
  type Option,
  type Plugin,
  type Provider,
  type Settings,
} from "../../core/plugin.ts";
import { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { safeFile } from "../_plugin/mod.ts";
import { execDescriber } from "./describer.ts";
import { nameOf } from "./find.ts";
import type { Hello } from "./hello.ts";
import { MAX_PROGRAM_BYTES } from "./limits.ts";
import { PluginSession } from "./session.ts";
import { execSigner } from "./signer.ts";
import { execVerifier } from "./verifier.ts";

/** How a program is started. */
export type ExecOptions = {
  /** Paths of models: a plugin in one of them is refused. */
  readonly outside: readonly string[];
  /** Such as `process.env`, of which a plugin gets a part. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What plugins that want it are told of the model: an absolute path, once it is known and the user allows it. */
  modelPath?(): string | undefined;
  /** Of this program. */
  readonly programVersion: string;
};

/** A plugin and what it was made of. */
export type LoadedExecutable = {
  readonly plugin: Plugin;
  /** Lowercase hex, of the program's file. */
  readonly sha256: string;
};

/**
 * Starts a program, asks what it can do, and ends it. It is started again when it is used.
 *
 * @throws {ModelSigningError} `USAGE_PLUGIN_PATH`, `PLUGIN_NOT_FOUND`, `PLUGIN_UNSAFE`, `PLUGIN_UNLOADABLE`,
 * `PLUGIN_CRASHED`, `PLUGIN_FLOODED`, `PLUGIN_PROTOCOL`, `PLUGIN_CONTRACT`, `PLUGIN_MALFORMED`, `PLUGIN_TIMEOUT`, `ABORTED`
 */
export async function loadExecutable(
  path: string,
  options: ExecOptions,
  run: RunOptions = {},
): Promise<LoadedExecutable> {
  const { bytes } = await safeFile(path, { outside: options.outside, limit: MAX_PROGRAM_BYTES });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { environment, programVersion } = options;
  const start: Start = (who, run, declared) =>
    PluginSession.open(path, { who, environment, programVersion, declared, run });
  await using session = await start(`plugin ${quote(path)}`, run, []);
  const { hello } = session;
  const wanted = nameOf(path);
  if (wanted !== undefined && wanted !== hello.name) {
    throw new ModelSigningError(
      "PLUGIN_MALFORMED",
      `plugin ${quote(path)} calls itself ${quote(hello.name)}, expected ${quote(wanted)}`,
    );
  }
  return { plugin: pluginOf(hello, start, () => options.modelPath?.()), sha256 };
}

type Start = (
  who: string,
  run: RunOptions,
  declared: readonly string[],
) => Promise<PluginSession>;

function pluginOf(hello: Hello, start: Start, modelPath: () => string | undefined): Plugin {
  const { name, version, signer, verifier, wants, environment } = hello;
  const who = `plugin ${quote(name)}`;
  const open = async (run: RunOptions) => {
    const session = await start(who, run, environment);
    if (JSON.stringify(session.hello) === JSON.stringify(hello)) return session;
    await session[Symbol.asyncDispose]();
    throw new ModelSigningError("PLUGIN_PROTOCOL", `${who} says another hello than before`);
  };
  const members = (settings: Settings, options: readonly Option[]) => {
    const model = wants.includes("model-path") ? modelPath() : undefined;
    return { settings: told(settings, options), ...(model === undefined ? {} : { model }) };
  };
  const providers: Provider[] = [];
  if (signer) {
    const { payload: form, ...described } = signer;
    providers.push({
      kind: "signer",
      id: name,
      ...described,
      open: async (settings, run) => ({
        signer: execSigner({
          who,
          session: await open(run),
          form,
          members: members(settings, signer.options),
        }),
        witnesses: [],
      }),
    });
  }
  if (verifier) {
    const { payload: form, describes, ...described } = verifier;
    providers.push({
      kind: "verifier",
      id: name,
      ...described,
      ...(describes ? { describer: execDescriber({ open, method: name }) } : {}),
      open: (settings, run) =>
        Promise.resolve(
          execVerifier({
            open: () => open(run),
            method: name,
            form,
            members: members(settings, verifier.options),
          }),
        ),
    });
  }
  return { name, version, contract: CONTRACT_VERSION, providers };
}

/**
 * Settings as JSON. Secrets go to the plugin's standard input, where nobody else can read them; paths are made absolute,
 * since its current folder is not the user's.
 */
function told(settings: Settings, options: readonly Option[]): Readonly<Record<string, unknown>> {
  const paths = new Set(
    options.flatMap(({ name, type }) => type === "file" || type === "directory" ? [name] : []),
  );
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      if (value instanceof Secret) return [name, value.reveal()];
      if (!paths.has(name)) return [name, value];
      return [
        name,
        Array.isArray(value) ? value.map((path) => resolve(path)) : resolve(`${value}`),
      ];
    }),
  );
}
