/** The loopback Sigstore of `tests/sigstore` as a child process. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { FaultKind, ServiceName } from "../sigstore/faults.ts";
import type { RequestRecord, Started } from "../sigstore/server.ts";
import type { TufAction } from "../sigstore/tuf.ts";

/** A fault to turn on; see `tests/sigstore/faults.ts` for the lies of each service. */
export type FaultSpec = {
  readonly service: ServiceName;
  readonly kind: FaultKind | (string & Record<never, never>);
  /** For the kind `status`. Default 500. */
  readonly status?: number;
  /** For the kinds `status` and `garbage`. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the kind `late`: ms after which the right answer is given. */
  readonly delay?: number;
  /** How many requests it hits. Default: all until {@link Sigstore.reset}. */
  readonly count?: number;
};

/** Claims of a token; null leaves one out. */
export type TokenClaims = Readonly<Record<string, unknown>>;

/** A running instance. */
export type Sigstore = AsyncDisposable & Started & {
  /** Trust and how to sign, with Rekor v1 and with Rekor v2. */
  readonly trustConfig: string;
  readonly trustConfigV2: string;
  readonly trustedRoot: string;
  readonly signingConfig: string;
  readonly signingConfigV2: string;
  /** Version 1 of the root of the TUF repository. */
  readonly tufRoot: string;
  /** A signed identity token with these claims instead of its own. */
  token(claims?: TokenClaims): Promise<string>;
  /** Says who logs in interactively, until {@link reset}. */
  login(identity: TokenClaims): Promise<void>;
  /** Turns a fault on, in place of the service's last one. */
  fault(fault: FaultSpec): Promise<void>;
  /** Changes the TUF repository; `targets` replaces files by name when the action is `bump`. */
  tufAct(action: TufAction, targets?: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Turns all faults off, forgets requests and who was to log in, and puts the TUF repository back. What is in
   * the logs stays.
   */
  reset(): Promise<void>;
  /** Requests since the start or the last {@link reset}, oldest first. */
  requests(): Promise<readonly RequestRecord[]>;
  /** Ends it. Its folder is removed. */
  stop(): Promise<void>;
};

const MAIN = fileURLToPath(new URL("../sigstore/main.ts", import.meta.url));

/** What Deno, unlike Bun, has to be told to run a program. */
const RUN = "bun" in process.versions ? [] : ["run", "-A", "--quiet", "--no-check"];

/** Claims of a GitHub Actions token for `octo-org/model`, but for the issuer. */
export const GITHUB_CLAIMS: TokenClaims = {
  sub: "repo:octo-org/model:ref:refs/heads/main",
  email: null,
  email_verified: null,
  event_name: "push",
  sha: "0123456789abcdef0123456789abcdef01234567",
  ref: "refs/heads/main",
  workflow: "release",
  workflow_ref: "octo-org/model/.github/workflows/release.yml@refs/heads/main",
  workflow_sha: "0123456789abcdef0123456789abcdef01234567",
  job_workflow_ref: "octo-org/model/.github/workflows/release.yml@refs/heads/main",
  job_workflow_sha: "0123456789abcdef0123456789abcdef01234567",
  repository: "octo-org/model",
  repository_id: "74",
  repository_owner: "octo-org",
  repository_owner_id: "65",
  repository_visibility: "public",
  runner_environment: "github-hosted",
  run_id: "30433642",
  run_attempt: "1",
};

/** Starts an instance on a port of its own. */
export async function startSigstore(): Promise<Sigstore> {
  const child = spawn(process.execPath, [...RUN, MAIN], { stdio: ["pipe", "pipe", "inherit"] });
  const started = await firstLine(child);
  const stop = () => ended(child);
  const file = (name: string) => join(started.folder, name);
  const control = async (path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(
      `${started.url}/test/${path}`,
      body === undefined ? {} : { method: "POST", body: JSON.stringify(body) },
    );
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${answer.message}`);
    return answer;
  };
  return {
    ...started,
    trustConfig: file("trust_config.json"),
    trustConfigV2: file("trust_config_v2.json"),
    trustedRoot: file("trusted_root.json"),
    signingConfig: file("signing_config.json"),
    signingConfigV2: file("signing_config_v2.json"),
    tufRoot: file("tuf_root.json"),
    token: async (claims = {}) => (await control("token", claims) as { token: string }).token,
    login: async (identity) => void await control("login", identity),
    fault: async (fault) => void await control("fault", fault),
    tufAct: async (action, targets = {}) => void await control("tuf", { action, targets }),
    reset: async () => void await control("reset", {}),
    requests: async () => await control("requests") as readonly RequestRecord[],
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function firstLine(child: ChildProcess): Promise<Started> {
  const lines = createInterface({ input: child.stdout! });
  const line = await Promise.race([
    once(lines, "line").then(([text]) => text as string),
    once(child, "exit").then(() => undefined),
  ]);
  lines.close();
  if (line === undefined) throw new Error("the loopback Sigstore did not start");
  return JSON.parse(line);
}

/** Closing its standard input ends it. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.stdin!.end();
  await exit;
}
