/** Content that is checked while it is read. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { DEFAULT_TIMEOUT_MS, SLOWEST_BYTES_PER_MS } from "../_http/mod.ts";
import type { Descriptor } from "./descriptor.ts";
import { splitDigest } from "./digest.ts";
import type { OciReader } from "./store.ts";

/**
 * The same bytes, if they are what the descriptor says; else an error `OCI_DIGEST_MISMATCH` before the last of
 * them. A source that goes on for longer is cancelled.
 *
 * @param where names the content in messages, safe to print
 */
export function checkedStream(
  source: ReadableStream<Uint8Array>,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  where: string,
): ReadableStream<Uint8Array> {
  const { algorithm, hex } = splitDigest(digest);
  const hash = createHash(algorithm);
  const reader = source.getReader();
  let length = 0;
  /** The last bytes, until it is known that there are no more and that the digest is right. */
  let last: Uint8Array | undefined;
  const mismatch = async (found: string): Promise<never> => {
    await reader.cancel();
    throw new ModelSigningError("OCI_DIGEST_MISMATCH", `${where} ${found}`);
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          if (length < size) await mismatch(`ends after ${length} bytes, expected ${size}`);
          const found = hash.digest("hex");
          if (found !== hex) await mismatch(`has the digest ${algorithm}:${found}`);
          if (last) controller.enqueue(last);
          return controller.close();
        }
        if (value.length === 0) continue;
        length += value.length;
        if (length > size) await mismatch(`has more than the ${size} bytes that it should have`);
        hash.update(value);
        if (length < size) return controller.enqueue(value);
        last = value;
      }
    },
    async cancel(reason) {
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/**
 * A small blob as a whole.
 *
 * @param maxBytes that the descriptor may state; more is refused before anything is fetched
 * @throws {ModelSigningError} `OCI_MANIFEST` for a blob that is too large, `NETWORK_TIMEOUT` for one that comes drop by drop,
 * and what `blob()` throws
 */
export async function readBlob(
  store: OciReader,
  descriptor: Descriptor,
  maxBytes: number,
  options: RunOptions,
): Promise<Uint8Array> {
  if (descriptor.size > maxBytes) {
    throw new ModelSigningError(
      "OCI_MANIFEST",
      `blob ${descriptor.digest} in ${store.name} has ${descriptor.size} bytes, more than ${maxBytes}`,
    );
  }
  const limit = (options.timeout ?? DEFAULT_TIMEOUT_MS) +
    Math.ceil(descriptor.size / SLOWEST_BYTES_PER_MS);
  const late = AbortSignal.timeout(limit);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  const chunks: Uint8Array[] = [];
  try {
    const stream = await store.blob(descriptor, { ...options, signal });
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) chunks.push(chunk);
  } catch (error) {
    throwIfAborted(options.signal);
    if (!late.aborted) throw error;
    throw new ModelSigningError(
      "NETWORK_TIMEOUT",
      `blob ${descriptor.digest} in ${store.name} did not arrive within ${limit / 1000} s`,
    );
  }
  return new Uint8Array(Buffer.concat(chunks));
}
