/** Modules that are loaded. A process has each of them once, however many signers use it. */

import { ModelSigningError } from "../../core/errors.ts";
import { excerpt, quote } from "../../core/text.ts";
import { Cryptoki } from "./cryptoki.ts";
import { explained } from "./explain.ts";
import { nativeRuntime } from "./ffi.ts";
import { hostAbi } from "./layout.ts";
import { CryptokiError } from "./return_value.ts";

/** A module while it is in use. */
export type ModuleLease = Disposable & { readonly cryptoki: Cryptoki };

type Loaded = {
  readonly cryptoki: Cryptoki;
  users: number;
  /** False when someone else initialised the module, who will also finalise it. */
  initialisedHere: boolean;
};

/** By path. Never unloaded: a module may have threads. */
const loaded = new Map<string, Loaded>();

/**
 * Loads and initialises a module.
 *
 * @param path what `findModule` gave
 * @throws {ModelSigningError} `PKCS11_MODULE`, `PKCS11_FAILED`
 */
export async function useModule(path: string): Promise<ModuleLease> {
  const runtime = await nativeRuntime();
  let module = loaded.get(path);
  if (module === undefined) {
    try {
      const cryptoki = new Cryptoki(runtime, hostAbi(), path);
      module = { cryptoki, users: 0, initialisedHere: false };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ModelSigningError(
        "PKCS11_MODULE",
        `cannot load ${quote(path)} as a PKCS#11 module: ${excerpt(reason)}`,
        { cause: error },
      );
    }
    loaded.set(path, module);
  }
  const { cryptoki } = module;
  if (module.users === 0) {
    module.initialisedHere = explained(
      `initialise PKCS#11 module ${quote(path)}`,
      () => cryptoki.initialize(),
    );
  }
  module.users++;
  let inUse = true;
  return {
    cryptoki,
    [Symbol.dispose]: () => {
      if (!inUse) return;
      inUse = false;
      module.users--;
      if (module.users > 0 || !module.initialisedHere) return;
      try {
        cryptoki.finalize();
      } catch (error) {
        // What was signed is signed. The module is asked again when it is next initialised.
        if (!(error instanceof CryptokiError)) throw error;
      }
    },
  };
}
