/** Whether a compiled file is what its platform runs. */

import type { Buffer } from "node:buffer";
import { adHocSignatureFault } from "./code_signature.ts";
import { readElf } from "./elf.ts";
import { readMachO } from "./mach_o.ts";
import { readPe } from "./pe.ts";
import type { Platform } from "./platforms.ts";

/** The paths at which every Linux has its loader. */
const INTERPRETERS = {
  glibc: { x64: "/lib64/ld-linux-x86-64.so.2", arm64: "/lib/ld-linux-aarch64.so.1" },
  musl: { x64: "/lib/ld-musl-x86_64.so.1", arm64: "/lib/ld-musl-aarch64.so.1" },
} as const;

/**
 * Checks the structure of an executable, without running it.
 *
 * @param addon the content of the native BLAKE3, which has to be in it
 * @throws {Error} that says what is wrong
 */
export function checkExecutable(file: Buffer, platform: Platform, addon: Buffer): void {
  const found = architecture(file, platform);
  if (found !== platform.architecture) {
    throw new Error(`the executable is for ${found}, not for ${platform.architecture}`);
  }
  if (!file.includes(addon)) throw new Error(`the executable does not hold ${platform.addon}`);
}

function architecture(file: Buffer, platform: Platform): string {
  switch (platform.os) {
    case "linux": {
      const elf = readElf(file);
      const wanted = INTERPRETERS[platform.libc ?? "glibc"][platform.architecture];
      if (elf.interpreter !== wanted) {
        throw new Error(`the executable asks for the loader "${elf.interpreter}", not "${wanted}"`);
      }
      return elf.architecture;
    }
    case "darwin": {
      const fault = adHocSignatureFault(file);
      if (fault !== undefined) throw new Error(fault);
      return readMachO(file).architecture;
    }
    case "win32": {
      const pe = readPe(file);
      if (!pe.console) throw new Error("the executable is not for the console");
      // Bun's own signature would be wrong after anything was added.
      if (pe.signed) throw new Error("the executable carries a signature that was made before it");
      return pe.architecture;
    }
  }
}
