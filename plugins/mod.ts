/** The built-in plugins. */

import type { Plugin } from "../core/plugin.ts";
import { certificatePlugin } from "./certificate/mod.ts";
import { fsPlugin } from "./fs/mod.ts";
import { keyPlugin } from "./key/mod.ts";
import { ociPlugin } from "./oci/mod.ts";
import { pkcs11Plugin } from "./pkcs11/mod.ts";
import { sigstorePlugin } from "./sigstore/mod.ts";

export * from "./certificate/mod.ts";
export * from "./exec/mod.ts";
export * from "./fs/mod.ts";
export * from "./hash/mod.ts";
export * from "./key/mod.ts";
export * from "./module/mod.ts";
/** What else `plugins/oci` has is the entry `model-signing/oci`. */
export { ociPlugin } from "./oci/mod.ts";
export * from "./pkcs11/mod.ts";
export { findProgram } from "./_program/mod.ts";
export {
  declarationAt,
  type DeclaredAction,
  type DeclaredProvider,
  openCalls,
  type PlaceOptions,
  type PluginDeclaration,
  type SafeFile,
  safeFile,
  safePlace,
} from "./_plugin/mod.ts";
export { readCapped, readInput, STDIN } from "./_input/mod.ts";
export * from "./sigstore/mod.ts";

/** Every built-in plugin, in the order of the help page. */
export const builtinPlugins: readonly Plugin[] = [
  sigstorePlugin,
  keyPlugin,
  certificatePlugin,
  pkcs11Plugin,
  fsPlugin,
  ociPlugin,
];
