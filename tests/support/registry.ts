/** Registries as child processes: the test registry of `tests/oci`, and Debian's `docker-registry`. */

import { Buffer } from "node:buffer";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Fault } from "../oci/faults.ts";
import type { Behaviour, RequestRecord, Started } from "../oci/server.ts";

/** A running test registry. */
export type TestRegistry = AsyncDisposable & Started & {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Changes how it behaves from now on. */
  behave(behaviour: Behaviour): Promise<void>;
  /** Turns a fault on, besides others. */
  fault(fault: Fault): Promise<void>;
  /** Makes all tokens useless that it gave. */
  expire(): Promise<void>;
  /** Makes a tag lead to another manifest with each request, and to the last from then on. */
  move(repository: string, tag: string, digests: readonly string[]): Promise<void>;
  /** Gives other contents away for a blob, one with each request, and the last from then on. */
  lie(digest: string, contents: readonly (string | Uint8Array)[]): Promise<void>;
  /** Stores any bytes as a manifest, by a digest or a tag. */
  put(repository: string, reference: string, type: string, bytes: Uint8Array): Promise<string>;
  /** The tags of a repository. */
  tags(repository: string): Promise<readonly string[]>;
  /** Requests since the start or the last {@link forget}, oldest first. */
  requests(): Promise<readonly RequestRecord[]>;
  /** Turns all faults off and forgets requests. */
  forget(): Promise<void>;
};

const MAIN = fileURLToPath(new URL("../oci/main.ts", import.meta.url));

/** What Deno, unlike Bun, has to be told to run a program. */
const RUN = "bun" in process.versions ? [] : ["run", "-A", "--quiet", "--no-check"];

/** Starts a test registry. */
export async function startTestRegistry(): Promise<TestRegistry> {
  const child = spawn(process.execPath, [...RUN, MAIN], { stdio: ["pipe", "pipe", "inherit"] });
  const started: Started = JSON.parse(await lineWith(child, child.stdout!, /^\{/));
  const control = async (name: string, body: unknown = {}): Promise<unknown> => {
    const response = await fetch(`${started.url}/test/${name}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return await response.json();
  };
  return {
    ...started,
    host: new URL(started.url).host,
    behave: async (behaviour) => void await control("behave", behaviour),
    fault: async (fault) => void await control("fault", fault),
    expire: async () => void await control("expire"),
    move: async (repository, tag, digests) =>
      void await control("move", { repository, tag, digests }),
    lie: async (digest, contents) =>
      void await control("lie", {
        digest,
        contents: contents.map((content) => Buffer.from(content).toString("base64")),
      }),
    put: async (repository, reference, type, bytes) =>
      await control("put", {
        ...{ repository, reference, type },
        bytes: Buffer.from(bytes).toString("base64"),
      }) as string,
    tags: async (repository) => await control("tags", { repository }) as string[],
    requests: async () => await control("requests") as RequestRecord[],
    forget: async () => void await control("forget"),
    async [Symbol.asyncDispose]() {
      await ended(child, () => child.stdin!.end());
    },
  };
}

/** How a `docker-registry` is set up. */
export type DockerRegistrySettings = {
  /** Files in PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Lets in {@link DOCKER_USER} only. */
  readonly password?: boolean;
  /** Lets in who has a token of this issuer for this service, signed with a certificate from this file in PEM. */
  readonly token?: {
    readonly realm: string;
    readonly issuer: string;
    readonly service: string;
    readonly certificates: string;
  };
};

/** A running `docker-registry`. */
export type DockerRegistry = AsyncDisposable & {
  /** `127.0.0.1:PORT` */
  readonly host: string;
};

/** Who may use a `docker-registry` with a password. */
export const DOCKER_USER: { readonly username: string; readonly password: string } = {
  username: "ada",
  password: "lovelace",
};

/** `htpasswd -nbB ada lovelace`: other hashes than bcrypt are refused. */
const HTPASSWD = "ada:$2y$05$3h6iefTOcrFD7XOiL4JWG.1qRVEGGOSkbYj4vDL/GOccs3v7uxwSq\n";

/** Whether Debian's `docker-registry` is installed. */
export const hasDockerRegistry: boolean = spawnSync("docker-registry", ["--version"]).status === 0;

/** Starts Debian's `docker-registry` on a port of its own, with what it stores in a folder that is removed. */
export async function startDockerRegistry(
  { tls, password, token }: DockerRegistrySettings = {},
): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "docker-registry-"));
  writeFileSync(join(folder, "htpasswd"), HTPASSWD);
  const auth = {
    ...(password ? { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } : {}),
    ...(token
      ? {
        token: {
          realm: token.realm,
          issuer: token.issuer,
          service: token.service,
          rootcertbundle: token.certificates,
        },
      }
      : {}),
  };
  // JSON is YAML.
  writeFileSync(
    join(folder, "config.yml"),
    JSON.stringify({
      version: "0.1",
      log: { level: "info", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(folder, "storage") } },
      http: { addr: "127.0.0.1:0", ...(tls ? { tls } : {}) },
      ...(password || token ? { auth } : {}),
    }),
  );
  // Into a file: a pipe would be full, and the registry wait, when nobody reads because a program is run.
  const log = join(folder, "log");
  const file = openSync(log, "w");
  const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
    stdio: ["ignore", "ignore", file],
  });
  closeSync(file);
  const listening = /listening on (127\.0\.0\.1:\d+)/;
  while (!listening.test(readFileSync(log, "utf8"))) {
    if (child.exitCode !== null) throw new Error("docker-registry did not start");
    await sleep(20);
  }
  return {
    host: listening.exec(readFileSync(log, "utf8"))![1]!,
    async [Symbol.asyncDispose]() {
      await ended(child, () => child.kill());
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function lineWith(
  child: ChildProcess,
  stream: NodeJS.ReadableStream,
  pattern: RegExp,
): Promise<string> {
  const lines = createInterface({ input: stream });
  const said: string[] = [];
  const found = new Promise<string>((resolve) => {
    lines.on("line", (line) => {
      said.push(line);
      if (pattern.test(line)) resolve(line);
    });
  });
  const exit = once(child, "exit").then(() => {
    throw new Error(`the registry did not start:\n${said.join("\n")}`);
  });
  exit.catch(() => {});
  const line = await Promise.race([found, exit]);
  lines.close();
  return line;
}

async function ended(child: ChildProcess, end: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  end();
  await exit;
}
