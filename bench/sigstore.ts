/** How long it takes to verify a Sigstore signature, and what signing with an identity adds. */

import { generateKeyPairSync } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { type Sigstore, startSigstore } from "../tests/support/sigstore.ts";
import { writeFiles } from "./data.ts";
import { type Command, compare, isInstalled, median, medianTime, time } from "./measure.ts";
import type { Table } from "./table.ts";

/** What is measured, and where. */
export type SigstoreBenchOptions = {
  readonly binary: string;
  /** A folder for the model and its signatures. */
  readonly directory: string;
};

const RUNS = 10;

/** What must be reached with a model of three files. */
const MOST_TO_VERIFY_MS = 150;

/** What a service far away takes to answer; public instances take longer. */
const DELAY_MS = 50;

const IDENTITY = "dev@example.com";

/** Measures all of it with a loopback Sigstore. */
export async function benchSigstore(
  table: Table,
  { binary, directory }: SigstoreBenchOptions,
): Promise<void> {
  await using sigstore = await startSigstore();
  const model = writeFiles(join(directory, "identity"), 3, 4096);
  const token = join(directory, "token");
  const key = join(directory, "private.pem");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
  for (const [rekor, config] of [[1, sigstore.trustConfig], [2, sigstore.trustConfigV2]] as const) {
    const signature = join(directory, `rekor-${rekor}.sig`);
    writeFileSync(token, await sigstore.token());
    const trust = ["--signature", signature, "--trust-config", config];
    const sign: Command = [binary, "sign", model, ...trust, "--identity-token", `@${token}`];
    time(sign);
    const verify: Command = [
      ...[binary, "verify", model, ...trust] as const,
      ...["--identity", IDENTITY, "--identity-provider", sigstore.issuer],
    ];
    const label = `three files, Sigstore with Rekor v${rekor}`;
    table.atMost(`verify ${label}`, medianTime(verify, RUNS), MOST_TO_VERIFY_MS, "ms");
    besidePython(table, "the same, Python tool", verify);
    await late(sigstore, rekor === 1 ? "rekor" : "rekor2");
    const withKey: Command = [
      ...[binary, "sign", "key", model] as const,
      ...["--private-key", key, "--signature", join(directory, "key.sig")],
    ];
    const beside = `sign them: added to sign key, calls of ${DELAY_MS} ms and more`;
    table.against(beside, added(sign, withKey), 1);
    await sigstore.reset();
  }
  rmSync(model, { recursive: true });
}

/** The same command line in the Python tool's spelling. */
function besidePython(table: Table, label: string, ours: Command): void {
  const tool = process.env["MODEL_SIGNING_PYTHON_TOOL"] || "model_signing";
  if (!isInstalled(tool)) return table.skip(label, "the Python tool");
  const [, command, ...rest] = ours as readonly [string, string, ...string[]];
  const theirs = rest.map((arg) => arg.startsWith("--") ? arg.replaceAll(/(?<=\w)-/g, "_") : arg);
  table.against(label, compare(ours, [tool, command, "sigstore", ...theirs], RUNS), undefined);
}

/** Lets the services that signing needs answer late. */
async function late(sigstore: Sigstore, log: "rekor" | "rekor2"): Promise<void> {
  for (const service of ["fulcio", log, "tsa"] as const) {
    await sigstore.fault({ service, kind: "late", delay: DELAY_MS });
  }
}

/** What signing with an identity takes longer than with a key, and the sum of what its requests took. */
function added(sign: Command, withKey: Command) {
  const log = `${sign[2]}.log`;
  const logged: Command = [
    ...sign,
    ...["--log-level", "debug", "--log-format", "json", "--output-file", log],
  ];
  time(withKey);
  const found = Array.from({ length: RUNS }, () => {
    const ours = time(logged) - time(withKey);
    const peer = callsIn(readFileSync(log, "utf8"));
    rmSync(log);
    return { ours, peer, ratio: peer / ours };
  });
  return {
    ours: median(found.map(({ ours }) => ours)),
    peer: median(found.map(({ peer }) => peer)),
    ratio: median(found.map(({ ratio }) => ratio)),
  };
}

/** Sum of the times of all requests in a log, in ms. */
function callsIn(log: string): number {
  return log.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line))
    .filter(({ message }) => message === "http.request done")
    .reduce((sum, { ms }) => sum + ms, 0);
}
