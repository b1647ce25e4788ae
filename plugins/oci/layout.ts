/** Image layouts on disk (OCI image 1.1, "Image Layout"). */

import type { Stats } from "node:fs";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt, quote } from "../../core/text.ts";
import { checkedStream } from "./checked_stream.ts";
import { type Descriptor, platformName } from "./descriptor.ts";
import { digestOf, type OciDigest, splitDigest } from "./digest.ts";
import { referrerDescriptor, withDescriptor } from "./index_json.ts";
import { LayoutFiles } from "./layout_files.ts";
import { locked } from "./layout_lock.ts";
import { MAX_INDEX_ATTEMPTS, MAX_LAYOUT_MANIFESTS, MAX_MANIFEST_BYTES } from "./limits.ts";
import { type IndexEntries, manifestsIn, objectIn, parseIndex, parseManifest } from "./manifest.ts";
import { isIndexMediaType, isManifestMediaType } from "./media_types.ts";
import { malformed } from "./members.ts";
import type { Target } from "./reference.ts";
import { isReferrersTag, ReferrerList, referrersTag } from "./referrer_list.ts";
import { isOwnFault, type OciStore, type Resolved } from "./store.ts";

/** The annotation in `index.json` that makes a tag (OCI image 1.1, "Pre-Defined Annotation Keys"). */
const REF_NAME = "org.opencontainers.image.ref.name";

/** `oci-layout` has some 30 bytes. */
const MAX_MARKER_BYTES = 4096;

/** Tags that a message lists. */
const SHOWN_TAGS = 10;

/** One layout. It is never created: what is no layout is refused. */
export class LayoutStore implements OciStore {
  readonly #path: string;
  readonly #files: LayoutFiles;
  readonly name: string;

  /** Opens nothing yet. */
  constructor(path: string) {
    this.#path = path;
    this.#files = new LayoutFiles(path);
    this.name = `layout ${quote(path)}`;
  }

