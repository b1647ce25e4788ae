/** Models in registries, pushed without the code that is tested. */

import { Buffer } from "node:buffer";
import { encode, type Loose, sha256 } from "./bundles.ts";
import {
  descriptorOf,
  INDEX_TYPE,
  MANIFEST_TYPE,
  manifestOf,
  type TestLayer,
} from "./oci_manifests.ts";

/** What is pushed, and where. */
export type PushedModel = {
  readonly layers: readonly TestLayer[];
  readonly config?: string;
  /** Default `models/m`. */
  readonly repository?: string;
  /** Default `v1`. */
  readonly tag?: string;
  /** Takes the place of the manifest that the layers make. */
  readonly manifest?: Loose;
  /** Value of the `Authorization` header. */
  readonly authorization?: string;
};

/** The repository of the tests. */
export const REPOSITORY = "models/m";

/** The config blob of a model that says nothing of its own. */
export const CONFIG = '{"c":1}';

/**
 * Pushes a model over plain HTTP.
 *
 * @returns the manifest's digest
 */
export async function pushModel(
  host: string,
  { layers, config = CONFIG, tag = "v1", ...rest }: PushedModel,
): Promise<string> {
  const { manifest = manifestOf(layers, config) } = rest;
  for (const content of [...layers.map(({ content }) => content), config]) {
    await pushBlob(host, content, rest);
  }
  const push = pushTo(host, rest);
  const bytes = encode(manifest);
  await sent(push, "PUT", `manifests/${tag}`, manifest.mediaType ?? MANIFEST_TYPE, bytes);
  return `sha256:${sha256(bytes)}`;
}

/** Where something is pushed to. */
export type PushPlace = Pick<PushedModel, "repository" | "authorization">;

/** Pushes a blob over plain HTTP (OCI distribution 1.1, "Pushing a blob monolithically"). */
export async function pushBlob(
  host: string,
  content: string | Uint8Array,
  place: PushPlace = {},
): Promise<void> {
  const push = pushTo(host, place);
  const begun = await sent(push, "POST", "blobs/uploads/");
  const at = new URL(begun.headers.get("location")!, push.base);
  at.searchParams.set("digest", `sha256:${sha256(content)}`);
  await sent(push, "PUT", at.href, "application/octet-stream", Buffer.from(content));
}

type Push = { readonly base: string; readonly authorization: string | undefined };

function pushTo(host: string, { repository = REPOSITORY, authorization }: PushPlace): Push {
  return { base: `http://${host}/v2/${repository}/`, authorization };
}

async function sent(
  { base, authorization }: Push,
  method: string,
  path: string,
  type?: string,
  body?: Uint8Array,
): Promise<Response> {
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      ...(type === undefined ? {} : { "content-type": type }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(body === undefined ? {} : { body: body as BodyInit }),
  });
  const said = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${said}`);
  return response;
}

/** Media type of a Sigstore bundle. */
export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** What refers to a manifest. */
export type Referrer = {
  readonly artifactType: string;
  readonly layers: readonly TestLayer[];
  /** Value of the annotation for when it was made. */
  readonly created?: string;
};

/** A referrer like that of a signature, with these texts as its layers. */
export function attachedLayers(
  contents: readonly (string | Uint8Array)[],
): Pick<Referrer, "artifactType" | "layers"> {
  const layers = contents.map((content) => ({ content, mediaType: BUNDLE_TYPE }));
  return { artifactType: BUNDLE_TYPE, layers };
}

/**
 * Pushes a referrer of a manifest, and lists it where the registry does not.
 *
 * @returns the digest of the referrer's manifest
 */
export async function pushReferrer(
  host: string,
  subject: { readonly digest: string; readonly manifest: Loose },
  { artifactType, layers, created }: Referrer,
): Promise<string> {
  const annotations = created === undefined ? {} : { "org.opencontainers.image.created": created };
  const { mediaType } = subject.manifest;
  const manifest = {
    ...manifestOf(layers, "{}"),
    artifactType,
    annotations,
    subject: { mediaType, digest: subject.digest, size: encode(subject.manifest).length },
  };
  // A manifest needs a tag or its digest to be pushed.
  const digest = `sha256:${sha256(encode(manifest))}`;
  const push = pushTo(host, {});
  await pushModel(host, { layers, config: "{}", manifest, tag: digest });
  if ((await fetch(new URL(`referrers/${subject.digest}`, push.base))).ok) return digest;
  const tag = `manifests/${subject.digest.replace(":", "-")}`;
  const listed = await fetch(new URL(tag, push.base));
  const before = listed.ok ? (await listed.json()).manifests : [];
  const descriptor = descriptorOf(encode(manifest) as Uint8Array, MANIFEST_TYPE);
  const index = {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
    manifests: [...before, { ...descriptor, artifactType, annotations }],
  };
  await sent(push, "PUT", tag, INDEX_TYPE, encode(index));
  return digest;
}
