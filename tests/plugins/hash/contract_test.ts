import { test } from "node:test";
import { hasherContract } from "../../../core/contract/hasher.ts";
import { type EngineOptions, hasherFactory } from "../../../plugins/hash/mod.ts";

const workerUrl = new URL("../../../plugins/hash/worker.ts", import.meta.url);

const ENGINES: Readonly<Record<string, EngineOptions>> = {
  "as it comes": { workerUrl },
  "serial": {},
  "one worker": { workerUrl, jobs: 1, workersFrom: 0 },
  "three workers": { workerUrl, jobs: 3, workersFrom: 0 },
  "serial with WebAssembly": { native: false },
  "two workers with WebAssembly": { workerUrl, jobs: 2, workersFrom: 0, native: false },
};

for (const [engine, options] of Object.entries(ENGINES)) {
  for (const { name, run } of hasherContract(hasherFactory(options))) {
    test(`${engine}: ${name}`, run);
  }
}
