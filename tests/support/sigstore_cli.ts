/** The real program against the loopback Sigstore. */

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { cli, type CliOptions } from "./cli.ts";
import { assertStatus, type Outcome } from "./outcome.ts";
import type { Sigstore, TokenClaims } from "./sigstore.ts";
import { type Workbench, workbench } from "./workbench.ts";

/** Who logs in at the instance when nothing else is said. */
export const IDENTITY = "dev@example.com";

/** A place to sign in: a model, a cache folder of its own, and nothing of the machine that could answer. */
export type Desk = AsyncDisposable & Workbench & {
  /** The user's cache folder, outside of the model's. */
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs the program in the folder. */
  run(args: readonly string[], options?: Omit<CliOptions, "cwd">): Promise<Outcome>;
};

/** Variables by which the machine that runs the tests would offer credentials, or a browser. */
const SILENCED: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...["GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
    ...["GITLAB_CI", "SIGSTORE_ID_TOKEN", "GOOGLE_SERVICE_ACCOUNT_NAME", "GCE_METADATA_HOST"],
    ...["BUILDKITE", "SIGSTORE_OIDC_TOKEN_FILE", "DISPLAY", "WAYLAND_DISPLAY"],
  ].map((name) => [name, ""]),
);

/** Deno's own cache, which would otherwise go where the program's goes, and be filled from the network. */
const DENO_DIR = process.env["DENO_DIR"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "deno");

/** A new desk. */
export async function desk(): Promise<Desk> {
  const folder = await workbench();
  const cache = await mkdtemp(join(tmpdir(), "model-signing-cache-"));
  const env = { ...SILENCED, XDG_CACHE_HOME: cache, DENO_DIR };
  return {
    ...folder,
    cache,
    env,
    run: async (args, options = {}) =>
      await cli(args, { ...options, cwd: folder.path, env: { ...env, ...options.env } }),
    async [Symbol.asyncDispose]() {
      await rm(cache, { recursive: true, force: true });
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Arguments that sign the model into `model.sig` with a Sigstore of one's own. */
export function signing(
  { trustConfig, trustConfigV2 }: Sigstore,
  rekor: 1 | 2 = 1,
): readonly string[] {
  const config = rekor === 1 ? trustConfig : trustConfigV2;
  return ["sign", "model", "--signature", "model.sig", "--trust-config", config];
}

/** Arguments that verify `model.sig`, in JSON. */
export function verifying(
  { trustConfig, issuer }: Sigstore,
  identity: string = IDENTITY,
): readonly string[] {
  return [
    ...["verify", "model", "--signature", "model.sig", "--trust-config", trustConfig],
    ...["--identity", identity, "--identity-provider", issuer, "--format", "json"],
  ];
}

/** Signs the model into `model.sig` with a token of these claims. */
export async function signedModel(
  { run }: Desk,
  sigstore: Sigstore,
  { rekor = 1, claims = {} }: { readonly rekor?: 1 | 2; readonly claims?: TokenClaims } = {},
): Promise<void> {
  const token = await sigstore.token(claims);
  const args = [...signing(sigstore, rekor), "--identity-token", token];
  assertStatus(await run(args), 0, "sign");
}

/** Asserts that no text shows a secret, nor one of the parts that a token has between its dots. */
export function assertHidden(secret: string, texts: Readonly<Record<string, string>>): void {
  // The header is the same in every token of an issuer, and says nothing.
  const parts = secret.split(".").slice(-2).filter((part) => part !== "");
  for (const [name, text] of Object.entries(texts)) {
    for (const part of parts) assert.ok(!text.includes(part), `${name} shows a secret:\n${text}`);
  }
}

/**
 * Puts a browser on the desk: `xdg-open`, which runs a shell script with the address in `$1`.
 *
 * @returns the environment in which the program finds it
 */
export async function withBrowser(
  { path, env, write }: Desk,
  script: string,
): Promise<Readonly<Record<string, string>>> {
  await write({ "bin/xdg-open": `#!/bin/sh\n${script}\n` });
  await chmod(join(path, "bin/xdg-open"), 0o755);
  const programs = `${join(path, "bin")}:${process.env["PATH"]}`;
  return { ...env, DISPLAY: ":0", SSH_CONNECTION: "", PATH: programs };
}
