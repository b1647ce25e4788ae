/** Certificate extensions (RFC 5280 4.2). */

import { hex } from "../../core/encoding.ts";
import {
  boolean,
  context,
  DerError,
  DerReader,
  namedBits,
  oid,
  readOnly,
  smallInteger,
  TAG,
} from "../_der/mod.ts";
import { type GeneralName, parseGeneralName, parseGeneralNames } from "./general_name.ts";

/** Object identifiers of the extensions that are understood. */
export const EXTENSION = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  crlNumber: "2.5.29.20",
  nameConstraints: "2.5.29.30",
  cRLDistributionPoints: "2.5.29.31",
  certificatePolicies: "2.5.29.32",
  authorityKeyIdentifier: "2.5.29.35",
  extKeyUsage: "2.5.29.37",
} as const;

/** Bits of the key usage extension (RFC 5280 4.2.1.3). */
export const KEY_USAGE = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyCertSign: 5,
  cRLSign: 6,
} as const;

/** Purposes of the extended key usage extension. */
export const PURPOSE = {
  any: "2.5.29.37.0",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
} as const;

/** One extension as it stands. */
export type RawExtension = {
  /** Dotted object identifier. */
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
};

/** Name constraints; a missing list constrains nothing. */
export type NameConstraints = {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
};

/** The extensions of a certificate that matter here, parsed. */
export type Extensions = {
  /** Dotted identifiers of critical extensions that are not understood. */
  readonly unknownCritical: readonly string[];
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number };
  /** Numbers of the bits that are set. */
  readonly keyUsage?: ReadonlySet<number>;
  /** Dotted identifiers. */
  readonly extendedKeyUsage?: readonly string[];
  readonly subjectAltNames?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  /** Lowercase hex. */
  readonly subjectKeyIdentifier?: string;
  /** Lowercase hex of the identifier's key part. */
  readonly authorityKeyIdentifier?: string;
};

/** Extensions whose being critical stops nobody: understood, or no condition on a path by themselves. */
const UNDERSTOOD: ReadonlySet<string> = new Set(Object.values(EXTENSION));

/** Parses the content of `Extensions` (a SEQUENCE OF). Refuses a second one of a kind. Throws DerError. */
export function parseRawExtensions(list: DerReader): readonly RawExtension[] {
  const found = new Map<string, RawExtension>();
  do {
    const reader = list.enter(TAG.sequence, "an extension");
    const id = oid(reader.read(TAG.oid, "an extension's identifier").content);
    const critical = reader.optional(TAG.boolean, "an extension's criticality");
    const value = reader.read(TAG.octetString, "an extension's value").content;
    reader.end("an extension");
    // RFC 5280 4.2: at most one instance of a particular extension.
    if (found.has(id)) throw new DerError(`it has the extension ${id} twice`);
    found.set(id, { id, critical: critical ? boolean(critical.content) : false, value });
  } while (!list.done);
  return [...found.values()];
}

/** Parses what is understood. Throws DerError. */
export function parseExtensions(raw: readonly RawExtension[]): Extensions {
  const parsed: { -readonly [Member in keyof Extensions]: Extensions[Member] } = {
    unknownCritical: raw.filter(({ id, critical }) => critical && !UNDERSTOOD.has(id))
      .map(({ id }) => id),
  };
  for (const { id, value } of raw) {
    switch (id) {
      case EXTENSION.basicConstraints:
        parsed.basicConstraints = parseBasicConstraints(value);
        break;
      case EXTENSION.keyUsage:
        parsed.keyUsage = namedBits(
          readElement(value, TAG.bitString, "the key usage"),
          "the key usage",
        );
        break;
      case EXTENSION.extKeyUsage:
        parsed.extendedKeyUsage = parseExtendedKeyUsage(value);
        break;
      case EXTENSION.subjectAltName:
        parsed.subjectAltNames = parseGeneralNames(
          readOnly(value, TAG.sequence, "the subject alternative name"),
        );
        break;
      case EXTENSION.nameConstraints:
        parsed.nameConstraints = parseNameConstraints(value);
        break;
      case EXTENSION.subjectKeyIdentifier:
        parsed.subjectKeyIdentifier = hex(
          readElement(value, TAG.octetString, "the subject key identifier"),
        );
        break;
      case EXTENSION.authorityKeyIdentifier: {
        const identifier = readOnly(value, TAG.sequence, "the authority key identifier")
          .optional(context(0, "primitive"), "the authority key identifier");
        if (identifier) parsed.authorityKeyIdentifier = hex(identifier.content);
        break;
      }
    }
  }
  return parsed;
}

function parseBasicConstraints(value: Uint8Array): NonNullable<Extensions["basicConstraints"]> {
  const what = "the basic constraints";
  const reader = readOnly(value, TAG.sequence, what);
  const ca = reader.optional(TAG.boolean, what);
  const pathLength = reader.optional(TAG.integer, what);
  reader.end(what);
  return {
    ca: ca ? boolean(ca.content) : false,
    ...(pathLength ? { pathLength: smallInteger(pathLength.content, "the path length") } : {}),
  };
}

function parseExtendedKeyUsage(value: Uint8Array): readonly string[] {
  const what = "the extended key usage";
  const reader = readOnly(value, TAG.sequence, what);
  const purposes: string[] = [];
  do purposes.push(oid(reader.read(TAG.oid, what).content)); while (!reader.done);
  return purposes;
}

function parseNameConstraints(value: Uint8Array): NameConstraints {
  const what = "the name constraints";
  const reader = readOnly(value, TAG.sequence, what);
  const permitted = reader.optional(context(0, "constructed"), what);
  const excluded = reader.optional(context(1, "constructed"), what);
  reader.end(what);
  return {
    permitted: permitted ? parseSubtrees(new DerReader(permitted.content)) : [],
    excluded: excluded ? parseSubtrees(new DerReader(excluded.content)) : [],
  };
}

function parseSubtrees(list: DerReader): readonly GeneralName[] {
  const bases: GeneralName[] = [];
  do {
    const subtree = list.enter(TAG.sequence, "a name constraint");
    bases.push(parseGeneralName(subtree.next("a name constraint")));
    // RFC 5280 4.2.1.10: minimum is zero, which DER leaves out, and maximum absent.
    subtree.end("a name constraint");
  } while (!list.done);
  return bases;
}

function readElement(value: Uint8Array, tag: number, what: string): Uint8Array {
  const reader = new DerReader(value);
  const { content } = reader.read(tag, what);
  reader.end(what);
  return content;
}
