/** How fast models in registries are verified, re-hashed and pulled. */

import { Buffer } from "node:buffer";
import { generateKeyPairSync, randomFillSync } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { layerOf, manifestOf } from "../tests/support/oci_manifests.ts";
import { CONFIG, pushBlob, pushModel, REPOSITORY } from "../tests/support/oci_push.ts";
import {
  hasDockerRegistry,
  startDockerRegistry,
  startTestRegistry,
} from "../tests/support/registry.ts";
import { type Command, compare, isInstalled, medianTime, peakMemory, time } from "./measure.ts";
import type { Table } from "./table.ts";

const MIB = 1024 * 1024;

/** What must be reached. */
const MOST_TO_VERIFY_MS = 1000;
const LEAST_RATIO = 0.8;
const MOST_MEMORY_MIB = 250;

const LAYERS = 16;
const RUNS = 10;

/** What is measured, and where. */
export type OciBenchOptions = {
  readonly binary: string;
  /** A folder for keys and for what is pulled. */
  readonly directory: string;
  /** How often each is timed beside its peer. */
  readonly pairs: number;
  /** Whether to take a sixteenth of the data. */
  readonly quick: boolean;
};

/** Measures all of it with registries on loopback. */
export async function benchOci(table: Table, options: OciBenchOptions): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [key, pub] = [join(options.directory, "oci.pem"), join(options.directory, "oci.pub")];
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(pub, publicKey.export({ type: "spki", format: "pem" }));
  const { binary } = options;
  const commands: Commands = {
    sign: (model) => [binary, "sign", "key", model, "--private-key", key],
    verify: (model, ...more) => [binary, "verify", "key", model, "--public-key", pub, ...more],
  };
  await manyLayers(table, commands);
  if (!hasDockerRegistry) return table.skip("16 layers in a registry", "docker-registry");
  if (!isInstalled("curl")) return table.skip("16 layers in a registry", "curl");
  await largeLayers(table, commands, options);
}

type Commands = {
  readonly sign: (model: string) => Command;
  readonly verify: (model: string, ...more: readonly string[]) => Command;
};

/** The manifest is what is verified: no layer may be fetched. */
async function manyLayers(table: Table, { sign, verify }: Commands): Promise<void> {
  await using registry = await startTestRegistry();
  const layers = Array.from({ length: 1000 }, (_, index) => ({
    content: `layer ${index}`,
    title: `weights/part-${index}.bin`,
  }));
  await pushModel(registry.host, { layers });
  const model = `oci://${registry.host}/${REPOSITORY}:v1`;
  time(sign(model));
  await registry.forget();
  const elapsed = medianTime(verify(model), RUNS);
  const fetched = (await registry.requests()).filter(({ part }) => part === "blobs");
  // The signature's own, in each run and in the one that is not counted.
  if (fetched.length !== RUNS + 1) throw new Error(`${fetched.length} blobs were fetched`);
  table.atMost("verify 1,000 layers in a registry, none fetched", elapsed, MOST_TO_VERIFY_MS, "ms");
}

/** A model of 16 layers that lies in a registry, and what reads it. */
type StoredModel = {
  readonly deep: Command;
  readonly pull: Command;
  /** Fetches and hashes each layer. */
  readonly hashed: Command;
  /** Stores each layer, too. */
  readonly stored: Command;
  /** Of both: what one has left to be written back would slow the other down. */
  cleanUp(): void;
};

async function largeLayers(
  table: Table,
  commands: Commands,
  { directory, pairs, quick }: OciBenchOptions,
): Promise<void> {
  const scale = quick ? 16 : 1;
  await using registry = await startDockerRegistry();
  const large = await storedModel(registry.host, 256 * MIB / scale, directory, commands);
  const { deep, pull, hashed, stored, cleanUp } = large;
  table.against(
    "16 layers, --deep, cores x (curl | openssl)",
    compare(deep, hashed, pairs),
    LEAST_RATIO,
  );
  table.against(
    "16 layers, --pull, cores x (curl | openssl)",
    compare(pull, hashed, pairs, cleanUp),
    LEAST_RATIO,
  );
  table.against(
    "16 layers, --pull, cores x (curl | tee FILE | openssl)",
    compare(pull, stored, pairs, cleanUp),
    LEAST_RATIO,
  );
  if (isInstalled("/usr/bin/time")) {
    const peaks = [deep, pull].map((command) => {
      const peak = peakMemory(command, directory);
      cleanUp();
      return peak;
    });
    table.atMost("16 layers, memory", Math.max(...peaks), MOST_MEMORY_MIB, "MiB");
  } else {
    table.skip("16 layers, memory", "GNU time");
  }
  // Where a machine has to find the memory for what is stored, that weighs less.
  const small = await storedModel(registry.host, 64 * MIB / scale, directory, commands);
  table.against(
    "16 layers, a quarter of the size, --pull, cores x (curl | openssl)",
    compare(small.pull, small.hashed, pairs, small.cleanUp),
    LEAST_RATIO,
  );
}

async function storedModel(
  host: string,
  layerSize: number,
  directory: string,
  { sign, verify }: Commands,
): Promise<StoredModel> {
  const digests = await pushLayers(host, layerSize);
  const model = `oci://${host}/${REPOSITORY}:v1`;
  time(sign(model));
  const [pulled, stored] = [join(directory, "pulled"), join(directory, "stored")];
  mkdirSync(stored, { recursive: true });
  const blobs = `http://${host}/v2/${REPOSITORY}/blobs`;
  return {
    deep: verify(model, "--deep"),
    pull: verify(model, "--pull", pulled),
    hashed: fetching(`curl -sSf ${blobs}/{} | openssl dgst -sha256`, digests),
    stored: fetching(
      `curl -sSf ${blobs}/{} | tee ${stored}/{} | openssl dgst -sha256`,
      digests,
    ),
    cleanUp() {
      rmSync(pulled, { recursive: true, force: true });
      rmSync(stored, { recursive: true });
      mkdirSync(stored);
    },
  };
}

/** Pushes a model of random layers, one after the other; gives the layers' digests. */
async function pushLayers(host: string, size: number): Promise<readonly string[]> {
  const content = Buffer.alloc(size);
  const layers = [];
  for (let index = 0; index < LAYERS; index++) {
    for (let start = 0; start < size; start += 64 * MIB) {
      randomFillSync(content, start, Math.min(64 * MIB, size - start));
    }
    await pushBlob(host, content);
    layers.push(layerOf({ content, title: `weights-${index}.bin` }));
  }
  await pushModel(host, { layers: [], manifest: { ...manifestOf([], CONFIG), layers } });
  return layers.map(({ digest }) => digest);
}

/** A command line for each digest, as many at a time as there are cores. */
function fetching(line: string, digests: readonly string[]): Command {
  const script = `printf '%s\\n' "$@" | xargs -P ${availableParallelism()} -I{} sh -c '${line}'`;
  return ["sh", "-c", script, "sh", ...digests];
}
