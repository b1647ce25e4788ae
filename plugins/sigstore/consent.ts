/** What becomes public, said to whoever signs for the first time. */

import { createHash } from "node:crypto";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ModelSigningError, systemCode } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { ChosenServices } from "./services.ts";

/**
 * Tells what signing publishes and asks whether to go on, unless that was agreed to before for the same logs.
 *
 * @param cacheFolder the user's, where agreements are remembered; without one they are not
 * @throws {ModelSigningError} `ABORTED` when the answer is no, `INTERACTION_UNAVAILABLE`
 */
export async function requireConsent(
  { logs }: Pick<ChosenServices, "logs">,
  cacheFolder: string | undefined,
  options: RunOptions,
): Promise<void> {
  const names = logs.map(({ url }) => url.replace(/\/$/, "")).sort();
  const record = cacheFolder === undefined ? undefined : recordOf(cacheFolder, names);
  if (record !== undefined && await exists(record)) return;
  const { interaction } = options;
  if (!interaction) throw nobodyAgrees();
  interaction.tell([
    "Signing publishes the identity that you log in with (usually your email address), the time and a",
    "digest of the signed manifest in a log that everybody can read and nobody can delete from:",
    ...names.map((name) => `  ${name}`),
    "The model's files are sent to nobody. " +
    (logs.some(({ majorApiVersion }) => majorApiVersion === 1)
      ? "The log is sent their names and digests, and keeps a digest of these."
      : "Their names and digests neither."),
  ].join("\n"));
  const agreed = await interaction.confirm("Sign, and publish that?", options.signal)
    .catch((error) => {
      const noTerminal = error instanceof ModelSigningError &&
        error.code === "INTERACTION_UNAVAILABLE";
      throw noTerminal ? nobodyAgrees(error) : error;
    });
  if (!agreed) {
    throw new ModelSigningError(
      "ABORTED",
      "signing was declined; nothing was published or written",
      {
        hint:
          "sign with a key or a certificate, or against an instance of your own (--trust-config)",
      },
    );
  }
  if (record !== undefined) await remember(record, names, options);
}

function nobodyAgrees(cause?: ModelSigningError): ModelSigningError {
  return new ModelSigningError(
    "INTERACTION_UNAVAILABLE",
    "signing with a browser needs somebody at a terminal who agrees to publish their identity",
    {
      hint: "give --identity-token or --use-ambient-credentials",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/** One file for each set of logs. */
function recordOf(cacheFolder: string, names: readonly string[]): string {
  const id = createHash("sha256").update(names.join("\n")).digest("hex");
  return join(cacheFolder, "sigstore", "agreed", id);
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Whatever the reason: the question is asked again.
    return false;
  }
}

/** A folder that cannot be written only means that the question will be asked again. */
async function remember(
  record: string,
  names: readonly string[],
  { logger }: RunOptions,
): Promise<void> {
  try {
    await mkdir(dirname(record), { recursive: true, mode: 0o700 });
    // Anew: through a link, somebody who can write to the cache could have a file made elsewhere.
    await writeFile(record, `${names.join("\n")}\n`, { flag: "wx", mode: 0o600 });
  } catch (error) {
    logger?.log("debug", "could not remember the answer", { code: systemCode(error) });
  }
}
