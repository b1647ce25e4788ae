/** Finding keys and certificates in a token. */

import { Buffer } from "node:buffer";
import { hex } from "../../core/encoding.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { counted, quote } from "../../core/text.ts";
import { ATTRIBUTE, CLASS } from "./constants.ts";
import type { Cryptoki, Template } from "./cryptoki.ts";
import type { Pkcs11Uri } from "./uri.ts";

/** An object, while its session is open. */
export type TokenObject = {
  readonly handle: bigint;
  /** Not escaped. */
  readonly label: string;
  readonly id: Uint8Array;
};

/** A token's objects, as one session sees them. Throws what {@link Cryptoki} throws. */
export type View = { readonly cryptoki: Cryptoki; readonly session: bigint };

/** Objects that a message lists. */
const LISTED = 8;

/** The private keys that a URI fits. */
export function findPrivateKeys(view: View, { object, id }: Pkcs11Uri): readonly TokenObject[] {
  return find(view, [
    [ATTRIBUTE.class, CLASS.privateKey],
    ...(object === undefined ? [] : [[ATTRIBUTE.label, Buffer.from(object, "utf8")] as const]),
    ...(id === undefined ? [] : [[ATTRIBUTE.id, id] as const]),
  ]);
}

/**
 * Objects of another class that belong to a key: those with its id (CKA_ID), which is there to tie them together, else
 * those with its label.
 */
export function findCompanions(
  view: View,
  key: TokenObject,
  kind: "publicKey" | "certificate",
): readonly TokenObject[] {
  const ofKind = [ATTRIBUTE.class, CLASS[kind]] as const;
  const byId = key.id.length === 0 ? [] : find(view, [ofKind, [ATTRIBUTE.id, key.id]]);
  if (byId.length > 0 || key.label === "") return byId;
  return find(view, [ofKind, [ATTRIBUTE.label, Buffer.from(key.label, "utf8")]]);
}

/** Whether a CK_BBOOL attribute is set; undefined when the object has none. */
export function flag(
  { cryptoki, session }: View,
  object: bigint,
  type: bigint,
): boolean | undefined {
  const value = cryptoki.attribute(session, object, type);
  return value === undefined || value.length === 0 ? undefined : value[0] !== 0;
}

/** What to throw when a URI fits no private key, or several. */
export function notOne(
  view: View,
  found: readonly TokenObject[],
  uri: Pkcs11Uri,
  token: string,
): ModelSigningError {
  if (found.length > 0) {
    return new ModelSigningError(
      "PKCS11_OBJECT",
      `the PKCS#11 URI fits ${found.length} private keys of token ${quote(token)}: ${list(found)}`,
      { hint: "name one with object= or id=" },
    );
  }
  const all = findPrivateKeys(view, { ignored: [] });
  const wanted = [
    ...(uri.object === undefined ? [] : [`the label ${quote(uri.object)}`]),
    ...(uri.id === undefined ? [] : [`the id ${idText(uri.id)}`]),
  ].join(" and ");
  return new ModelSigningError(
    "PKCS11_OBJECT",
    all.length === 0
      ? `token ${quote(token)} shows no private key`
      : `token ${quote(token)} has no private key with ${wanted}, but ${
        counted(all.length, "other")
      }: ${list(all)}`,
  );
}

/** `"label" (id %01%02)`, for several. */
export function list(objects: readonly TokenObject[]): string {
  const shown = objects.slice(0, LISTED).map(({ label, id }) =>
    `${quote(label)} (id ${idText(id)})`
  );
  return objects.length > LISTED ? `${shown.join(", ")}, ...` : shown.join(", ");
}

/** An id as a URI has it. */
function idText(id: Uint8Array): string {
  const digits = hex(id);
  return id.length === 0 ? "empty" : digits.replace(/../g, (byte) => `%${byte}`);
}

function find(view: View, template: Template): readonly TokenObject[] {
  const { cryptoki, session } = view;
  const text = new TextDecoder();
  return cryptoki.find(session, template).map((handle) => ({
    handle,
    label: text.decode(cryptoki.attribute(session, handle, ATTRIBUTE.label)),
    id: new Uint8Array(cryptoki.attribute(session, handle, ATTRIBUTE.id) ?? []),
  }));
}
