/** A registry with the referrers API (OCI distribution 1.1), and a storage host that blobs are redirected to. */

import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Access, type AuthKind } from "./access.ts";
import { Contents, sha256 } from "./contents.ts";
import { type Fault, type Part, type Reply, send } from "./faults.ts";

/** How the registry behaves. What is not given stays as it is. */
export type Behaviour = {
  /** Has the referrers API and says `OCI-Subject`. At the start: true. */
  readonly referrersApi?: boolean;
  /** Minds `If-Match` and `If-None-Match`. At the start: true. */
  readonly conditions?: boolean;
  /**
   * So many ms after a list of referrers was put under its tag, a client that has read what was there before replaces it,
   * once. At the start: 0, nobody does.
   */
  readonly staleWriter?: number;
  /** Redirects blobs to the storage host. At the start: false. */
  readonly redirects?: boolean;
  /** Referrers on a page; 0 for all. At the start: 0. */
  readonly pageSize?: number;
  /** The address of every next page, instead of the right one. */
  readonly nextPage?: string;
  readonly auth?: AuthKind;
  readonly anonymousPull?: boolean;
  readonly realm?: string;
};

/** A request that was made. */
export type RequestRecord = {
  readonly origin: "registry" | "storage";
  readonly part: Part | "none";
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
};

/** What the first line on stdout says. */
export type Started = { readonly url: string; readonly storage: string };

type Asked = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
};

