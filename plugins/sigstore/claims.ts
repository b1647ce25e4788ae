/** Who a Fulcio certificate says signed: its alternative name and Fulcio's extensions. */

import { Buffer } from "node:buffer";
import { DerError, DerReader, TAG } from "../_der/mod.ts";
import type { Certificate, GeneralName, RawExtension } from "../_x509/mod.ts";

/** What a certificate claims. Nothing here is verified. */
export type Claims = {
  /** An address, a URI, or a user name: the certificate's only alternative name. */
  readonly identity: string;
  /** Who vouched for the identity: the identity provider. */
  readonly issuer: string;
  /** What else Fulcio was told: label and value, in Fulcio's order. */
  readonly fields: readonly (readonly [label: string, value: string])[];
};

/** The branch of Fulcio's extensions (github.com/sigstore/fulcio, docs/oid-info.md). */
const FULCIO = "1.3.6.1.4.1.57264.1.";

/** `OtherName` of Fulcio: a user name that is no address. */
const USER_NAME = `${FULCIO}7`;

/** The first form of the issuer and the second; both may be there. */
const ISSUER_V1 = `${FULCIO}1`;
const ISSUER_V2 = `${FULCIO}8`;

/** Fulcio's own names for what a workflow's token says. 2 to 6 are older forms of what is below. */
const LABELS: readonly (readonly [number, string])[] = [
  [9, "build signer"],
  [10, "build signer digest"],
  [11, "runner environment"],
  [12, "source repository"],
  [13, "source repository digest"],
  [14, "source repository ref"],
  [15, "source repository id"],
  [16, "source repository owner"],
  [17, "source repository owner id"],
  [18, "build config"],
  [19, "build config digest"],
  [20, "build trigger"],
  [21, "run invocation"],
  [22, "source repository visibility"],
  [23, "deployment environment"],
];

/** The older forms: text without an encoding around it. */
const OLD_LABELS: readonly (readonly [number, string])[] = [
  [2, "workflow trigger"],
  [3, "workflow commit"],
  [4, "workflow name"],
  [5, "workflow repository"],
  [6, "workflow ref"],
];

/** Claims of a certificate, or why it makes none, as the end of a sentence. */
export type ClaimsResult =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly problem: string };

/** Reads the claims of a certificate. Never throws for what is in it. */
export function certificateClaims(certificate: Certificate): ClaimsResult {
  try {
    const names = certificate.subjectAltNames ?? [];
    const [name] = names;
    // Which of several would be the signer is anybody's guess.
    if (name === undefined || names.length > 1) {
      return problem(`it has ${names.length} alternative names, expected one`);
    }
    const identity = identityText(name);
    if (identity === undefined) return problem("its alternative name is of an unknown form");
    const issuer = issuerOf(certificate.rawExtensions);
    if (issuer === undefined) return problem("it does not name the identity provider");
    if (issuer === null) return problem("it names two different identity providers");
    return { ok: true, claims: { identity, issuer, fields: fieldsOf(certificate.rawExtensions) } };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    return problem(error.message);
  }
}

function identityText(name: GeneralName): string | undefined {
  if (name.kind === "email" || name.kind === "uri") return name.text;
  if (name.kind !== "other" || name.text !== USER_NAME || !name.value) return undefined;
  return utf8String(name.value);
}

/** The issuer that both forms agree on; null when they do not. */
function issuerOf(extensions: readonly RawExtension[]): string | null | undefined {
  const first = find(extensions, ISSUER_V1);
  const second = find(extensions, ISSUER_V2);
  const texts = [
    ...(first ? [utf8(first.value)] : []),
    ...(second ? [utf8String(second.value)] : []),
  ];
  return new Set(texts).size > 1 ? null : texts[0];
}

function fieldsOf(extensions: readonly RawExtension[]): Claims["fields"] {
  const read = (
    labels: typeof LABELS,
    decode: (value: Uint8Array) => string,
  ) =>
    labels.flatMap(([number, label]) => {
      const extension = find(extensions, `${FULCIO}${number}`);
      return extension ? [[label, decode(extension.value)] as const] : [];
    });
  const current = read(LABELS, utf8String);
  const older = read(OLD_LABELS, utf8);
  const trigger = older.filter(([label]) => label === "workflow name");
  // The newer ones say all that the older ones do, but for the workflow's name.
  return current.length > 0 ? [...current, ...trigger] : older;
}

function find(extensions: readonly RawExtension[], id: string): RawExtension | undefined {
  return extensions.find((extension) => extension.id === id);
}

function utf8String(der: Uint8Array): string {
  const reader = new DerReader(der);
  const { content } = reader.read(TAG.utf8String, "an extension of Fulcio");
  reader.end("an extension of Fulcio");
  return utf8(content);
}

function utf8(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  // Decoding replaces what is malformed, and two different texts must not come out equal.
  if (text === "" || Buffer.compare(Buffer.from(text, "utf8"), bytes) !== 0) {
    throw new DerError("an extension of Fulcio is not a text");
  }
  return text;
}

function problem(text: string): ClaimsResult {
  return { ok: false, problem: text };
}
