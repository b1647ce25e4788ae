/** References to models in registries and layouts. */

import { isIP } from "node:net";
import process from "node:process";
import { ModelSigningError } from "../../core/errors.ts";
import { excerpt } from "../../core/text.ts";
import { digestProblem, type OciDigest } from "./digest.ts";

/** Which manifest is meant; a digest counts more than a tag. */
export type Target = {
  readonly tag?: string;
  readonly digest?: OciDigest;
};

/** `oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]`. Without tag and digest the tag is `latest`. */
export type RegistryReference = Target & {
  readonly kind: "registry";
  /** As written, in lower case, with its port if it has one. */
  readonly registry: string;
  readonly repository: string;
  /** True when neither tag nor digest was given, so that `tag` is `latest`. */
  readonly assumedTag: boolean;
};

/** `oci-layout:PATH[:TAG|@DIGEST]`. Without tag and digest the layout's only manifest is meant. */
export type LayoutReference = Target & {
  readonly kind: "layout";
  readonly path: string;
};

/** A reference to a model in a registry or a layout. */
export type OciReference = RegistryReference | LayoutReference;

/** OCI distribution 1.1, "Pulling manifests": `<name>`. Separators never match what is between them. */
const REPOSITORY =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

/** OCI distribution 1.1, "Pulling manifests": `<reference>` as a tag. */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** "Many clients impose a limit of 255 characters" (the same place). */
const MAX_REPOSITORY_LENGTH = 255;

const HOST_LABELS = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/**
 * Parses a reference. Docker's short names are not expanded: the official images are at
 * `oci://docker.io/library/NAME`.
 *
 * In `oci-layout:PATH`, what follows the last colon after the last separator is the tag. A path whose last part has
 * a colon of its own is written with a separator at its end: `oci-layout:models/a:b/`. Separators are `/` and, on
 * Windows, `\`; the colon of a drive is none.
 *
 * @param platform as `process.platform`
 * @throws {ModelSigningError} `USAGE_OCI_REFERENCE`
 */
export function parseReference(text: string, platform: string = process.platform): OciReference {
  if (text.startsWith("oci://")) return parseRegistryReference(text.slice("oci://".length), text);
  if (text.startsWith("oci-layout:")) {
    return parseLayoutReference(text.slice("oci-layout:".length), text, platform);
  }
  throw refused(`reference ${excerpt(text)} does not begin with oci:// or oci-layout:`);
}

/** The reference in one spelling, without what was assumed; not escaped. */
export function referenceText(reference: OciReference): string {
  const { tag, digest } = reference;
  const target = `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
  if (reference.kind === "registry") {
    return `oci://${reference.registry}/${reference.repository}${target}`;
  }
  const ambiguous = target === "" && /:[^/\\]*$/.test(reference.path);
  return `oci-layout:${reference.path}${ambiguous ? "/" : ""}${target}`;
}

/** Whether a text can be a tag. */
function isTag(text: string): boolean {
  return TAG.test(text);
}

function parseRegistryReference(rest: string, text: string): RegistryReference {
  const slash = rest.indexOf("/");
  const registry = (slash === -1 ? rest : rest.slice(0, slash)).toLowerCase();
  const problem = hostProblem(registry);
  const isLogin = problem !== undefined && /@(?!sha(?:256|512):)/.test(rest);
  if (registry.includes("@") || isLogin) {
    // Not shown: it may be a password, which may hold a slash.
    throw refused("the reference holds credentials or a digest in the place of the host", {
      hint: "log in with docker login, podman login or oras login",
    });
  }
  if (problem !== undefined) throw refused(`reference ${excerpt(text)}: ${problem}`);
  if (slash === -1) throw refused(`reference ${excerpt(text)} names no repository`);
  const named = rest.slice(slash + 1);
  const at = named.indexOf("@");
  const digest = at === -1 ? undefined : parseDigest(named.slice(at + 1), text);
  const name = at === -1 ? named : named.slice(0, at);
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  const tag = colon === -1 ? undefined : parseTag(name.slice(colon + 1), text);
  const repository = colon === -1 ? name : name.slice(0, colon);
  if (repository.length > MAX_REPOSITORY_LENGTH || !REPOSITORY.test(repository)) {
    throw refused(
      `reference ${excerpt(text)} has the repository ${excerpt(repository)}, expected parts of ` +
        `lowercase letters and digits, joined by ".", "_", "__", "-" or "/"`,
    );
  }
  const assumedTag = tag === undefined && digest === undefined;
  return {
    kind: "registry",
    registry,
    repository,
    assumedTag,
    ...(tag === undefined ? assumedTag ? { tag: "latest" } : {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function parseLayoutReference(rest: string, text: string, platform: string): LayoutReference {
  // No other algorithm is taken for one: `a@b:c` is folder `a@b` with tag `c`.
  const digested = /^(.*)@(sha(?:256|512):[^/\\@]*)$/s.exec(rest);
  const windows = platform === "win32";
  const base = digested?.[1] ?? rest;
  const drive = windows && /^[a-zA-Z]:/.test(base) ? 2 : 0;
  const lastPart = Math.max(
    drive,
    base.lastIndexOf("/") + 1,
    windows ? base.lastIndexOf("\\") + 1 : 0,
  );
  const colon = base.lastIndexOf(":");
  const tagged = !digested && colon >= lastPart;
  const path = tagged ? base.slice(0, colon) : base;
  if (path === "" || path.includes("\0")) {
    throw refused(`reference ${excerpt(text)} names no folder`);
  }
  return {
    kind: "layout",
    path,
    ...(tagged ? { tag: parseTag(base.slice(colon + 1), text, COLON_HINT) } : {}),
    ...(digested ? { digest: parseDigest(digested[2]!, text) } : {}),
  };
}

/** What is wrong with a host and port, as a sentence. */
function hostProblem(registry: string): string | undefined {
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(registry) ?? [];
  if (host === undefined || host === "") return "it names no host";
  const bracketed = /^\[(.*)\]$/s.exec(host)?.[1];
  const good = bracketed === undefined
    ? host.length <= 253 && HOST_LABELS.test(host)
    : isIP(bracketed) === 6 && !bracketed.includes("%");
  if (!good) return `${excerpt(host)} is no host`;
  if (port !== undefined && !(/^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535)) {
    return `${excerpt(port)} is no port`;
  }
  return undefined;
}

function parseDigest(digest: string, text: string): OciDigest {
  const problem = digestProblem(digest);
  if (problem === undefined) return digest as OciDigest;
  throw refused(`the digest of reference ${excerpt(text)} ${problem}`);
}

function parseTag(
  tag: string,
  text: string,
  details: { readonly hint?: string } = {},
): string {
  if (isTag(tag)) return tag;
  throw refused(
    `reference ${excerpt(text)} has the tag ${excerpt(tag)}, expected ${TAG_RULE}`,
    details,
  );
}

const TAG_RULE = 'up to 128 letters, digits, ".", "_" and "-", the first of them no "." and no "-"';

const COLON_HINT = {
  hint: 'a path with a colon in its last part is written with a "/" at its end',
};

function refused(message: string, details: { readonly hint?: string } = {}): ModelSigningError {
  return new ModelSigningError("USAGE_OCI_REFERENCE", message, details);
}
