/** TUF metadata, parsed strictly (TUF specification 1.0.34, section 4). */

import { isDeepStrictEqual } from "node:util";
import type { Metadata, MetadataKind, Root, Snapshot, Targets, Timestamp } from "@tufjs/models";
import { ModelSigningError } from "../../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../../core/json.ts";
import { excerpt, quote } from "../../../core/text.ts";
import { MemberError, timeOf } from "../members.ts";

type SignedPart = { root: Root; timestamp: Timestamp; snapshot: Snapshot; targets: Targets };

/** The four roles that every repository has. */
export type Role = keyof SignedPart;

/** Metadata that was parsed; whoever signed it is not checked yet. */
export type RoleMetadata<R extends Role = Role> = {
  /** Its name in the repository: `14.targets.json`. */
  readonly file: string;
  readonly role: R;
  readonly bytes: Uint8Array;
  readonly metadata: Metadata<SignedPart[R]>;
  readonly version: number;
  readonly expires: Date;
};

/**
 * Values in one file of metadata, which nobody vouches for when it is parsed. Sigstore's own have about 200, and
 * the library takes time by the square of their number: up to 0.4 s for 5,000 on Bun, 1.4 s on Deno.
 */
const MAX_VALUES = 5_000;

/**
 * Parses metadata of one role.
 *
 * @throws {ModelSigningError} `TRUST_REFUSED` for anything that is not metadata of this role
 */
export async function parseMetadata<R extends Role>(
  role: R,
  bytes: Uint8Array,
  file: string,
): Promise<RoleMetadata<R>> {
  const { Metadata } = await import("@tufjs/models");
  const json = parseObject(bytes, file);
  let metadata: Metadata<SignedPart[R]>;
  try {
    metadata = Metadata.fromJSON(
      role as MetadataKind.Root,
      json as Parameters<typeof Metadata.fromJSON>[1],
    ) as unknown as Metadata<SignedPart[R]>;
  } catch (error) {
    throw refused(file, `it is malformed: ${reason(error)}`, error);
  }
  // The library checks signatures over what it writes back, so that must be what stands in the file: a member
  // that it replaces by a default of its own would be believed without having been signed.
  const { signed } = metadata;
  if (!isDeepStrictEqual(structuredClone(json["signed"]), structuredClone(signed.toJSON()))) {
    throw refused(file, "it is malformed: members are missing");
  }
  if (!Number.isSafeInteger(signed.version) || signed.version < 1) {
    throw refused(file, `its version is ${signed.version}, expected a positive integer`);
  }
  return { file, role, bytes, metadata, version: signed.version, expires: expiry(signed, file) };
}

/**
 * Requires that metadata is signed as a root says. Throws `TRUST_REFUSED`.
 *
 * ECDSA, Ed25519 and RSASSA-PSS. For the last the library names no salt length: Deno then takes the longest only, Bun,
 * and so the binary, takes any.
 */
export function requireSigned(root: RoleMetadata<"root">, signed: RoleMetadata): void {
  try {
    root.metadata.verifyDelegate(signed.role, signed.metadata as Metadata<Root>);
  } catch (error) {
    throw refused(
      signed.file,
      `it is not signed as version ${root.version} of the root requires: ${reason(error)}`,
      error,
    );
  }
}

/** Whether metadata is signed as a root says. */
export function isSigned(root: RoleMetadata<"root">, signed: RoleMetadata): boolean {
  try {
    requireSigned(root, signed);
    return true;
  } catch (error) {
    if (error instanceof ModelSigningError) return false;
    throw error;
  }
}

/** The error for a repository that cannot be trusted. */
export function refused(
  file: string,
  reason: string,
  cause?: unknown,
  hint?: string,
): ModelSigningError {
  return new ModelSigningError("TRUST_REFUSED", `cannot trust TUF file ${quote(file)}: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What the TUF library said, which may quote the file. */
export function reason(error: unknown): string {
  return excerpt(error instanceof Error ? error.message : String(error));
}

function parseObject(bytes: Uint8Array, file: string): JsonObject {
  try {
    const json = parseJson(bytes, MAX_VALUES);
    if (isObject(json)) return json;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw refused(file, `it is not valid JSON: ${error.message}`, error);
  }
  throw refused(file, "it is not a JSON object");
}

function expiry({ expires }: { readonly expires: string }, file: string): Date {
  try {
    return timeOf(expires, "expires");
  } catch (error) {
    if (!(error instanceof MemberError)) throw error;
    throw refused(file, error.message, error);
  }
}
