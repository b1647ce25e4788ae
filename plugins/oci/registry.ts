/** One repository of a registry (OCI distribution 1.1). */

import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt, printable } from "../../core/text.ts";
import { checkedStream } from "./checked_stream.ts";
import type { Descriptor } from "./descriptor.ts";
import { digestOf, isDigest, type OciDigest, splitDigest } from "./digest.ts";
import { addFallbackReferrer, fallbackReferrers } from "./fallback_index.ts";
import { referrerDescriptor } from "./index_json.ts";
import { MAX_IDLE_BYTES, MAX_MANIFEST_BYTES } from "./limits.ts";
import { parseManifest } from "./manifest.ts";
import { MANIFEST_MEDIA_TYPES } from "./media_types.ts";
import { malformed } from "./members.ts";
import type { RegistryReference, Target } from "./reference.ts";
import { ReferrerList } from "./referrer_list.ts";
import { referrerPages } from "./referrers_api.ts";
import type { OciStore, Resolved } from "./store.ts";
import { type RegistrySettings, Transport } from "./transport.ts";

/** What storing needs. */
const PUSH = "pull,push";

/** A client of one repository. It holds no connection: nothing has to be closed. */
export class RegistryStore implements OciStore {
  readonly #transport: Transport;
  #hasReferrersApi = true;
  readonly name: string;

  /** Connects to nothing yet. */
  constructor(
    { registry, repository }: Pick<RegistryReference, "registry" | "repository">,
    settings: RegistrySettings = {},
  ) {
    this.#transport = new Transport(registry, repository, settings);
    this.name = printable(this.#transport.name);
  }

  /** {@link OciReader.resolve} */
  async resolve({ tag, digest }: Target, options: RunOptions): Promise<Resolved> {
    const target = digest ?? tag;
    if (target === undefined) {
      throw new ModelSigningError("USAGE_OCI_REFERENCE", `no tag and no digest of ${this.name}`);
    }
    const what = `manifest ${printable(target)}`;
    const name = `${what} in ${this.name}`;
    const { headers, body } = await this.#transport.request(
      {
        at: `manifests/${target}`,
        access: "pull",
        what,
        headers: { accept: MANIFEST_MEDIA_TYPES.join(", ") },
        missing: missing(digest),
        tooLarge: malformed(`${name} has more than ${MAX_MANIFEST_BYTES} bytes`),
      },
      MAX_MANIFEST_BYTES,
      options,
    );
    const found = verifiedDigest(body, digest, headers.get("docker-content-digest"), name);
    const mediaType = headers.get("content-type");
    const manifest = parseManifest(body, { name, ...(mediaType ? { mediaType } : {}) });
    const descriptor = { mediaType: manifest.mediaType, digest: found, size: body.length };
    options.logger?.log("debug", "fetched a manifest", {
      repository: this.#transport.name,
      reference: target,
      digest: found,
    });
    return { descriptor, bytes: body, manifest };
  }

  /** {@link OciReader.blob} */
  async blob(descriptor: Descriptor, options: RunOptions): Promise<ReadableStream<Uint8Array>> {
    const body = await this.uncheckedBlob(descriptor, options);
    return checkedStream(body, descriptor, `blob ${descriptor.digest} in ${this.name}`);
  }

