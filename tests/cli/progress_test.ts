import assert from "node:assert/strict";
import { test } from "node:test";
import type { Output } from "../../cli/io.ts";
import { ProgressLine, progressText } from "../../cli/progress.ts";
import type { Progress } from "../../core/mod.ts";

const HALF: Progress = {
  filesDone: 3,
  filesFound: 12,
  bytesDone: 512 * 2 ** 20,
  bytesFound: 2 ** 30,
  totalsFinal: true,
  current: "weights/model-00003-of-00012.safetensors",
};

function recorder(): { output: Output; written: () => string } {
  let written = "";
  const write = (data: string | Uint8Array) => void (written += String(data));
  return { output: { isTerminal: true, columns: () => 60, write }, written: () => written };
}

test("progressText() tells share, bytes, rate, time left, files and the current one", () => {
  const text = progressText(HALF, 64 * 2 ** 20, 200);
  for (const part of ["50%", "512 MiB/1.00 GiB", "64.0 MiB/s", "ETA 0:08", "3/12 files"]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(text.endsWith(HALF.current!));
});

test("progressText() tells no share and no time left before all files are found", () => {
  const text = progressText({ ...HALF, totalsFinal: false }, 64 * 2 ** 20, 200);
  assert.ok(!text.includes("%") && !text.includes("ETA"));
  assert.ok(text.includes("1.00 GiB+"));
});

test("progressText() never exceeds the width, whatever the name holds", () => {
  const names = ["a".repeat(300), "文".repeat(100), "\x1b[2J\u202e".repeat(50), ""];
  for (const current of names) {
    for (let width = 1; width < 120; width++) {
      const text = progressText({ ...HALF, current }, 1e9, width);
      const columns = [...text].reduce((sum, character) => sum + (character <= "~" ? 1 : 2), 0);
      assert.ok(columns <= width, `${columns} > ${width}`);
      assert.ok(!/[\x00-\x1f\u202e]/.test(text));
    }
  }
});

test("ProgressLine redraws one line and erases it at the end of hashing", () => {
  const { output, written } = recorder();
  const line = new ProgressLine(output);
  line.emit({ kind: "progress", progress: HALF });
  line.emit({ kind: "progress", progress: { ...HALF, filesDone: 4 } });
  line.emit({ kind: "span-end", span: 1, name: "hash", time: 0, attributes: {}, details: {} });
  line.erase();
  assert.ok(!written().includes("\n"));
  assert.equal(written().split("hashing").length, 3);
  assert.ok(written().endsWith("\r\x1b[K"));
});

test("ProgressLine tells a pull, and is gone before the report that follows it", () => {
  const { output, written } = recorder();
  const line = new ProgressLine(output);
  const span = { span: 1, name: "oci.pull", time: 0, attributes: {}, details: {} } as const;
  line.emit({ kind: "span-start", ...span });
  line.emit({ kind: "progress", progress: HALF });
  assert.match(written(), /pulling 50%/);
  line.emit({ kind: "span-end", ...span });
  assert.ok(written().endsWith("\r\x1b[K"));
});

test("ProgressLine makes room for a log line and comes back after it", () => {
  const { output, written } = recorder();
  const line = new ProgressLine(output);
  line.emit({ kind: "progress", progress: HALF });
  line.aside(() => output.write("a log line\n"));
  assert.match(written(), /\r\x1b\[Ka log line\nhashing/);
});
