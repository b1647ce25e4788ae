/** How fast models are hashed, signed with a key and verified. */

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { writeFiles, writeManyFiles } from "./data.ts";
import { type Command, compare, isInstalled, medianTime, peakMemory } from "./measure.ts";
import type { Table } from "./table.ts";

const MIB = 1024 * 1024;

/** What is measured, and where. */
export type HashBenchOptions = {
  readonly binary: string;
  /** A folder for the models. */
  readonly directory: string;
  /** How often each is timed beside its peer. */
  readonly pairs: number;
  /** Whether to take a sixteenth of the data. */
  readonly quick: boolean;
  /** Whether to add a model of a million files. */
  readonly million: boolean;
};

/** Measures all of it. */
export function benchHash(table: Table, options: HashBenchOptions): void {
  new HashBench(table, options).run();
}

class HashBench {
  readonly #table: Table;
  readonly #binary: string;
  readonly #directory: string;
  readonly #pairs: number;
  readonly #million: boolean;
  readonly #scale: number;
  readonly #cores: number = availableParallelism();

  constructor(table: Table, { binary, directory, pairs, quick, million }: HashBenchOptions) {
    this.#table = table;
    this.#binary = binary;
    this.#directory = directory;
    this.#pairs = pairs;
    this.#million = million;
    this.#scale = quick ? 16 : 1;
  }

  run(): void {
    this.#largeFiles();
    this.#oneFile();
    this.#smallFiles(100_000 / this.#scale);
    if (this.#million) this.#smallFiles(1_000_000);
    this.#startUp();
  }

  #largeFiles(): void {
    const size = 128 * MIB / this.#scale;
    const model = writeFiles(join(this.#directory, "large"), 16, size);
    const first = join(model, "weights-00000.bin");
    // The peer hashes one file: 16 of them take `cores` such programs 16 / cores times as long.
    this.#against("16 files, SHA-256, cores x openssl", this.#digest(model), openssl(first), {
      target: 0.9,
      share: 16 / this.#cores,
    });
    const files = Array.from(
      { length: 16 },
      (_, index) => join(model, `weights-${String(index).padStart(5, "0")}.bin`),
    );
    this.#against("16 files, BLAKE3, b3sum", this.#digest(model, "blake3"), ["b3sum", ...files], {
      target: 0.6,
    });
    remove(model);
  }

  #oneFile(): void {
    const small = writeFiles(join(this.#directory, "one-small"), 1, 128 * MIB / this.#scale);
    const smallPeak = this.#memory(this.#digest(small));
    remove(small);
    const model = writeFiles(join(this.#directory, "one"), 1, 2048 * MIB / this.#scale);
    const file = join(model, "weights-00000.bin");
    this.#against("one file, SHA-256, openssl", this.#digest(model), openssl(file), {
      target: 0.95,
    });
    const shards: Command = [
      ...this.#digest(model),
      "--shard-size",
      String(128 * MIB / this.#scale),
    ];
    this.#against("its shards, SHA-256, cores x openssl", shards, openssl(file), {
      target: 0.9,
      share: 1 / this.#cores,
    });
    const b3sum: Command = ["b3sum", "--num-threads", "1", file];
    this.#against("one file, BLAKE3, b3sum on one core", this.#digest(model, "blake3"), b3sum, {
      target: 0.6,
    });
    const peak = this.#memory(this.#digest(model));
    if (peak !== undefined && smallPeak !== undefined) {
      // The garbage collector's own variation stays below this.
      this.#table.atMost("memory of a 16 times larger file", peak, smallPeak + 16, "MiB");
    }
    remove(model);
  }

  #smallFiles(count: number): void {
    const model = writeManyFiles(join(this.#directory, "many"), count);
    const label = `${count.toLocaleString("en")} files of 4 KiB`;
    const pipeline = 'find "$1" -type f -print0 | xargs -0 sha256sum';
    const peer: Command = ["sh", "-c", pipeline, "sh", model];
    this.#against(`${label}, digest, find | xargs sha256sum`, this.#digest(model), peer, {
      target: 1,
    });
    if (isInstalled("openssl")) {
      const { sign, verify } = this.#signing(model);
      this.#against(`${label}, sign, find | xargs sha256sum`, sign, peer, { target: 1 });
      this.#against(`${label}, verify, find | xargs sha256sum`, verify, peer, { target: 1 });
      const peaks = [this.#memory(this.#digest(model)), this.#memory(sign), this.#memory(verify)];
      if (peaks.every((peak) => peak !== undefined)) {
        // The target is for 100,000 files; for more the figure is only told.
        const most = count > 100_000 ? undefined : 300;
        this.#table.atMost(`${label}, memory`, Math.max(...peaks), most, "MiB");
      }
    } else this.#table.skip(`${label}, sign and verify`, "openssl");
    remove(model);
  }

  #startUp(): void {
    const runs = 10;
    this.#table.atMost("version", medianTime([this.#binary, "version"], runs), 60, "ms");
    if (!isInstalled("openssl")) {
      return this.#table.skip("verify a model of three files", "openssl");
    }
    const model = writeFiles(join(this.#directory, "three"), 3, 4096);
    const { sign, verify } = this.#signing(model);
    medianTime(sign, 1);
    this.#table.atMost("verify a model of three files", medianTime(verify, runs), 120, "ms");
  }

  #digest(model: string, algorithm = "sha256"): Command {
    return [this.#binary, "digest", model, "--hash-algorithm", algorithm];
  }

  /** Commands that sign and verify a model with a fresh key. */
  #signing(model: string): { readonly sign: Command; readonly verify: Command } {
    const [key, publicKey, signature] = ["key.pem", "public.pem", "model.sig"]
      .map((name) => join(this.#directory, name)) as [string, string, string];
    const curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    execFileSync("openssl", ["genpkey", ...curve, "-out", key]);
    execFileSync("openssl", ["pkey", "-in", key, "-pubout", "-out", publicKey]);
    const flags = ["--signature", signature];
    return {
      sign: [this.#binary, "sign", "key", model, "--private-key", key, ...flags],
      verify: [this.#binary, "verify", "key", model, "--public-key", publicKey, ...flags],
    };
  }

  /** @param share how much of the peer's time is what we compare with */
  #against(
    label: string,
    ours: Command,
    peer: Command,
    { target, share = 1 }: { readonly target: number; readonly share?: number },
  ): void {
    if (!isInstalled(peer[0])) return this.#table.skip(label, peer[0]);
    const { ours: time, peer: peers, ratio } = compare(ours, peer, this.#pairs);
    const found = { ours: time, peer: peers * share, ratio: ratio * share };
    this.#table.against(label, found, target);
  }

  #memory(command: Command): number | undefined {
    if (isInstalled("/usr/bin/time")) return peakMemory(command, this.#directory);
    this.#table.skip("peak memory", "GNU time");
    return undefined;
  }
}

function openssl(file: string): Command {
  return ["openssl", "dgst", "-sha256", file];
}

function remove(path: string): void {
  rmSync(path, { recursive: true });
}
