/** Programs that are plugins, in a folder of their own. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import type { Logger } from "../../../core/logger.ts";
import type { Interaction, RunOptions } from "../../../core/options.ts";
import type { Provider, Settings } from "../../../core/plugin.ts";
import { Secret } from "../../../core/secret.ts";
import type { Signed } from "../../../core/signer.ts";
import {
  type ExecOptions,
  type LoadedExecutable,
  loadExecutable,
} from "../../../plugins/exec/mod.ts";
import { programSource } from "../../support/plugin_programs.ts";

export const PAE: Uint8Array = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);

/** The key that the programs sign with. */
export const KEY: string = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  .export({ type: "pkcs8", format: "pem" }).toString();

export type Folder = AsyncDisposable & { readonly path: string };

export async function folder(): Promise<Folder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "model-signing-exec-")));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Writes a program that runs this Python code. */
export async function program({ path }: Folder, code: string, name = "demo"): Promise<string> {
  const file = join(path, `model-signing-plugin-${name}`);
  await writeFile(file, programSource(code, KEY));
  await chmod(file, 0o755);
  return file;
}

export async function load(
  path: string,
  options: Partial<ExecOptions> = {},
  run: RunOptions = {},
): Promise<LoadedExecutable> {
  const given = { outside: [], environment: process.env, programVersion: "1", ...options };
  return await loadExecutable(path, given, run);
}

export async function providerOf<K extends Provider["kind"]>(
  kind: K,
  path: string,
  options: Partial<ExecOptions> = {},
): Promise<Extract<Provider, { kind: K }>> {
  const { plugin } = await load(path, options);
  const found = plugin.providers.find((provider) => provider.kind === kind);
  assert.ok(found, `there is no ${kind}`);
  return found as Extract<Provider, { kind: K }>;
}

/** Signs once with a program that runs this code. */
export async function signWith(
  code: string,
  run: RunOptions = {},
  settings: Settings = {},
  options: Partial<ExecOptions> = {},
): Promise<Signed> {
  await using place = await folder();
  const provider = await providerOf("signer", await program(place, code), options);
  const opened = await provider.open(settings, run);
  try {
    return await opened.signer.sign(PAE, run);
  } finally {
    await opened.signer[Symbol.asyncDispose]();
  }
}

export async function assertFails(running: Promise<unknown>, code: ErrorCode): Promise<string> {
  let message = "";
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, code, error.message);
    if (code !== "ABORTED") assert.match(error.message, /plugin "/);
    message = error.message;
    return true;
  });
  return message;
}

/** A logger that keeps its lines. */
export function keepingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, log: (level, message) => void lines.push(`${level}: ${message}`) };
}

/** A person who gives these answers, one after the other. */
export function person(...answers: readonly string[]): Interaction & { readonly heard: string[] } {
  const heard: string[] = [];
  const left = [...answers];
  const next = (text: string): string => {
    heard.push(text);
    const answer = left.shift();
    if (answer === undefined) {
      throw new ModelSigningError("INTERACTION_UNAVAILABLE", "nobody can be asked");
    }
    return answer;
  };
  return {
    heard,
    askSecret: (text) => Promise.resolve().then(() => new Secret(next(text))),
    ask: (text) => Promise.resolve().then(() => next(text)),
    confirm: (text) => Promise.resolve().then(() => next(text) === "yes"),
    tell: (text) => void heard.push(text),
    openBrowser: () => Promise.resolve(false),
  };
}