  /** {@link OciReader.resolve}. Without a tag and a digest the layout must hold one manifest. */
  async resolve(target: Target, options: RunOptions): Promise<Resolved> {
    throwIfAborted(options.signal);
    const { manifests, problems } = parseIndex(await this.#index(), { name: this.#indexName });
    const listed = target.digest === undefined
      ? await this.#listed({ manifests, problems }, target.tag, options)
      : manifests.find(({ digest }) => digest === target.digest);
    const digest = target.digest ?? listed!.digest;
    return await this.#manifest(digest, listed);
  }

  /** {@link OciReader.blob} */
  async blob(descriptor: Descriptor, options: RunOptions): Promise<ReadableStream<Uint8Array>> {
    const stream = await this.uncheckedBlob(descriptor, options);
    return checkedStream(stream, descriptor, `blob ${descriptor.digest} in ${this.name}`);
  }

  /** {@link OciReader.uncheckedBlob} */
  async uncheckedBlob(
    { digest }: Descriptor,
    options: RunOptions,
  ): Promise<ReadableStream<Uint8Array>> {
    throwIfAborted(options.signal);
    const stream = await this.#files.stream(blobPath(digest));
    if (!stream) throw this.#notFound(`blob ${digest}`);
    return stream;
  }

  /**
   * Where the content that a descriptor describes lies, and the facts of that file; undefined when it is not there. It is
   * not read. Throws `FILE_UNREADABLE`, `ABORTED`.
   */
  async locate(
    { digest }: Pick<Descriptor, "digest">,
    options: RunOptions,
  ): Promise<{ readonly path: string; readonly stats: Stats } | undefined> {
    throwIfAborted(options.signal);
    return await this.#files.locate(blobPath(digest));
  }

  /** {@link OciReader.referrers}: manifests of `index.json`, and those that a copied fallback index lists. */
  async *referrers(
    subject: OciDigest,
    options: RunOptions,
    artifactType?: string,
  ): AsyncGenerator<Descriptor> {
    const listing = `the referrers of ${subject} in ${this.name}`;
    const list = new ReferrerList(listing, artifactType);
    const manifests = await this.#manifests(options);
    if (manifests.length > MAX_LAYOUT_MANIFESTS) {
      throw malformed(`${this.#indexName} has more than ${MAX_LAYOUT_MANIFESTS} manifests`);
    }
    for (const descriptor of distinct(manifests)) {
      throwIfAborted(options.signal);
      const { mediaType, annotations } = descriptor;
      if (isIndexMediaType(mediaType) && annotations?.[REF_NAME] === referrersTag(subject)) {
        yield* list.take(await this.#copiedReferrers(descriptor, options));
      } else if (isManifestMediaType(mediaType)) {
        const found = await passedOver(() => this.#stored(descriptor.digest, descriptor), options);
        if (found?.manifest.subject?.digest !== subject) continue;
        yield* list.take([referrerDescriptor(found.descriptor, found.manifest)]);
      }
    }
  }

  /** What a fallback index lists: others added to it, so that each entry is read for itself. */
  async #copiedReferrers(listed: Descriptor, options: RunOptions): Promise<readonly Descriptor[]> {
    const { digest, mediaType } = listed;
    const entries = await passedOver(async () => {
      const bytes = await this.#content(digest, listed);
      return bytes && manifestsIn(bytes, { name: this.#named(digest), mediaType }, options);
    }, options);
    return entries ?? [];
  }

  /** {@link OciWriter.requireWritable}: the folder takes a new file, and no other run is in the way. */
  async requireWritable(options: RunOptions): Promise<void> {
    await this.#index();
    await locked(this.#path, options, () => Promise.resolve());
  }

  /** {@link OciWriter.pushBlob} */
  async pushBlob(bytes: Uint8Array, mediaType: string, options: RunOptions): Promise<Descriptor> {
    throwIfAborted(options.signal);
    await this.#index();
    const digest = digestOf(bytes);
    await this.#files.write(blobPath(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** {@link OciWriter.pushManifest} */
  async pushManifest(bytes: Uint8Array, options: RunOptions, tag?: string): Promise<Descriptor> {
    const manifest = parseManifest(bytes);
    const descriptor = await this.pushBlob(bytes, manifest.mediaType, options);
    const { [REF_NAME]: _, ...annotations } = manifest.annotations ?? {};
    const listed = manifest.subject
      ? referrerDescriptor(descriptor, { ...manifest, annotations })
      : descriptor;
    const named = tag === undefined
      ? listed
      : { ...listed, annotations: { ...listed.annotations, [REF_NAME]: tag } };
    await locked(this.#path, options, () => this.#addToIndex(named, options));
    return descriptor;
  }

  /** Replaces the index, and looks whether a program that does not know the lock has done so, too. */
  async #addToIndex(added: Descriptor, options: RunOptions): Promise<void> {
    const tag = added.annotations?.[REF_NAME];
    for (let attempt = 0; attempt < MAX_INDEX_ATTEMPTS; attempt++) {
      throwIfAborted(options.signal);
      const before = await this.#index();
      const there = parseIndex(before, { name: this.#indexName }).manifests.some((
        { digest, annotations },
      ) => digest === added.digest && (tag === undefined || annotations?.[REF_NAME] === tag));
      if (there) return;
      const keep = (json: JsonObject) => withoutTag(json, tag);
      await this.#files.write("index.json", withDescriptor(before, added, this.#indexName, keep));
    }
    throw new ModelSigningError(
      "FILE_UNWRITABLE",
      `cannot change ${this.#indexName}: another program keeps replacing it`,
    );
  }

  /** The entry of `index.json` that is meant. Throws `OCI_NOT_FOUND`, or `OCI_MANIFEST` when it is not clear which. */
  async #listed(
    { manifests, problems: [problem] }: IndexEntries,
    tag: string | undefined,
    options: RunOptions,
  ): Promise<Descriptor> {
    const tagged = manifests.filter(({ annotations }) => {
      const name = annotations?.[REF_NAME];
      return tag === undefined ? name !== undefined && !isReferrersTag(name) : name === tag;
    });
    // A single manifest needs no tag.
    const isUntagged = tag === undefined && tagged.length === 0;
    // One that cannot be read may be the one that is meant.
    if (problem && tagged.length === 0) throw problem;
    const candidates = isUntagged ? await this.#withoutReferrers(manifests, options) : tagged;
    const digests = new Set(candidates.map(({ digest }) => digest));
    if (digests.size === 1) return candidates[0]!;
    const names = candidates.map(({ annotations, digest, platform }) =>
      annotations?.[REF_NAME] ?? (platform ? platformName(platform) : digest)
    );
    const shown = names.slice(0, SHOWN_TAGS).map(excerpt).join(", ");
    if (digests.size > 1) {
      throw new ModelSigningError(
        "OCI_MANIFEST",
        `${this.name} holds ${digests.size} manifests that ${
          tag === undefined ? "could be meant" : `are tagged ${excerpt(tag)}`
        }: ${shown}`,
        { hint: "name one of them: oci-layout:PATH:TAG or oci-layout:PATH@DIGEST" },
      );
    }
    throw this.#notFound(tag === undefined ? "manifest" : `manifest tagged ${excerpt(tag)}`);
  }

  /** Without the signatures of others, which are not meant themselves. What is missing or broken may be meant. */
  async #withoutReferrers(
    manifests: readonly Descriptor[],
    options: RunOptions,
  ): Promise<readonly Descriptor[]> {
    if (manifests.length === 1 || manifests.length > MAX_LAYOUT_MANIFESTS) return manifests;
    const candidates: Descriptor[] = [];
    for (const descriptor of distinct(manifests)) {
      const found = await passedOver(() => this.#stored(descriptor.digest, descriptor), options);
      const isList = isReferrersTag(descriptor.annotations?.[REF_NAME] ?? "");
      if (found?.manifest.subject === undefined && !isList) candidates.push(descriptor);
    }
    return candidates;
  }

  async #manifest(digest: OciDigest, listed: Descriptor | undefined): Promise<Resolved> {
    const found = await this.#stored(digest, listed);
    if (found) return found;
    throw this.#notFound(`manifest ${digest}`);
  }

  /** A manifest among the blobs; undefined when it is not there. */
  async #stored(
    digest: OciDigest,
    listed: Descriptor | undefined,
  ): Promise<Resolved | undefined> {
    const bytes = await this.#content(digest, listed);
    if (!bytes) return undefined;
    const name = this.#named(digest);
    const manifest = parseManifest(bytes, { name, ...(listed && { mediaType: listed.mediaType }) });
    return {
      descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length },
      bytes,
      manifest,
    };
  }

  /** The bytes of a manifest, which are those that are listed; undefined when they are not there. */
  async #content(
    digest: OciDigest,
    listed: Descriptor | undefined,
  ): Promise<Uint8Array | undefined> {
    const name = this.#named(digest);
    const size = (await this.#files.locate(blobPath(digest)))?.stats.size ?? 0;
    if (size > MAX_MANIFEST_BYTES) {
      throw malformed(`${name} has ${size} bytes, more than ${MAX_MANIFEST_BYTES}`);
    }
    if (listed && size !== listed.size && size > 0) {
      throw new ModelSigningError(
        "OCI_DIGEST_MISMATCH",
        `${name} has ${size} bytes, listed with ${listed.size}`,
      );
    }
    const bytes = await this.#files.read(blobPath(digest), MAX_MANIFEST_BYTES);
    if (!bytes) return undefined;
    const found = digestOf(bytes, splitDigest(digest).algorithm);
    if (found !== digest || (listed && listed.size !== bytes.length)) {
      throw new ModelSigningError(
        "OCI_DIGEST_MISMATCH",
        `${name} has the digest ${found} and ${bytes.length} bytes`,
      );
    }
    return bytes;
  }

  /** The bytes of `index.json`, once it is clear that this is a layout. Throws `OCI_NOT_FOUND`, `OCI_MANIFEST`. */
  async #index(): Promise<Uint8Array> {
    const marker = await this.#files.read("oci-layout", MAX_MARKER_BYTES);
    const index = await this.#files.read("index.json", MAX_MANIFEST_BYTES);
    if (!marker || !index) {
      throw new ModelSigningError(
        "OCI_NOT_FOUND",
        `${quote(this.#path)} is no layout: it holds no file ${
          marker ? "index.json" : "oci-layout"
        }`,
      );
    }
    const version = objectIn(marker, `oci-layout of ${this.name}`)["imageLayoutVersion"];
    if (version === "1.0.0") return index;
    throw malformed(`${this.name} has the version ${shownVersion(version)}, expected "1.0.0"`);
  }

  async #manifests(options: RunOptions): Promise<readonly Descriptor[]> {
    return manifestsIn(await this.#index(), { name: this.#indexName }, options);
  }

  #named(digest: OciDigest): string {
    return `manifest ${digest} in ${this.name}`;
  }

