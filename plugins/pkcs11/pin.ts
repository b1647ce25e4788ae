/** Where a token's PIN comes from. */

import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { readCapped } from "../_input/mod.ts";
import { allocate } from "./layout.ts";
import type { Token } from "./token.ts";
import type { Pkcs11Uri } from "./uri.ts";

/** Bytes of a PIN file. */
const MAX_PIN_FILE_BYTES = 4096;

/**
 * Finds the PIN: in the URI, in the file that the URI names, as given, else by asking.
 *
 * @param given by whoever opens the signer
 * @throws {ModelSigningError} `PKCS11_PIN` when there is none, `USAGE_PKCS11_URI`, `FILE_UNREADABLE`, `ABORTED`
 */
export async function findPin(
  uri: Pkcs11Uri,
  given: Secret | undefined,
  { label }: Token,
  options: RunOptions,
): Promise<Secret> {
  if (uri.pinValue !== undefined) return uri.pinValue;
  if (uri.pinSource !== undefined) return await readPin(uri.pinSource, options);
  if (given !== undefined) return given;
  const none = (cause?: unknown) =>
    new ModelSigningError("PKCS11_PIN", `token ${quote(label)} needs its PIN, and none was given`, {
      hint: "set PKCS11_PIN, or add pin-source= and a file to the query of the PKCS#11 URI",
      cause,
    });
  const { interaction, signal } = options;
  if (!interaction) throw none();
  try {
    return await interaction.askSecret(`PIN of token ${quote(label)}: `, signal);
  } catch (error) {
    if (error instanceof ModelSigningError && error.code === "INTERACTION_UNAVAILABLE") {
      throw none(error);
    }
    throw error;
  }
}

/**
 * Hands a PIN to `use` as bytes, and overwrites them.
 *
 * @throws {ModelSigningError} `PKCS11_PIN` for one that the token cannot have: it costs no attempt
 */
export function withPinBytes<T>(pin: Secret, token: Token, use: (bytes: Uint8Array) => T): T {
  const encoded = Buffer.from(pin.reveal(), "utf8");
  const bytes = allocate(encoded.length);
  bytes.set(encoded);
  encoded.fill(0);
  try {
    const { length } = bytes;
    // Some modules leave the longest at 0.
    const tooLong = token.maxPin > 0n && length > token.maxPin;
    if (length === 0 || length < token.minPin || tooLong) {
      throw new ModelSigningError(
        "PKCS11_PIN",
        `the PIN cannot be that of token ${quote(token.label)}, which has ${token.minPin} to ` +
          `${token.maxPin} bytes; it was not tried`,
      );
    }
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** The first line of a file that `pin-source` names: a path, or a `file:` URI. */
async function readPin(source: string, options: RunOptions): Promise<Secret> {
  const path = pinPath(source);
  const bytes = await readCapped(path, "PIN file", MAX_PIN_FILE_BYTES, options);
  try {
    const [pin = ""] = new TextDecoder("utf-8", { fatal: true }).decode(bytes).split(/\r?\n/, 1);
    // UTF-16, as PowerShell writes it, would cost an attempt.
    if (!pin.includes("\0")) return new Secret(pin);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  } finally {
    bytes.fill(0);
  }
  throw new ModelSigningError(
    "PKCS11_PIN",
    `the PIN file ${quote(path)} is not UTF-8 text; no PIN was tried`,
  );
}

function pinPath(source: string): string {
  if (source.startsWith("|")) {
    throw unusable("names a command, which is not run; give a file, or PKCS11_PIN");
  }
  if (!/^[a-z][a-z0-9+.-]+:/i.test(source)) {
    if (source === "") throw unusable("is empty");
    return source;
  }
  if (!/^file:/i.test(source)) throw unusable("is a URI of another scheme than file:");
  // A parser of URLs would begin a relative path at the root.
  if (!/^file:\//i.test(source)) throw unusable("is a file: URI with a relative path");
  try {
    return fileURLToPath(source);
  } catch {
    throw unusable("is no file: URI of this machine");
  }
}

function unusable(problem: string): ModelSigningError {
  return new ModelSigningError(
    "USAGE_PKCS11_URI",
    `cannot use the PKCS#11 URI: its pin-source ${problem}`,
  );
}
