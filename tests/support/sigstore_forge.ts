/** A Sigstore instance in this process, whose certificates say whatever a test wants them to say. */

import { Buffer } from "node:buffer";
import { context, encode, encodeSequence, TAG } from "../../plugins/_der/mod.ts";
import type { SignerPolicy } from "../../plugins/sigstore/policy.ts";
import type { Trust } from "../../plugins/sigstore/trust/mod.ts";
import {
  type Authority,
  digitalSignature,
  extendedKeyUsage,
  extension,
  intermediateAuthority,
  keyIdentifiers,
  newSerial,
  NO_NAME,
  rootAuthority,
  signCertificate,
  tbsCertificate,
  USAGE,
} from "../sigstore/certificate.ts";
import { CtLog } from "../sigstore/ct_log.ts";
import { type Key, type KeyKind, newKey, sha256, signWith } from "../sigstore/keys.ts";
import {
  base64,
  encode as bytesOf,
  type Loose,
  MEDIA_TYPE,
  PAYLOAD_TYPE,
  preAuthentication,
  statementOf,
} from "./bundles.ts";
import { trustOf } from "./sigstore_bundles.ts";
import { AnyLog, entryBody, type EntryKind } from "./sigstore_log.ts";

/** Who a forged certificate is for when nothing else is said. */
export const FORGED_POLICY: SignerPolicy = {
  identity: "dev@example.com",
  issuer: "https://issuer.example",
};

/** What a certificate is to be: as Fulcio makes them, unless told otherwise. */
export type ForgedCertificate = {
  readonly key?: KeyKind | Key;
  readonly issuer?: Authority;
  /** Seconds from now. Default -60 and 600. */
  readonly from?: number;
  readonly to?: number;
  /** Its usages, each from `tests/sigstore/certificate.ts`. */
  readonly usages?: readonly Uint8Array[];
  /** General names, each from {@link generalName}. Empty leaves the extension out. */
  readonly names?: readonly Uint8Array[];
  /** Fulcio's extensions, each from {@link fulcioText} or {@link fulcioUtf8}. */
  readonly claims?: readonly Uint8Array[];
  /** The extensions that prove that the certificate was logged; `tbs` is the certificate without them. */
  readonly scts?: (tbs: Uint8Array, issuer: Authority) => readonly Uint8Array[];
};

/** A certificate with its key. */
export type Forged = { readonly key: Key; readonly der: Uint8Array };

/** A general name: an address (1), a host (2), a URI (6). */
export function generalName(number: 1 | 2 | 6, text: string): Uint8Array {
  return encode(context(number, "primitive"), Buffer.from(text));
}

/** An extension of Fulcio in its first form: the bytes of the text. */
export function fulcioText(number: number, text: string): Uint8Array {
  return extension(`1.3.6.1.4.1.57264.1.${number}`, Buffer.from(text));
}

/** An extension of Fulcio in its second form: DER. */
export function fulcioUtf8(number: number, text: string | Uint8Array): Uint8Array {
  return extension(`1.3.6.1.4.1.57264.1.${number}`, encode(TAG.utf8String, Buffer.from(text)));
}

/** A certificate authority in a trusted root, by its certificates up to the anchor. */
export function trustedAuthority(...chain: readonly Pick<Authority, "certificate">[]): Loose {
  return {
    uri: "https://fulcio.example",
    certChain: {
      certificates: chain.map(({ certificate }) => ({ rawBytes: base64(certificate) })),
    },
    validFor: { start: "2020-01-01T00:00:00Z" },
  };
}

/** The instance. */
export class Forge {
  readonly root: Authority = rootAuthority("root", "P-384");
  readonly intermediate: Authority = intermediateAuthority(this.root, "intermediate", "P-384");
  readonly ctLog: CtLog = new CtLog();
  readonly log: AnyLog = new AnyLog(1);

  /** Its TrustedRoot message, to be changed at will. */
  trustedRoot(): Loose {
    const validFor = { start: "2020-01-01T00:00:00Z" };
    const { spki } = this.ctLog.key;
    return {
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [this.log.trusted],
      certificateAuthorities: [trustedAuthority(this.intermediate, this.root)],
      ctlogs: [{
        baseUrl: "https://ct.example",
        publicKey: { rawBytes: base64(spki), keyDetails: "PKIX_ECDSA_P256_SHA_256", validFor },
        logId: { keyId: base64(sha256(spki)) },
      }],
      timestampAuthorities: [],
    };
  }

  /** Trust in it, after a change. */
  trust(change: (root: Loose) => void = () => {}): Trust {
    const root = this.trustedRoot();
    change(root);
    return trustOf(root);
  }

  /** Issues a certificate. */
  certify(spec: ForgedCertificate = {}): Forged {
    const { key: wanted = "P-256", issuer = this.intermediate, from = -60, to = 600 } = spec;
    const key = typeof wanted === "string" ? newKey(wanted) : wanted;
    const now = Math.floor(Date.now() / 1000);
    const {
      usages = [digitalSignature(), extendedKeyUsage(USAGE.codeSigning, "not critical")],
      names = [generalName(1, "dev@example.com")],
      claims = [
        fulcioText(1, "https://issuer.example"),
        fulcioUtf8(8, "https://issuer.example"),
      ],
      scts = (tbs) => [this.ctLog.submit(tbs, issuer, new Date((now + from) * 1000), undefined)],
    } = spec;
    const fields = {
      subject: NO_NAME,
      spki: key.spki,
      notBefore: new Date((now + from) * 1000),
      notAfter: new Date((now + to) * 1000),
      extensions: [
        ...usages,
        ...keyIdentifiers(key.spki, issuer),
        ...(names.length > 0 ? [extension("2.5.29.17", encodeSequence(...names), "critical")] : []),
        ...claims,
      ],
    };
    const serial = newSerial();
    const proofs = scts(tbsCertificate(fields, issuer, serial), issuer);
    const logged = { ...fields, extensions: [...fields.extensions, ...proofs] };
    return { key, der: signCertificate(tbsCertificate(logged, issuer, serial), issuer) };
  }

  /** Signs a statement and logs it. */
  bundle(
    { key, der }: Forged = this.certify(),
    { kind = "dsse 0.0.1", payload = bytesOf(statementOf(["a"])), time = new Date() }: {
      readonly kind?: EntryKind;
      readonly payload?: Uint8Array;
      /** When it is logged. */
      readonly time?: Date;
    } = {},
  ): Loose {
    const signed = preAuthentication(payload);
    const signature = signWith(key, signed);
    const body = entryBody(kind, { payload, signed, signature, certificate: der });
    return {
      mediaType: MEDIA_TYPE,
      verificationMaterial: {
        certificate: { rawBytes: base64(der) },
        tlogEntries: [this.log.enter(body, time)],
      },
      dsseEnvelope: {
        payload: base64(payload),
        payloadType: PAYLOAD_TYPE,
        signatures: [{ sig: base64(signature) }],
      },
    };
  }
}