  get #indexName(): string {
    return `index.json of ${this.name}`;
  }

  #notFound(what: string): ModelSigningError {
    return new ModelSigningError("OCI_NOT_FOUND", `there is no ${what} in ${this.name}`);
  }
}

/** What one of many gives; undefined when it is broken, which is its own fault, and told. */
async function passedOver<T>(
  step: () => Promise<T | undefined>,
  { logger }: RunOptions,
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!isOwnFault(error)) throw error;
    logger?.log("warn", "a manifest is passed over, since it cannot be read", {
      problem: error.message,
    });
    return undefined;
  }
}

/** One of each: the same entry many times takes little room, and reading what it lists much time. */
function* distinct(manifests: readonly Descriptor[]): Generator<Descriptor, void, void> {
  const seen = new Set<string>();
  for (const descriptor of manifests) {
    const { digest, size, mediaType, annotations } = descriptor;
    const tag = annotations?.[REF_NAME] ?? "";
    const key = [digest, size, mediaType, isReferrersTag(tag) ? tag : ""].join();
    if (seen.has(key)) continue;
    seen.add(key);
    yield descriptor;
  }
}

function blobPath(digest: OciDigest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}

/** A tag leads to one manifest: the others that had it stay without (OCI image 1.1, "index.json file"). */
function withoutTag(json: JsonObject, tag: string | undefined): JsonObject {
  const { annotations } = json;
  if (tag === undefined || !isObject(annotations) || annotations[REF_NAME] !== tag) return json;
  const { [REF_NAME]: _, ...others } = annotations;
  return { ...json, annotations: others };
}

function shownVersion(version: Json | undefined): string {
  return typeof version === "string" ? excerpt(version) : "missing";
}
