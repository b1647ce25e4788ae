/** What a runner does for the action's step: variables, files for outputs, a folder, and a server with releases. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { programCommand } from "../support/cli.ts";
import { workbench } from "../support/workbench.ts";

const ACTION = fileURLToPath(new URL("../../.github/action", import.meta.url));

/** The version that the tests release. */
export const VERSION = "1.2.3";

/** How a step ended. */
export type Step = {
  readonly status: number | null;
  readonly log: string;
  /** What it wrote to `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY` and `GITHUB_PATH`. */
  readonly output: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly path: string;
};

/** A runner, and what it has for a job. */
export type Runner = AsyncDisposable & {
  /** The job's workspace, with `model/`, `key.pem` and `key.pub`. */
  readonly workspace: string;
  /** Paths that were fetched, without what they begin with. */
  readonly fetched: readonly string[];
  /** Puts a binary into the release, and its digest, or another one, into the action's list. */
  release(name: string, content: string, digest?: string): Promise<void>;
  /** Runs the action with inputs, named as in action.yml; `RUNNER_…` and others are variables. */
  step(inputs: Readonly<Record<string, string>>, env?: Record<string, string>): Promise<Step>;
};

/** A program that stands for the binary: a shell script that runs the source, or the binary itself. */
export function programScript(): string {
  const words = programCommand().map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  return `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`;
}

/** Starts a runner whose action has no release yet. */
export async function startRunner(): Promise<Runner> {
  const bench = await workbench();
  const home = await mkdtemp(join(tmpdir(), "model-signing-runner-"));
  const action = join(home, "action");
  await mkdir(action);
  await copyFile(join(ACTION, "run.sh"), join(action, "run.sh"));
  const checksums = join(action, "checksums.txt");
  await writeFile(checksums, "# none yet\n");
  const fetched: string[] = [];
  const releases = new Map<string, string>();
  const server = createServer(({ url = "" }: IncomingMessage, response: ServerResponse) => {
    const path = url.replace("/owner/tool/releases/download/", "");
    fetched.push(path);
    const content = releases.get(path);
    response.writeHead(content === undefined ? 404 : 200).end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  return {
    workspace: bench.path,
    fetched,
    async release(name, content, digest = createHash("sha256").update(content).digest("hex")) {
      releases.set(`v${VERSION}/${name}`, content);
      await writeFile(checksums, `${digest}  v${VERSION}/${name}\n`, { flag: "a" });
    },
    async step(inputs, env = {}) {
      const files = { GITHUB_OUTPUT: "", GITHUB_STEP_SUMMARY: "", GITHUB_PATH: "" };
      for (const name of Object.keys(files) as (keyof typeof files)[]) {
        await writeFile(files[name] = join(home, name), "");
      }
      const child = spawn("bash", [join(action, "run.sh")], {
        cwd: bench.path,
        env: {
          ...withoutJob(process.env),
          ...defaults(),
          ...Object.fromEntries(
            Object.entries(inputs).map(([name, value]) => [inputVariable(name), value]),
          ),
          ...files,
          RUNNER_OS: "Linux",
          RUNNER_ARCH: process.arch.toUpperCase(),
          RUNNER_TEMP: home,
          GITHUB_SERVER_URL: `http://127.0.0.1:${port}`,
          ACTION_REPOSITORY: "owner/tool",
          ...env,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let log = "";
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => log += text);
      }
      const status = await new Promise<number | null>((resolve, reject) => {
        child.once("error", reject).once("close", resolve);
      });
      const output = await readFile(files.GITHUB_OUTPUT, "utf8");
      return {
        status,
        log,
        output,
        outputs: Object.fromEntries(
          output.split("\n").filter((line) => line !== "").map((line) => [
            line.slice(0, line.indexOf("=")),
            line.slice(line.indexOf("=") + 1),
          ]),
        ),
        summary: await readFile(files.GITHUB_STEP_SUMMARY, "utf8"),
        path: await readFile(files.GITHUB_PATH, "utf8"),
      };
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      await rm(home, { recursive: true, force: true });
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** The inputs of action.yml with their defaults. */
export const INPUTS: Readonly<Record<string, string>> = {
  command: "verify",
  method: "sigstore",
  model: "",
  signature: "",
  identity: "",
  "identity-provider": "",
  "public-key": "",
  "certificate-chain": "",
  "private-key": "",
  password: "",
  "signing-certificate": "",
  "identity-token": "",
  args: "",
  version: "",
  "release-url": "",
};

/** The variable in which action.yml hands an input on. */
export function inputVariable(name: string): string {
  return `INPUT_${name.toUpperCase().replaceAll("-", "_")}`;
}

function defaults(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(INPUTS).map(([name, value]) => [inputVariable(name), value]),
  );
}

/** Variables of a job that this process may itself run in. */
function withoutJob(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(GITHUB|ACTIONS|RUNNER|MODEL_SIGNING)_/.test(name)),
  );
}
