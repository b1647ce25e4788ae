/**
 * How fast the binary hashes, signs and verifies, beside peers that run on the same data at the same time.
 *
 *     bench/hash.ts [--binary FILE] [--pairs N] [--quick] [--million]
 *
 * `--quick` takes a sixteenth of the data, where start-up weighs so much that targets are not judged.
 * `--million` adds a model of a million files. Data goes to the temporary directory and needs 4 GiB. Exits
 * with 1 when a target is missed.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { writeFiles, writeManyFiles } from "./hash_data.ts";
import { type Command, compare, isInstalled, medianTime, peakMemory } from "./hash_measure.ts";

const MIB = 1024 * 1024;

const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: "dist/model-signing" },
    pairs: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    million: { type: "boolean", default: false },
  },
});
const binary: string = options.binary;
const pairs = Number(options.pairs);
const scale = options.quick ? 16 : 1;
const cores = availableParallelism();
const directory = mkdtempSync(join(tmpdir(), "model-signing-bench-"));
let missed = 0;

try {
  if (!existsSync(binary)) throw new Error(`no binary at ${binary}: run "deno task compile"`);
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${cores} cores, ${pairs} pairs each`);
  if (options.quick) {
    console.log("quick: a sixteenth of the data; the targets are for all of it and are not judged");
  }
  console.log();
  row(["", "ours", "peer", "ratio", "target"]);
  largeFiles();
  oneFile();
  smallFiles(100_000 / scale);
  if (options.million) smallFiles(1_000_000);
  startUp();
} finally {
  rmSync(directory, { recursive: true });
}
if (missed > 0) {
  console.log(`\n${missed} target${missed === 1 ? "" : "s"} missed`);
  process.exitCode = 1;
}

function largeFiles(): void {
  const size = 128 * MIB / scale;
  const model = writeFiles(join(directory, "large"), 16, size);
  const first = join(model, "weights-00000.bin");
  // The peer hashes one file: 16 of them take `cores` such programs 16 / cores times as long.
  against("16 files, SHA-256, cores x openssl", digest(model), openssl(first), {
    target: 0.9,
    share: 16 / cores,
  });
  const files = Array.from(
    { length: 16 },
    (_, index) => join(model, `weights-${String(index).padStart(5, "0")}.bin`),
  );
  against("16 files, BLAKE3, b3sum", digest(model, "blake3"), ["b3sum", ...files], { target: 0.6 });
  remove(model);
}

function oneFile(): void {
  const small = writeFiles(join(directory, "one-small"), 1, 128 * MIB / scale);
  const smallPeak = memory(digest(small));
  remove(small);
  const model = writeFiles(join(directory, "one"), 1, 2048 * MIB / scale);
  const file = join(model, "weights-00000.bin");
  against("one file, SHA-256, openssl", digest(model), openssl(file), { target: 0.95 });
  const shards: Command = [...digest(model), "--shard-size", String(128 * MIB / scale)];
  against("its shards, SHA-256, cores x openssl", shards, openssl(file), {
    target: 0.9,
    share: 1 / cores,
  });
  const b3sum: Command = ["b3sum", "--num-threads", "1", file];
  against("one file, BLAKE3, b3sum on one core", digest(model, "blake3"), b3sum, { target: 0.6 });
  const peak = memory(digest(model));
  if (peak !== undefined && smallPeak !== undefined) {
    // The garbage collector's own variation stays below this.
    atMost("memory of a 16 times larger file", peak, smallPeak + 16, "MiB");
  }
  remove(model);
}

function smallFiles(count: number): void {
  const model = writeManyFiles(join(directory, "many"), count);
  const label = `${count.toLocaleString("en")} files of 4 KiB`;
  const pipeline = 'find "$1" -type f -print0 | xargs -0 sha256sum';
  const peer: Command = ["sh", "-c", pipeline, "sh", model];
  against(`${label}, digest, find | xargs sha256sum`, digest(model), peer, { target: 1 });
  if (isInstalled("openssl")) {
    const { sign, verify } = signing(model);
    against(`${label}, sign, find | xargs sha256sum`, sign, peer, { target: 1 });
    against(`${label}, verify, find | xargs sha256sum`, verify, peer, { target: 1 });
    const peaks = [memory(digest(model)), memory(sign), memory(verify)];
    if (peaks.every((peak) => peak !== undefined)) {
      // The target is for 100,000 files; for more the figure is only told.
      const most = count > 100_000 ? undefined : 300;
      atMost(`${label}, memory`, Math.max(...peaks), most, "MiB");
    }
  } else skip(`${label}, sign and verify`, "openssl");
  remove(model);
}

function startUp(): void {
  const runs = 10;
  atMost("version", medianTime([binary, "version"], runs), 60, "ms");
  if (!isInstalled("openssl")) return skip("verify a model of three files", "openssl");
  const model = writeFiles(join(directory, "three"), 3, 4096);
  const { sign, verify } = signing(model);
  medianTime(sign, 1);
  atMost("verify a model of three files", medianTime(verify, runs), 120, "ms");
}

function digest(model: string, algorithm = "sha256"): Command {
  return [binary, "digest", model, "--hash-algorithm", algorithm];
}

function openssl(file: string): Command {
  return ["openssl", "dgst", "-sha256", file];
}

/** Commands that sign and verify a model with a fresh key. */
function signing(model: string): { readonly sign: Command; readonly verify: Command } {
  const [key, publicKey, signature] = ["key.pem", "public.pem", "model.sig"]
    .map((name) => join(directory, name)) as [string, string, string];
  const curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
  execFileSync("openssl", ["genpkey", ...curve, "-out", key]);
  execFileSync("openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey]);
  const flags = ["--signature", signature];
  return {
    sign: [binary, "sign", "key", model, "--private-key", key, ...flags],
    verify: [binary, "verify", "key", model, "--public-key", publicKey, ...flags],
  };
}

/** @param share how much of the peer's time is what we compare with */
function against(
  label: string,
  ours: Command,
  peer: Command,
  { target, share = 1 }: { readonly target: number; readonly share?: number },
): void {
  if (!isInstalled(peer[0])) return skip(label, peer[0]);
  const result = compare(ours, peer, pairs);
  const ratio = result.ratio * share;
  const cells = [`${result.ours.toFixed(0)} ms`, `${(result.peer * share).toFixed(0)} ms`];
  row([label, ...cells, ratio.toFixed(2), judged(ratio >= target, `>= ${target.toFixed(2)}`)]);
}

function atMost(label: string, value: number, most: number | undefined, unit: string): void {
  const target = most === undefined ? "" : judged(value <= most, `<= ${most.toFixed(0)} ${unit}`);
  row([label, `${value.toFixed(0)} ${unit}`, "", "", target]);
}

function judged(met: boolean, target: string): string {
  if (met || options.quick) return target;
  missed++;
  return `${target} MISSED`;
}

function memory(command: Command): number | undefined {
  if (isInstalled("/usr/bin/time")) return peakMemory(command, directory);
  skip("peak memory", "GNU time");
  return undefined;
}

function skip(label: string, tool: string): void {
  row([label, `skipped: ${tool} is not installed`]);
}

function row([label = "", ours = "", peer = "", ratio = "", target = ""]: readonly string[]): void {
  const figures = [ours.padStart(9), peer.padStart(9), ratio.padStart(6)];
  console.log(`${label.padEnd(58)}${figures.join(" ")}  ${target}`.trimEnd());
}

function remove(path: string): void {
  rmSync(path, { recursive: true });
}
