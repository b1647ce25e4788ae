/** What a registry holds: blobs, manifests and tags of any repository. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** A stored manifest. */
export type Stored = { readonly digest: string; readonly type: string; readonly bytes: Uint8Array };

/** The digest of bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Contents in memory. */
export class Contents {
  readonly blobs: Map<string, Uint8Array> = new Map();
  readonly #manifests: Map<string, Stored> = new Map();
  /** Digests that a tag leads to: one after the other, if there are several. */
  readonly #tags: Map<string, string[]> = new Map();

  /** What a blob is said to be: one after the other, if there are several. */
  readonly #lies: Map<string, Uint8Array[]> = new Map();

  /** A blob as it is given away. */
  blob(digest: string): Uint8Array | undefined {
    const lies = this.#lies.get(digest);
    return lies && lies.length > 1 ? lies.shift()! : lies?.[0] ?? this.blobs.get(digest);
  }

  /** Gives other contents away for a blob, each once, and the last from then on. */
  lie(digest: string, contents: readonly Uint8Array[]): void {
    this.#lies.set(digest, [...contents]);
  }

  /** A manifest by tag or digest. */
  manifest(repository: string, reference: string): Stored | undefined {
    const digests = this.#tags.get(`${repository}:${reference}`);
    const digest = digests && digests.length > 1 ? digests.shift()! : digests?.[0] ?? reference;
    return this.#manifests.get(`${repository}@${digest}`);
  }

  /** Stores a manifest by its digest, and by a tag. */
  put(repository: string, reference: string, type: string, bytes: Uint8Array): Stored {
    const stored = { digest: sha256(bytes), type, bytes };
    this.#manifests.set(`${repository}@${stored.digest}`, stored);
    if (reference !== stored.digest) this.#tags.set(`${repository}:${reference}`, [stored.digest]);
    return stored;
  }

  /** Makes a tag lead to each of these once, and to the last from then on. */
  move(repository: string, tag: string, digests: readonly string[]): void {
    this.#tags.set(`${repository}:${tag}`, [...digests]);
  }

  /** The tags of a repository. */
  tags(repository: string): readonly string[] {
    const prefix = `${repository}:`;
    return [...this.#tags.keys()].filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }

  /** Descriptors of what refers to a manifest. */
  referrers(repository: string, subject: string): readonly Record<string, unknown>[] {
    return [...this.#manifests].filter(([key]) => key.startsWith(`${repository}@`))
      .map(([, stored]) => ({ stored, json: JSON.parse(Buffer.from(stored.bytes).toString()) }))
      .filter(({ json }) => json.subject?.digest === subject)
      .map(({ stored, json }) => ({
        mediaType: stored.type,
        digest: stored.digest,
        size: stored.bytes.length,
        artifactType: json.artifactType ?? json.config?.mediaType,
        annotations: json.annotations,
      }));
  }
}
