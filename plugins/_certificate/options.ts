/** The options of signing with a certificate. */

import { MAX_KEY_FILE_BYTES } from "../../core/limits.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Option, Settings } from "../../core/plugin.ts";
import { listSetting, textSetting } from "../../core/settings.ts";
import { type NamedBytes, readCapped, readFiles } from "../_input/mod.ts";

/** The CAs that travel in the bundle. Read by {@link readChainFiles}. */
export const CERTIFICATE_CHAIN_OPTION: Option = {
  name: "certificate-chain",
  type: "file",
  metavar: "FILE",
  repeatable: true,
  commaSeparated: true,
  description: "CA certificates above it, PEM or DER, in any order; the root may be left out",
};

/** The file that `signing-certificate` names, if it is given. Throws `FILE_UNREADABLE`, `ABORTED`. */
export async function readSigningCertificate(
  settings: Settings,
  options: RunOptions,
): Promise<NamedBytes | undefined> {
  const path = textSetting(settings, "signing-certificate");
  if (path === undefined) return undefined;
  return { name: path, bytes: await readCapped(path, "certificate", MAX_KEY_FILE_BYTES, options) };
}

/** The files that `certificate-chain` lists. Throws `FILE_UNREADABLE`, `ABORTED`. */
export async function readChainFiles(
  settings: Settings,
  options: RunOptions,
): Promise<readonly NamedBytes[]> {
  const paths = listSetting(settings, "certificate-chain");
  return await readFiles(paths, "certificate chain", MAX_KEY_FILE_BYTES, options);
}
