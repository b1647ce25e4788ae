/** The file system as a provider of models. */

import path from "node:path";
import { hintedSource, type Hints } from "../../core/hint.ts";
import type { RunOptions } from "../../core/options.ts";
import {
  CONTRACT_VERSION,
  type Plugin,
  type Settings,
  type SourceProvider,
} from "../../core/plugin.ts";
import { listSetting, textSetting } from "../../core/settings.ts";
import type { OpenedSource } from "../../core/source.ts";
import { exists } from "./root.ts";
import { fileSystemSource } from "./source.ts";

const file: SourceProvider = {
  kind: "source",
  id: "file",
  summary: "a directory or a single file",
  options: [
    {
      name: "ignore-paths",
      type: "string",
      metavar: "PATH",
      description:
        "Path inside the model to leave out, with everything below it: absolute, relative to the model, " +
        "or relative to the current folder when the model has no such path. One that is in both is " +
        "refused, one outside the model leaves nothing out. No wildcards; several may be joined by commas.",
      repeatable: true,
      // What is left out is covered by no signature, so only the command line may say so.
      fromEnvironment: false,
    },
    {
      name: "signature",
      type: "file",
      metavar: "FILE",
      description: "Signature file; left out of the model when it lies inside.",
    },
  ],
  open: openFile,
};

/** Of options that this source and every command that hashes models have. */
const HINTS: Hints = {
  ENTRY_NAME: "rename it, or leave out the folder it lies in with --ignore-paths",
  ENTRY_SYMLINK: "add --allow-symlinks to follow links, or leave the path out with --ignore-paths",
  ENTRY_SYMLINK_DANGLING: "restore its target, or leave the path out with --ignore-paths",
  ENTRY_SYMLINK_CYCLE: "remove the link, or leave the path out with --ignore-paths",
  ENTRY_NOT_REGULAR: "remove it, or leave the path out with --ignore-paths",
};

/** Directories and files as models. */
export const fsPlugin: Plugin = {
  name: "fs",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [file],
};

/** Opens `reference`, a path. A signature called `-` is standard output or input, not a file. */
async function openFile(
  reference: string,
  settings: Settings,
  options: RunOptions,
): Promise<OpenedSource> {
  const ignorePaths = listSetting(settings, "ignore-paths");
  const signature = textSetting(settings, "signature");
  const source = await fileSystemSource(reference, {
    ...options,
    ignorePaths: ignorePaths.flatMap((typed) => separated(typed, reference)),
    ...(signature === undefined || signature === "-" ? {} : { signature }),
  });
  return { source: hintedSource(source, HINTS) };
}

/** `a,b` is two paths, unless something has that very name: the Python tool never splits. */
function separated(typed: string, reference: string): readonly string[] {
  const whole = [path.resolve(typed), path.resolve(reference, typed)];
  return whole.some((absolute) => exists(absolute) !== false) ? [typed] : typed.split(",");
}