  /** {@link OciReader.uncheckedBlob} */
  async uncheckedBlob(
    { digest }: Descriptor,
    options: RunOptions,
  ): Promise<ReadableStream<Uint8Array>> {
    const { body } = await this.#transport.open({
      at: `blobs/${digest}`,
      access: "pull",
      what: `blob ${digest}`,
      missing: missing(digest),
    }, options);
    return body;
  }

  /** {@link OciReader.referrers} */
  async *referrers(
    subject: OciDigest,
    options: RunOptions,
    artifactType?: string,
  ): AsyncGenerator<Descriptor> {
    const list = new ReferrerList(`the referrers of ${subject} in ${this.name}`, artifactType);
    const pages = this.#hasReferrersApi
      ? await referrerPages(this.#transport, subject, artifactType, options)
      : undefined;
    if (pages) {
      for await (const page of pages) yield* list.take(page);
      return;
    }
    this.#hasReferrersApi = false;
    yield* list.take(await fallbackReferrers(this.#transport, subject, options));
  }

  /** {@link OciWriter.requireWritable}: begins an upload, which only who may push can, and takes it back. */
  async requireWritable(options: RunOptions): Promise<void> {
    const at = await this.#beginUpload(options);
    // Nothing but an upload of this repository is deleted, wherever the registry says that it is.
    const { origin, pathname } = this.#transport.url("blobs/uploads/");
    if (at.origin !== origin || !at.pathname.startsWith(pathname)) return;
    const cancel = { method: "DELETE", at, access: PUSH, what: "upload", retries: 0 } as const;
    // Not every registry can; then it forgets the upload by itself.
    await this.#transport.request(cancel, MAX_IDLE_BYTES, options)
      .catch(() => throwIfAborted(options.signal));
  }

  /** {@link OciWriter.pushBlob} */
  async pushBlob(bytes: Uint8Array, mediaType: string, options: RunOptions): Promise<Descriptor> {
    const digest = digestOf(bytes);
    const what = `blob ${digest}`;
    const access = PUSH;
    const there = await this.#transport.request(
      { method: "HEAD", at: `blobs/${digest}`, access, what, statuses: [404] },
      MAX_IDLE_BYTES,
      options,
    );
    if (there.status === 404) {
      const at = await this.#beginUpload(options);
      at.searchParams.set("digest", digest);
      await this.#transport.request(
        {
          method: "PUT",
          at,
          access,
          what,
          headers: { "content-type": "application/octet-stream" },
          body: bytes,
        },
        MAX_IDLE_BYTES,
        options,
      );
    }
    return { mediaType, digest, size: bytes.length };
  }

  /** {@link OciWriter.pushManifest} */
  async pushManifest(bytes: Uint8Array, options: RunOptions, tag?: string): Promise<Descriptor> {
    const digest = digestOf(bytes);
    const what = `manifest ${printable(tag ?? digest)}`;
    const manifest = parseManifest(bytes, { name: what });
    const { headers } = await this.#transport.request(
      {
        method: "PUT",
        at: `manifests/${tag ?? digest}`,
        access: PUSH,
        what,
        headers: { "content-type": manifest.mediaType },
        body: bytes,
      },
      MAX_IDLE_BYTES,
      options,
    );
    verifiedDigest(bytes, digest, headers.get("docker-content-digest"), `${what} in ${this.name}`);
    const descriptor = { mediaType: manifest.mediaType, digest, size: bytes.length };
    const { subject } = manifest;
    // OCI distribution 1.1, "Pushing Manifests with Subject": without this header the client lists it.
    if (subject && headers.get("oci-subject") !== subject.digest) {
      const listed = referrerDescriptor(descriptor, manifest);
      await addFallbackReferrer(this.#transport, subject.digest, listed, options);
    }
    return descriptor;
  }

  /** OCI distribution 1.1, "Pushing a blob monolithically": an address, with what it already has in its query. */
  async #beginUpload(options: RunOptions): Promise<URL> {
    const { headers } = await this.#transport.request(
      { method: "POST", at: "blobs/uploads/", access: PUSH, what: "place for uploads" },
      MAX_IDLE_BYTES,
      options,
    );
    const location = headers.get("location");
    const { origin } = this.#transport;
    const url = location !== null && URL.canParse(location, origin)
      ? new URL(location, origin)
      : undefined;
    const encrypted = url?.protocol === "https:" || url?.origin === origin.origin;
    if (!url || !encrypted || url.username !== "" || url.password !== "") {
      throw new ModelSigningError(
        "NETWORK_RESPONSE",
        `the registry (${origin.host}) names no usable address for uploads`,
      );
    }
    return url;
  }
}

/** What registries answer that do not know the digest's algorithm, and so have nothing with it. */
function missing(digest: OciDigest | undefined): readonly number[] {
  return digest === undefined || splitDigest(digest).algorithm === "sha256" ? [] : [400];
}

/**
 * The digest of what was sent or received.
 *
 * @param asked the digest that it must have
 * @param said the digest that the registry states: never believed, but a contradiction is one
 */
function verifiedDigest(
  bytes: Uint8Array,
  asked: OciDigest | undefined,
  said: string | null,
  name: string,
): OciDigest {
  if (said !== null && !isDigest(said)) {
    throw new ModelSigningError(
      "OCI_DIGEST_MISMATCH",
      `${name} comes with ${excerpt(said)} as its digest, which is none`,
    );
  }
  const wanted = asked ?? said ?? undefined;
  const found = digestOf(bytes, wanted && splitDigest(wanted).algorithm);
  if (wanted !== undefined && found !== wanted) {
    throw new ModelSigningError(
      "OCI_DIGEST_MISMATCH",
      `${name} has the digest ${found}, expected ${wanted}`,
    );
  }
  if (asked && said && said !== digestOf(bytes, splitDigest(said).algorithm)) {
    throw new ModelSigningError(
      "OCI_DIGEST_MISMATCH",
      `${name} has the digest ${found}, and the registry states ${said}`,
    );
  }
  return found;
}
