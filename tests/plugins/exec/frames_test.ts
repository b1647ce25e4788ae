import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { JsonObject } from "../../../core/json.ts";
import { frameBytes, FrameError, FrameReader } from "../../../plugins/exec/frames.ts";
import { MAX_FRAME_BYTES, MAX_STDOUT_BYTES } from "../../../plugins/exec/limits.ts";

function read(chunks: readonly (string | Uint8Array)[]): JsonObject[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => [...reader.take(Buffer.from(chunk))]);
}

function refuses(code: FrameError["code"], ...chunks: readonly (string | Uint8Array)[]): void {
  assert.throws(
    () => read(chunks),
    (error) => error instanceof FrameError && error.code === code,
  );
}

/** A frame whose line has this many bytes, newline included. */
function sized(bytes: number): string {
  const rest = '{"type":"x","y":""}\n'.length;
  return `{"type":"x","y":"${"y".repeat(bytes - rest)}"}\n`;
}

test("FrameReader gives the same frames however the bytes are cut", () => {
  const text = '{"type":"a","text":"é€𝄞"}\n{"type":"b"}\n{"type":"c"}\n';
  const bytes = Buffer.from(text);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    assert.deepEqual(read(chunks).map(({ type }) => type), ["a", "b", "c"]);
  }
  assert.equal(read([bytes])[0]?.["text"], "é€𝄞");
});

test("FrameReader gives nothing for a line that is not finished", () => {
  assert.deepEqual(read(['{"type":"a"}']), []);
});

test("FrameReader takes a line of the limit, and refuses a longer one before it ends", () => {
  assert.equal(read([sized(MAX_FRAME_BYTES)]).length, 1);
  refuses("PLUGIN_FLOODED", sized(MAX_FRAME_BYTES + 1));
  refuses("PLUGIN_FLOODED", "x".repeat(MAX_FRAME_BYTES / 2), "x".repeat(MAX_FRAME_BYTES / 2));
});

test("FrameReader refuses more than a process may write", () => {
  const line = sized(MAX_FRAME_BYTES);
  const lines = Array<string>(MAX_STDOUT_BYTES / MAX_FRAME_BYTES).fill(line);
  assert.equal(read(lines).length, lines.length);
  refuses("PLUGIN_FLOODED", ...lines, "\n");
});

test("FrameReader refuses what is no object with a type", () => {
  for (const line of ["", "x", "1", "null", "[]", "{}", '{"type":2}', '{"type":"a","type":"b"}']) {
    refuses("PLUGIN_PROTOCOL", `${line}\n`);
  }
  refuses("PLUGIN_PROTOCOL", Uint8Array.of(0xff, 0x0a));
  refuses("PLUGIN_PROTOCOL", `{"type":"a","x":[${"1,".repeat(6000)}1]}\n`);
});

test("frameBytes() gives one line, or nothing when it would be too long", () => {
  assert.equal(
    Buffer.from(frameBytes({ type: "a", text: "1\n2" })!).toString(),
    '{"type":"a","text":"1\\n2"}\n',
  );
  assert.equal(frameBytes({ type: "a", text: "x".repeat(MAX_FRAME_BYTES) }), undefined);
});