/** The instance. */
export class TestRegistry {
  #contents = new Contents();
  #access = new Access();
  #behaviour: Required<Omit<Behaviour, "auth" | "anonymousPull" | "realm" | "nextPage">> & {
    nextPage?: string;
  } = { referrersApi: true, conditions: true, staleWriter: 0, redirects: false, pageSize: 0 };
  #faults: { readonly fault: Fault; left: number }[] = [];
  #requests: RequestRecord[] = [];
  readonly #uploads: Set<string> = new Set();
  readonly started: Started;

  private constructor(url: string, storage: string) {
    this.started = { url, storage };
  }

  /** Starts both hosts on ports of their own. */
  static async start(): Promise<TestRegistry> {
    const servers = [createServer(), createServer()] as const;
    const [url, storage] = await Promise.all(servers.map(listen)) as [string, string];
    const registry = new TestRegistry(url, storage);
    servers[0].on("request", (request, response) => registry.#serve("registry", request, response));
    servers[1].on("request", (request, response) => registry.#serve("storage", request, response));
    return registry;
  }

  async #serve(
    origin: "registry" | "storage",
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { method = "GET", url = "/", headers } = request;
    const chunks: Uint8Array[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      // The client has gone away.
      return;
    }
    const base = origin === "registry" ? this.started.url : this.started.storage;
    const asked = { method, url: new URL(url, base), headers, body: Buffer.concat(chunks) };
    if (asked.url.pathname.startsWith("/test/")) {
      const answer = this.#control(asked.url.pathname.slice("/test/".length), asked.body);
      return await send(response, json(answer), undefined, true);
    }
    const part = origin === "storage" ? "storage" : partOf(asked.url.pathname);
    this.#requests.push({ origin, part, method, url, headers });
    const found = this.#faults.find(({ fault, left }) =>
      fault.part === part && left > 0 && (fault.method ?? method) === method
    );
    if (found) found.left--;
    const refuses = ["status", "hang", "close"].includes(found?.fault.kind ?? "");
    const reply = refuses
      ? empty(200, {})
      : origin === "storage"
      ? this.#storage(asked)
      : this.#answer(asked, part);
    await send(response, reply, found?.fault, method !== "HEAD");
  }

  #answer(asked: Asked, part: Part | "none"): Reply {
    if (part === "token") return this.#token(asked);
    // OCI distribution 1.1, "Determining Support"; some clients ask first.
    if (asked.url.pathname === "/v2/") return json({});
    const [, repository, reference = ""] =
      /^\/v2\/(.+)\/(?:manifests|blobs\/uploads|blobs|referrers)\/(.*)$/.exec(asked.url.pathname) ??
        [];
    if (repository === undefined) return refused(404, "NAME_UNKNOWN");
    const push = !["GET", "HEAD"].includes(asked.method);
    if (!this.#access.allows(asked.headers, repository, push)) {
      const challenge = this.#access.challenge(this.started.url, repository, push);
      return refused(401, "UNAUTHORIZED", { "www-authenticate": challenge });
    }
    switch (part) {
      case "uploads":
        return this.#upload(asked, repository, reference);
      case "blobs":
        return asked.method === "HEAD" ? this.#hasBlob(reference) : this.#blob(reference);
      case "manifests":
      case "index":
        return asked.method === "PUT"
          ? this.#putManifest(asked, repository, reference)
          : this.#manifest(repository, reference);
      case "referrers":
        return this.#referrers(asked.url, repository, reference);
      default:
        return refused(404, "NAME_UNKNOWN");
    }
  }

  #token({ url, headers, body }: Asked): Reply {
    const token = this.#access.token(url, headers, Buffer.from(body).toString());
    return token === undefined
      ? refused(401, "UNAUTHORIZED")
      : json({ access_token: token, expires_in: 300 });
  }

  #upload({ method, url, body }: Asked, repository: string, id: string): Reply {
    if (method === "POST") {
      const place = randomUUID();
      this.#uploads.add(place);
      return empty(202, { location: `/v2/${repository}/blobs/uploads/${place}?state=a%2Bb` });
    }
    if (!this.#uploads.has(id) || url.searchParams.get("state") !== "a+b") {
      return refused(404, "BLOB_UPLOAD_UNKNOWN");
    }
    if (method === "DELETE") {
      this.#uploads.delete(id);
      return empty(204, {});
    }
    const digest = sha256(body);
    if (digest !== url.searchParams.get("digest")) return refused(400, "DIGEST_INVALID");
    this.#uploads.delete(id);
    this.#contents.blobs.set(digest, body);
    return empty(201, { "docker-content-digest": digest });
  }

  #blob(digest: string): Reply {
    const bytes = this.#contents.blob(digest);
    if (!bytes) return refused(404, "BLOB_UNKNOWN");
    if (this.#behaviour.redirects) {
      return empty(307, { location: `${this.started.storage}/${digest}?signature=secret` });
    }
    return { status: 200, headers: { "content-type": "application/octet-stream" }, body: bytes };
  }

  #hasBlob(digest: string): Reply {
    return this.#contents.blobs.has(digest) ? empty(200, {}) : refused(404, "BLOB_UNKNOWN");
  }

  #storage({ url }: Asked): Reply {
    const bytes = this.#contents.blobs.get(url.pathname.slice(1));
    return bytes ? { status: 200, headers: {}, body: bytes } : refused(404, "NoSuchKey");
  }

  #manifest(repository: string, reference: string): Reply {
    const stored = this.#contents.manifest(repository, reference);
    if (!stored) return refused(404, "MANIFEST_UNKNOWN");
    const { digest, type, bytes } = stored;
    return {
      status: 200,
      headers: { "content-type": type, "docker-content-digest": digest, etag: `"${digest}"` },
      body: bytes,
    };
  }

  #putManifest({ url, headers, body }: Asked, repository: string, reference: string): Reply {
    const before = this.#contents.manifest(repository, reference);
    const match = headers["if-match"];
    if (this.#behaviour.conditions) {
      if (match !== undefined && match !== `"${before?.digest}"`) return refused(412, "CHANGED");
      if (headers["if-none-match"] === "*" && before) return refused(412, "EXISTS");
    }
    const manifest = JSON.parse(Buffer.from(body).toString());
    const blobs = [manifest.config, ...manifest.layers ?? []].filter((each) => each !== undefined);
    if (!blobs.every(({ digest }) => this.#contents.blobs.has(digest))) {
      return refused(404, "MANIFEST_BLOB_UNKNOWN");
    }
    const type = headers["content-type"]!;
    const { digest } = this.#contents.put(repository, reference, type, body);
    const { staleWriter } = this.#behaviour;
    if (staleWriter > 0 && partOf(url.pathname) === "index") {
      this.#behaviour = { ...this.#behaviour, staleWriter: 0 };
      const stale = before?.bytes ?? Buffer.from(JSON.stringify({ ...manifest, manifests: [] }));
      setTimeout(() => this.#contents.put(repository, reference, type, stale), staleWriter);
    }
    const subject = manifest.subject?.digest;
    return empty(201, {
      "docker-content-digest": digest,
      ...(subject && this.#behaviour.referrersApi ? { "oci-subject": subject } : {}),
    });
  }

  #referrers(url: URL, repository: string, subject: string): Reply {
    if (!this.#behaviour.referrersApi) return refused(404, "NAME_UNKNOWN");
    const type = url.searchParams.get("artifactType");
    const all = this.#contents.referrers(repository, subject)
      .filter(({ artifactType }) => type === null || artifactType === type);
    const { pageSize, nextPage } = this.#behaviour;
    const from = Number(url.searchParams.get("from") ?? 0);
    const page = pageSize === 0 ? all : all.slice(from, from + pageSize);
    const next = nextPage ??
      (from + page.length < all.length
        ? `${url.pathname}?from=${from + page.length}${
          type === null ? "" : `&artifactType=${encodeURIComponent(type)}`
        }`
        : undefined);
    const mediaType = "application/vnd.oci.image.index.v1+json";
    return {
      status: 200,
      headers: {
        "content-type": mediaType,
        ...(type === null ? {} : { "oci-filters-applied": "artifactType" }),
        ...(next === undefined ? {} : { link: `<${next}>; rel="next"` }),
      },
      body: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: page })),
    };
  }

  #control(name: string, body: Uint8Array): unknown {
    const asked = body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString());
    switch (name) {
      case "fault":
        this.#faults.push({ fault: asked, left: asked.count ?? Infinity });
        return {};
      case "behave": {
        const { auth, anonymousPull, realm, ...others } = asked as Behaviour;
        this.#access.kind = auth ?? this.#access.kind;
        this.#access.anonymousPull = anonymousPull ?? this.#access.anonymousPull;
        this.#access.realm = realm ?? this.#access.realm;
        this.#behaviour = { ...this.#behaviour, ...others };
        return {};
      }
      case "expire":
        this.#access.expire();
        return {};
      case "move":
        this.#contents.move(asked.repository, asked.tag, asked.digests);
        return {};
      case "lie": {
        const contents = asked.contents.map((bytes: string) => Buffer.from(bytes, "base64"));
        this.#contents.lie(asked.digest, contents);
        return {};
      }
      case "put":
        return this.#contents.put(
          ...[asked.repository, asked.reference, asked.type] as [string, string, string],
          Buffer.from(asked.bytes, "base64"),
        ).digest;
      case "tags":
        return this.#contents.tags(asked.repository);
      case "requests":
        return this.#requests;
      case "forget":
        this.#faults = [];
        this.#requests = [];
        return {};
      default:
        throw new Error(`there is no control ${name}`);
    }
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function partOf(path: string): Part | "none" {
  if (path === "/token") return "token";
  if (/^\/v2\/.+\/manifests\/sha256-[0-9a-f]{64}$/.test(path)) return "index";
  const kind = /^\/v2\/.+\/(manifests|blobs\/uploads|blobs|referrers)\//.exec(path)?.[1];
  return kind === "blobs/uploads" ? "uploads" : kind as Part | undefined ?? "none";
}

function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function empty(status: number, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers, body: new Uint8Array() };
}

function refused(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const message = code.toLowerCase().replaceAll("_", " ");
  return json({ errors: [{ code, message }] }, status, headers);
}
