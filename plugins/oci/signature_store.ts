/** Signatures that refer to a manifest, in its registry or layout. */

import { type Bundle, parseBundle } from "../../core/bundle.ts";
import { ModelSigningError, type Parsed } from "../../core/errors.ts";
import { MAX_BUNDLE_BYTES } from "../../core/limits.ts";
import type { RunOptions } from "../../core/options.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import { compareCodePoints } from "../../core/path.ts";
import type { FoundSignature, SignatureStore } from "../../core/source.ts";
import { DIGESTS_PREDICATE_TYPE, PREDICATE_TYPE } from "../../core/statement.ts";
import { attach, bundleArtifact } from "./attach.ts";
import { type AttachedBundle, attachedBundles } from "./attached_bundles.ts";
import { readBlob } from "./checked_stream.ts";
import type { Descriptor } from "./descriptor.ts";
import { MAX_REFERRERS } from "./limits.ts";
import { isOwnFault, type OciStore } from "./store.ts";

/** A signature with its bytes, if they could be fetched. */
export type FoundBundle = FoundSignature & { readonly bytes?: Uint8Array };

/** The bundles that refer to one manifest. */
export class OciSignatures implements SignatureStore {
  readonly #store: OciStore;
  readonly #subject: Descriptor;

  /** Takes the manifest's own descriptor. */
  constructor(store: OciStore, subject: Descriptor) {
    this.#store = store;
    this.#subject = subject;
  }

  /** {@link SignatureStore.prepare}. Throws `OCI_MANIFEST` when there are as many referrers as anybody looks at. */
  async prepare(options: RunOptions): Promise<void> {
    await this.#requireRoom(options);
    await this.#store.requireWritable(options);
  }

  /**
   * Stores a bundle as a referrer of the manifest, as cosign 3 does.
   *
   * @returns the digest of the referrer's manifest
   * @throws {ModelSigningError} `BUNDLE_REFUSED` when it is no signature of a model, and what the registry or the layout
   * throws
   */
  async attach(bytes: Uint8Array, options: RunOptions): Promise<string> {
    const bundle = parseBundle(bytes);
    const statement = bundle.ok ? parseStatement(bundle.value.envelope.payload) : bundle;
    if (!statement.ok) {
      throw new ModelSigningError("BUNDLE_REFUSED", "this is no signature of a model", {
        issues: [statement.issue],
      });
    }
    const predicateType = statement.value.form === "digests"
      ? DIGESTS_PREDICATE_TYPE
      : PREDICATE_TYPE;
    await this.#requireRoom(options);
    const artifact = bundleArtifact(bytes, predicateType, new Date());
    const { digest } = await attach(this.#store, this.#subject, artifact, options);
    options.logger?.log("info", "attached the signature", {
      subject: this.#subject.digest,
      referrer: digest,
    });
    return digest;
  }

  /**
   * The youngest by their own account first, so that what was signed again is not judged by what it was before. A bundle
   * that several referrers hold is one signature.
   */
  async *discover(options: RunOptions): AsyncGenerator<FoundBundle, void, void> {
    const attached: AttachedBundle[] = [];
    for await (const each of attachedBundles(this.#store, this.#subject.digest, options)) {
      attached.push(each);
    }
    const sorted = attached.sort((a, b) =>
      compareCodePoints(created(b), created(a)) ||
      compareCodePoints(a.descriptor.digest, b.descriptor.digest)
    );
    const seen = new Set<string>();
    for (const each of sorted) {
      if ("bundle" in each) {
        // With another size it is another claim, which may be the right one.
        const bundle = `${each.bundle.digest} ${each.bundle.size}`;
        if (seen.has(bundle)) continue;
        seen.add(bundle);
      }
      yield { reference: each.descriptor.digest, ...await this.#fetched(each, options) };
    }
  }

  /** One more than that, and the whole list would be refused. */
  async #requireRoom(options: RunOptions): Promise<void> {
    const { digest } = this.#subject;
    let referrers = 0;
    for await (const _ of this.#store.referrers(digest, options)) referrers++;
    if (referrers < MAX_REFERRERS) return;
    throw new ModelSigningError(
      "OCI_MANIFEST",
      `${digest} in ${this.#store.name} has ${referrers} referrers already, and no more are looked at`,
    );
  }

  async #fetched(
    attached: AttachedBundle,
    options: RunOptions,
  ): Promise<{ readonly bundle: Parsed<Bundle>; readonly bytes?: Uint8Array }> {
    if ("problem" in attached) return { bundle: unusable(attached.problem) };
    try {
      const bytes = await readBlob(this.#store, attached.bundle, MAX_BUNDLE_BYTES, options);
      return { bundle: parseBundle(bytes), bytes };
    } catch (error) {
      if (!isOwnFault(error)) throw error;
      return { bundle: unusable(error) };
    }
  }
}

/** ISO 8601 in UTC sorts as text. Who wrote something else, or nothing, comes last. */
function created(attached: AttachedBundle): string {
  const time = "annotations" in attached
    ? attached.annotations["org.opencontainers.image.created"] ?? ""
    : "";
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$/.test(time) ? time : "";
}

function unusable({ message }: ModelSigningError): Parsed<never> {
  return { ok: false, issue: { code: "BUNDLE_MALFORMED", message } };
}
