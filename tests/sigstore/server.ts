/** The HTTP server of the loopback Sigstore: routes, faults, and what tests ask of it. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CtLog } from "./ct_log.ts";
import { fail, Faults, lieOf, type ServiceName } from "./faults.ts";
import { Fulcio } from "./fulcio.ts";
import { type Asked, json, objectIn, Refused, refused, type Reply, type Service } from "./http.ts";
import { OidcIssuer } from "./oidc.ts";
import { RekorV1 } from "./rekor_v1.ts";
import { RekorV2 } from "./rekor_v2.ts";
import { type Services, trustFiles } from "./trust_files.ts";
import { TimestampAuthority } from "./tsa.ts";
import { TufRepository } from "./tuf.ts";

/** A request that was made, for tests to look at. Holds no query and no body: tokens and codes are in there. */
export type RequestRecord = {
  readonly service: ServiceName | "none";
  readonly method: string;
  readonly path: string;
};

/** What the first line on stdout says. */
export type Started = {
  /** Base address of Fulcio and Rekor v1. */
  readonly url: string;
  /** Base address of Rekor v2. */
  readonly rekor2: string;
  readonly tsa: string;
  readonly issuer: string;
  /** Address of the TUF repository. */
  readonly tuf: string;
  /** Folder with `trusted_root.json`, `trust_config.json` and others. */
  readonly folder: string;
};

const HOST = "127.0.0.1";

/** Bytes that a request may have. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

/** The instance. */
export class LoopbackSigstore {
  readonly #faults = new Faults();
  readonly #services: Readonly<Record<ServiceName, Service>>;
  readonly #oidc: OidcIssuer;
  readonly #tuf: TufRepository;
  #requests: RequestRecord[] = [];
  readonly started: Started;

  private constructor(server: Server, folder: string, email: string) {
    const url = `http://${HOST}:${(server.address() as AddressInfo).port}`;
    const issuerUrl = `${url}/auth`;
    const rekor2Url = `${url}/rekor2`;
    const tsaUrl = `${url}/tsa/api/v1/timestamp`;
    const oidc = new OidcIssuer(issuerUrl, email);
    const ctLog = new CtLog();
    const fulcio = new Fulcio(oidc, ctLog);
    const rekor = new RekorV1(HOST);
    const rekor2 = new RekorV2(HOST, "/rekor2");
    const tsa = new TimestampAuthority(join(folder, "tsa"));
    const all: Services = {
      ...{ url, issuerUrl, rekor2Url, tsaUrl, fulcio, ctLog, rekor, rekor2, tsa },
    };
    const files = trustFiles(all);
    const tuf = new TufRepository({
      "trusted_root.json": files["trusted_root.json"]!,
      "signing_config.v0.2.json": files["signing_config.json"]!,
    });
    for (const [name, content] of Object.entries({ ...files, "tuf_root.json": tuf.firstRoot })) {
      writeFileSync(join(folder, name), content);
    }
    this.#oidc = oidc;
    this.#tuf = tuf;
    this.#services = {
      fulcio: (asked, lie) => fulcio.answer(asked, lie),
      rekor: (asked, lie) => rekor.answer(asked, lie),
      rekor2: (asked, lie) => rekor2.answer(asked, lie),
      tsa: (asked, lie) => tsa.answer(asked, lie),
      oidc: (asked, lie) => oidc.answer(asked, lie),
      tuf: (asked) => tuf.answer(asked),
    };
    this.started = {
      url,
      rekor2: rekor2Url,
      tsa: tsaUrl,
      issuer: issuerUrl,
      tuf: `${url}/tuf`,
      folder,
    };
  }

  /**
   * Starts listening and writes the files.
   *
   * @param folder an empty one
   * @param port 0 for any
   * @param email who logs in
   */
  static async start(folder: string, port: number, email: string): Promise<LoopbackSigstore> {
    mkdirSync(folder, { recursive: true });
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, HOST, resolve);
    });
    const instance = new LoopbackSigstore(server, folder, email);
    server.on("request", (request, response) => void instance.#serve(request, response));
    return instance;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client may go away at any time.
    response.on("error", () => {});
    try {
      const asked = await read(request, this.started.url);
      if (!asked) return;
      if (asked.url.pathname.startsWith("/test/")) {
        send(response, this.#control(asked));
        return;
      }
      const name = serviceOf(asked.url.pathname);
      this.#requests.push({
        service: name ?? "none",
        method: asked.method,
        path: asked.url.pathname,
      });
      if (name === undefined) throw refused(404, "no service answers here");
      const fault = this.#faults.take(name);
      const reply = () => replyOf(this.#services[name], asked, lieOf(fault));
      if (!await fail(fault, response, reply)) send(response, await reply());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      send(response, error.reply);
    }
  }

  /** What tests ask of the instance itself. */
  #control({ method, url, body }: Asked): Reply {
    switch (`${method} ${url.pathname}`) {
      case "POST /test/token":
        return json({ token: this.#oidc.token(objectIn(body)) });
      case "POST /test/login":
        this.#oidc.identity = objectIn(body);
        return json({});
      case "POST /test/fault":
        this.#faults.set(objectIn(body));
        return json({});
      case "POST /test/tuf":
        this.#tuf.act(objectIn(body));
        return json({});
      case "POST /test/reset":
        this.#faults.reset();
        this.#oidc.reset();
        this.#tuf.reset();
        this.#requests = [];
        return json({});
      case "GET /test/requests":
        return json(this.#requests);
      default:
        throw refused(404, "there is no such control");
    }
  }
}

async function replyOf(service: Service, asked: Asked, lie: string | undefined): Promise<Reply> {
  try {
    return await service(asked, lie);
  } catch (error) {
    if (error instanceof Refused) return error.reply;
    throw error;
  }
}

function serviceOf(path: string): ServiceName | undefined {
  const prefixes: readonly (readonly [string, ServiceName])[] = [
    ["/api/v2/", "fulcio"],
    ["/api/v1/", "rekor"],
    ["/rekor2/", "rekor2"],
    ["/tsa/", "tsa"],
    ["/auth/", "oidc"],
    ["/tuf/", "tuf"],
  ];
  return prefixes.find(([prefix]) => path.startsWith(prefix))?.[1];
}

/** Reads a request; undefined when the client goes away before its end. */
async function read(request: IncomingMessage, base: string): Promise<Asked | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > MAX_REQUEST_BYTES) throw refused(400, "the request is too large");
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    return undefined;
  }
  const { method = "GET", url = "/", headers } = request;
  return { method, url: new URL(url, base), headers, body: Buffer.concat(chunks) };
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}
