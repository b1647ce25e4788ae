/** Buildkite. */

import { ModelSigningError } from "../../../../core/errors.ts";
import type { RunOptions } from "../../../../core/options.ts";
import { Secret } from "../../../../core/secret.ts";
import { quote } from "../../../../core/text.ts";
import { askProgram, findProgram, PROGRAM_SUFFIX } from "../../../_program/mod.ts";
import { MAX_TOKEN_BYTES } from "../jwt.ts";
import { DEFAULT_WAIT_MS } from "../within.ts";
import type { AmbientProvider, AmbientRequest } from "./provider.ts";

const AGENT = `buildkite-agent${PROGRAM_SUFFIX}`;

/** Asks the job's agent: `buildkite-agent oidc request-token --audience AUDIENCE`. */
export const buildkite: AmbientProvider = {
  name: "Buildkite",
  signs: "BUILDKITE",
  async isHere({ env }) {
    if (!env["BUILDKITE"]) return false;
    await findAgent(env);
    return true;
  },
  async token(request, options) {
    const agent = await findAgent(request.env);
    const { audience } = request;
    options.logger?.log("debug", "asking the Buildkite agent", { agent, audience });
    return await ask(agent, request, options);
  },
};

async function findAgent(env: AmbientRequest["env"]): Promise<string> {
  const agent = await findProgram(AGENT, env);
  if (agent !== undefined) return agent;
  throw new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    "this job of Buildkite cannot ask for an identity token: " +
      `PATH holds no ${AGENT} outside the current folder`,
    { hint: `add the folder of ${AGENT} to PATH as an absolute path` },
  );
}

async function ask(
  agent: string,
  { audience, env }: AmbientRequest,
  options: RunOptions,
): Promise<Secret> {
  const { stdout, fault } = await askProgram({
    path: agent,
    args: ["oidc", "request-token", "--audience", audience],
    environment: env,
    maxBytes: MAX_TOKEN_BYTES,
    timeout: DEFAULT_WAIT_MS,
  }, options);
  if (!fault) return new Secret(stdout.trim());
  throw new ModelSigningError(
    fault.late ? "NETWORK_TIMEOUT" : "TOKEN_UNAVAILABLE",
    `${quote(agent)} gave no identity token: ${fault.reason}`,
    {
      hint: `to see why, run ${AGENT} oidc request-token --audience ${quote(audience)} in the job`,
    },
  );
}
