/** A timestamp authority (RFC 3161) over HTTP; the tokens are made by `openssl ts`. */

import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  DerError,
  DerReader,
  encode,
  encodeSequence,
  readOnly,
  TAG,
} from "../../plugins/_der/mod.ts";
import { type Authority, rootAuthority, serviceCertificate, USAGE } from "./certificate.ts";
import { type Asked, Refused, type Reply, text } from "./http.ts";
import { newKey, pem, spoiled } from "./keys.ts";

const run = promisify(execFile);

/** The authority. */
export class TimestampAuthority {
  readonly root: Authority = rootAuthority("timestamp root", "P-384");
  /** Certificate of the key that signs tokens, DER. */
  readonly certificate: Uint8Array;
  readonly #folder: string;
  /** Requests one after another: `openssl` keeps the serial number in a file. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param folder where it keeps its key; made by it */
  constructor(folder: string) {
    this.#folder = folder;
    const key = newKey("P-256");
    this.certificate = serviceCertificate(this.root, "timestamps", key.spki, USAGE.timeStamping);
    mkdirSync(folder, { mode: 0o700 });
    const files = {
      "key.pem": key.privateKey.export({ type: "pkcs8", format: "pem" }),
      "certificate.pem": pem("CERTIFICATE", this.certificate),
      "root.pem": pem("CERTIFICATE", this.root.certificate),
      "serial": "01\n",
      "openssl.cnf": [
        "[tsa]",
        "serial = serial",
        "signer_cert = certificate.pem",
        "certs = root.pem",
        "signer_key = key.pem",
        "signer_digest = sha256",
        "default_policy = 1.3.6.1.4.1.57264.2",
        "digests = sha256, sha384, sha512",
        "ess_cert_id_alg = sha256",
        "",
      ].join("\n"),
    };
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(folder, name), content, { mode: 0o600 });
    }
  }

  /** Answers a request below `/tsa`. */
  async answer({ method, url, headers, body }: Asked, lie: string | undefined): Promise<Reply> {
    if (method !== "POST" || url.pathname !== "/tsa/api/v1/timestamp") {
      throw new Refused(text("not found", 404));
    }
    if (headers["content-type"] !== "application/timestamp-query") {
      throw new Refused(text("unsupported media type", 415));
    }
    const turn = this.#last.then(() => this.#reply(changed(body, lie)));
    this.#last = turn.catch(() => {});
    const reply = await turn;
    return {
      status: 200,
      headers: { "content-type": "application/timestamp-reply" },
      body: lie === "bad-signature" ? spoiled(reply) : reply,
    };
  }

  async #reply(query: Uint8Array): Promise<Buffer> {
    const folder = this.#folder;
    writeFileSync(join(folder, "query"), query);
    const args = [
      ...["ts", "-reply", "-config", "openssl.cnf", "-section", "tsa"],
      ...["-queryfile", "query"],
    ];
    const { stdout } = await run("openssl", args, { cwd: folder, encoding: "buffer" });
    return stdout;
  }
}

/**
 * The query as a lying authority reads it (RFC 3161 2.4.1): version, imprint, policy, nonce, whether it wants
 * certificates, extensions.
 */
function changed(query: Uint8Array, lie: string | undefined): Uint8Array {
  try {
    const fields = readOnly(query, TAG.sequence, "the query");
    const version = fields.read(TAG.integer, "its version");
    const imprint = fields.read(TAG.sequence, "its imprint");
    const parts = new DerReader(imprint.content);
    const algorithm = parts.read(TAG.sequence, "its algorithm");
    const digest = parts.read(TAG.octetString, "its digest");
    const policy = fields.optional(TAG.oid, "its policy");
    const nonce = fields.optional(TAG.integer, "its nonce");
    const rest = [];
    while (!fields.done) rest.push(fields.next("the rest").whole);
    const other = encodeSequence(
      algorithm.whole,
      encode(TAG.octetString, spoiled(digest.content)),
    );
    // A digest of the wrong length is what `openssl` rejects.
    const short = encodeSequence(algorithm.whole, encode(TAG.octetString, Buffer.of(1)));
    return encodeSequence(
      version.whole,
      lie === "wrong-imprint" ? other : lie === "rejected" ? short : imprint.whole,
      policy?.whole ?? new Uint8Array(),
      nonce === undefined
        ? new Uint8Array()
        : lie === "wrong-nonce"
        ? encode(TAG.integer, spoiled(nonce.content))
        : nonce.whole,
      ...rest,
    );
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new Refused(text("the query is malformed", 400));
  }
}
