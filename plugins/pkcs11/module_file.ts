/**
 * Which file a PKCS#11 module is. Loading it runs its code, so it must be one that the user named by an absolute path,
 * or one that has the given name in a directory that the user or the system provides for modules.
 */

import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { printable, quote } from "../../core/text.ts";
import { safePlace } from "../_plugin/mod.ts";
import type { Pkcs11Uri } from "./uri.ts";

/** Where packages put modules. */
const SYSTEM_DIRECTORIES: Readonly<Record<string, readonly string[]>> = {
  linux: [
    ...["/usr/lib64/pkcs11", "/usr/lib/pkcs11"],
    ...libraryTriples().map((triple) => `/usr/lib/${triple}/pkcs11`),
    ...["/usr/lib64/softhsm", "/usr/lib/softhsm"],
    ...["/usr/lib64", ...libraryTriples().map((triple) => `/usr/lib/${triple}`), "/usr/lib"],
    ...["/usr/local/lib/pkcs11", "/usr/local/lib/softhsm", "/usr/local/lib"],
  ],
  darwin: [
    ...["/usr/local/lib/pkcs11", "/opt/homebrew/lib/pkcs11", "/Library/OpenSC/lib"],
    ...["/usr/local/lib/softhsm", "/opt/homebrew/lib/softhsm"],
    ...["/usr/local/lib", "/opt/homebrew/lib"],
  ],
  win32: [join(process.env["SystemRoot"] ?? "C:\\Windows", "System32")],
};

/**
 * The file of the module that a URI names, after all links.
 *
 * @param directories where a `module-name` is looked for before the system's directories
 * @throws {ModelSigningError} `PKCS11_MODULE_NOT_FOUND` when no directory has one of the name; `PKCS11_MODULE` when there
 * is none at the path, or when others could have put it there
 */
export async function findModule(
  { moduleName, modulePath }: Pkcs11Uri,
  directories: readonly string[],
): Promise<string> {
  for (const directory of directories) await requireDirectory(directory);
  if (moduleName !== undefined) requireName(moduleName);
  if (modulePath !== undefined) return await fromPath(modulePath, moduleName);
  if (moduleName === undefined) {
    throw unusable("the PKCS#11 URI names no module", {
      hint: 'add "?module-path=" and the absolute path of the module, or "?module-name=" and its ' +
        "name, such as softhsm2",
    });
  }
  const searched = [...directories, ...SYSTEM_DIRECTORIES[process.platform] ?? []];
  for (const directory of searched) {
    const found = await named(directory, moduleName);
    if (found !== undefined) return await vetted(found);
  }
  throw new ModelSigningError(
    "PKCS11_MODULE_NOT_FOUND",
    `there is no PKCS#11 module ${quote(moduleName)} in ${searched.map(printable).join(", ")}`,
  );
}

async function fromPath(path: string, name: string | undefined): Promise<string> {
  requireAbsolute("module-path", path);
  const facts = await stat(path).catch((error) => {
    throw unusable(`cannot find PKCS#11 module ${quote(path)}: ${systemReason(error)}`, {
      cause: error,
    });
  });
  if (!facts.isDirectory()) return await vetted(path);
  if (name === undefined) {
    throw unusable(`module-path ${quote(path)} is a directory, and there is no module-name`);
  }
  const found = await named(path, name);
  if (found === undefined) {
    throw unusable(`there is no PKCS#11 module ${quote(name)} in ${quote(path)}`);
  }
  return await vetted(found);
}

/** RFC 7512 2.4: a name is case-insensitive, and has neither `lib` before it nor an extension. */
async function named(directory: string, name: string): Promise<string | undefined> {
  let files: readonly string[];
  try {
    files = await readdir(directory);
  } catch (error) {
    // Most systems have only some of their directories. That given ones are there has been looked at.
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
    throw unusable(
      `cannot look for a PKCS#11 module in ${quote(directory)}: ${systemReason(error)}`,
      { cause: error },
    );
  }
  const stem = name.toLowerCase();
  const wanted = new Set(
    ["so", "dylib", "dll"].flatMap((end) => [`lib${stem}.${end}`, `${stem}.${end}`]),
  );
  const file = files.toSorted().find((file) => wanted.has(file.toLowerCase()));
  return file === undefined ? undefined : join(directory, file);
}

/** Refuses a file that others could have put there or could change: its code runs with the user's rights. */
async function vetted(path: string): Promise<string> {
  try {
    return await safePlace(path, { outside: [], what: "PKCS#11 module" });
  } catch (error) {
    if (!(error instanceof ModelSigningError)) throw error;
    const { message, hint } = error;
    throw unusable(message, { cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

function requireAbsolute(what: string, path: string): void {
  if (isAbsolute(path)) return;
  throw unusable(`${what} ${quote(path)} is relative, expected an absolute path`, {
    hint: "whoever controls the current folder could run code",
  });
}

async function requireDirectory(path: string): Promise<void> {
  requireAbsolute("the module directory", path);
  const facts = await stat(path).catch((error) => {
    throw unusable(`cannot search the module directory ${quote(path)}: ${systemReason(error)}`, {
      cause: error,
    });
  });
  if (facts.isDirectory()) return;
  throw unusable(`${quote(path)} is not a directory, expected one with modules`, {
    hint: `name the module itself in the URI: "?module-path=${path}"`,
  });
}

function requireName(name: string): void {
  if (/^[^/\\:]+$/.test(name) && name !== "." && name !== "..") return;
  throw unusable(`module-name ${quote(name)} is not a name`, {
    hint: "a path belongs into module-path",
  });
}

/** Debian's names for the architectures that the program is built for. */
function libraryTriples(): readonly string[] {
  const architecture = { x64: "x86_64", arm64: "aarch64" }[process.arch as string];
  return architecture === undefined ? [] : [`${architecture}-linux-gnu`];
}

function unusable(
  message: string,
  more: { readonly hint?: string; readonly cause?: unknown } = {},
): ModelSigningError {
  return new ModelSigningError("PKCS11_MODULE", message, more);
}
