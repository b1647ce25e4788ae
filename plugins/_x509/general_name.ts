/** General names (RFC 5280 4.2.1.6): what a certificate says its holder is called. */

import { Buffer } from "node:buffer";
import { hex } from "../../core/encoding.ts";
import { DerError, DerReader, type Element, oid, TAG } from "../_der/mod.ts";
import { type Name, nameText, parseName } from "./name.ts";

/** One name. `other` are the forms that are carried and not understood. */
export type GeneralName =
  | { readonly kind: "email" | "dns" | "uri"; readonly text: string }
  /** 4 or 16 bytes; with a mask behind it (8 or 32) in name constraints. */
  | { readonly kind: "ip"; readonly bytes: Uint8Array }
  | { readonly kind: "directory"; readonly name: Name }
  | {
    readonly kind: "other";
    readonly form: string;
    readonly text: string;
    /** DER of the value of an otherName, whose type `text` is. */
    readonly value?: Uint8Array;
  };

/** Parses the elements of GeneralNames. Throws DerError. */
export function parseGeneralNames(reader: DerReader): readonly GeneralName[] {
  const names: GeneralName[] = [];
  do names.push(parseGeneralName(reader.next("a general name"))); while (!reader.done);
  return names;
}

/** Parses one GeneralName. Throws DerError. */
export function parseGeneralName({ tag, content }: Element): GeneralName {
  switch (tag) {
    case 0xa0: {
      const reader = new DerReader(content);
      const text = oid(reader.read(TAG.oid, "a type").content);
      const value = reader.optional(0xa0, "a value")?.content;
      reader.end("a name of another kind");
      return { kind: "other", form: "otherName", text, ...(value ? { value } : {}) };
    }
    case 0x81:
      return { kind: "email", text: ia5(content) };
    case 0x82:
      return { kind: "dns", text: ia5(content) };
    case 0xa3:
      return { kind: "other", form: "x400Address", text: hex(content) };
    case 0xa4: {
      const reader = new DerReader(content);
      const name = parseName(reader.read(TAG.sequence, "a directory name"));
      reader.end("a directory name");
      return { kind: "directory", name };
    }
    case 0xa5:
      return { kind: "other", form: "ediPartyName", text: hex(content) };
    case 0x86:
      return { kind: "uri", text: ia5(content) };
    case 0x87:
      return { kind: "ip", bytes: content };
    case 0x88:
      return { kind: "other", form: "registeredID", text: oid(content) };
    default:
      throw new DerError("a general name is of an unknown form");
  }
}

/** The name's value as people write it: `a@b.c`, `192.0.2.1`, `2001:db8::1`, `CN=x`. Not escaped. */
export function generalNameText(name: GeneralName): string {
  switch (name.kind) {
    case "ip":
      return ipText(name.bytes);
    case "directory":
      return nameText(name.name);
    default:
      return name.text;
  }
}

/** `kind:value`, for reports. */
export function labelledName(name: GeneralName): string {
  return `${name.kind === "other" ? name.form : name.kind}:${generalNameText(name)}`;
}

function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return hex(bytes);
  const groups = hex(bytes).match(/.{4}/g)!;
  // URL writes RFC 5952's canonical form.
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}

/** An IA5String without control characters: a NUL in a name has only ever been an attack. */
function ia5(content: Uint8Array): string {
  if (content.some((byte) => byte < 0x20 || byte > 0x7e)) {
    throw new DerError("a general name holds characters that are not printable ASCII");
  }
  return Buffer.from(content).toString("latin1");
}
