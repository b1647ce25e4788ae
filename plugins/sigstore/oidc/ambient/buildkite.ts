/** Buildkite. */

import { execFile, type ExecFileException } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import process from "node:process";
import { childEnvironment } from "../../../../core/child_environment.ts";
import { aborted, ModelSigningError, throwIfAborted } from "../../../../core/errors.ts";
import type { RunOptions } from "../../../../core/options.ts";
import { Secret } from "../../../../core/secret.ts";
import { quote } from "../../../../core/text.ts";
import { MAX_TOKEN_BYTES } from "../jwt.ts";
import { DEFAULT_WAIT_MS } from "../within.ts";
import type { AmbientProvider, AmbientRequest } from "./provider.ts";

const AGENT = process.platform === "win32" ? "buildkite-agent.exe" : "buildkite-agent";

/** Asks the job's agent: `buildkite-agent oidc request-token --audience AUDIENCE`. */
export const buildkite: AmbientProvider = {
  name: "Buildkite",
  signs: "BUILDKITE",
  async isHere({ env }) {
    if (!env["BUILDKITE"]) return false;
    await findAgent(env["PATH"] ?? "");
    return true;
  },
  async token(request, options) {
    const agent = await findAgent(request.env["PATH"] ?? "");
    const { audience } = request;
    options.logger?.log("debug", "asking the Buildkite agent", { agent, audience });
    return await ask(agent, request, options);
  },
};

/** The agent's path. A folder that PATH names relatively is skipped, as whoever wrote the model could fill it. */
async function findAgent(path: string): Promise<string> {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const file = join(folder, AGENT);
    const executable = await access(file, constants.X_OK).then(() => true, () => false);
    if (executable && (await stat(file)).isFile()) return file;
  }
  throw new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    `this job of Buildkite cannot ask for an identity token: PATH holds no ${AGENT}`,
    { hint: `add the folder of ${AGENT} to PATH as an absolute path` },
  );
}

function ask(
  agent: string,
  { audience, env }: AmbientRequest,
  options: RunOptions,
): Promise<Secret> {
  throwIfAborted(options.signal);
  const timeout = options.timeout ?? DEFAULT_WAIT_MS;
  return new Promise((resolve, reject) => {
    execFile(agent, ["oidc", "request-token", "--audience", audience], {
      env: childEnvironment(env),
      timeout,
      // What it writes to stderr, too.
      maxBuffer: MAX_TOKEN_BYTES,
      killSignal: "SIGKILL",
      encoding: "utf8",
      ...(options.signal ? { signal: options.signal } : {}),
    }, (error, stdout) => {
      if (!error) return resolve(new Secret(stdout.trim()));
      reject(
        options.signal?.aborted
          ? aborted(options.signal.reason)
          : failure(error, agent, timeout, audience),
      );
    });
  });
}

/** Neither the cause nor what the agent wrote is passed on: both may hold the token. */
function failure(
  { code, killed }: ExecFileException,
  agent: string,
  timeout: number,
  audience: string,
): ModelSigningError {
  if (killed) {
    return new ModelSigningError(
      "NETWORK_TIMEOUT",
      `${quote(agent)} gave no identity token within ${timeout / 1000} s`,
    );
  }
  const reason = code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER"
    ? `it wrote more than ${MAX_TOKEN_BYTES} bytes`
    : typeof code === "number"
    ? `it ended with status ${code}`
    : `it could not be run (${String(code)})`;
  return new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    `${quote(agent)} gave no identity token: ${reason}`,
    {
      hint: `to see why, run ${AGENT} oidc request-token --audience ${quote(audience)} in the job`,
    },
  );
}
