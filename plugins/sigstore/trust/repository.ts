/** The TUF repositories that trust comes from. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { ModelSigningError } from "../../../core/errors.ts";
import { isObject, type Json, JsonError, parseMember } from "../../../core/json.ts";
import type { RunOptions } from "../../../core/options.ts";
import { quote } from "../../../core/text.ts";
import { readCapped } from "../../_input/mod.ts";
import productionRoot from "../data/production.root.json" with { type: "json" };
import productionSigningConfig from "../data/production.signing_config.json" with { type: "json" };
import productionTrustedRoot from "../data/production.trusted_root.json" with { type: "json" };
import stagingRoot from "../data/staging.root.json" with { type: "json" };
import stagingSigningConfig from "../data/staging.signing_config.json" with { type: "json" };
import stagingTrustedRoot from "../data/staging.trusted_root.json" with { type: "json" };

/** The two public instances of Sigstore, whose trust is part of this program. */
export type InstanceName = "production" | "staging";

/** Trust that is part of this program. data/README.md says where it is from. */
export type BuiltIn = {
  readonly trustedRoot: Json;
  readonly signingConfig: Json;
  /** When it was the current one. */
  readonly date: Date;
  /** Version of the TUF targets metadata that lists it, if it is known. */
  readonly version?: number;
};

/** A repository. */
export type Repository = {
  /** Its file in the cache. */
  readonly id: string;
  /** Such as `Sigstore's production instance`. Not escaped. */
  readonly name: string;
  /** Root metadata that is trusted. */
  readonly root: Uint8Array;
  readonly builtIn?: BuiltIn;
};

/** Bytes of the root metadata that a user trusts. Sigstore's has 6 KB. */
const MAX_ROOT_FILE_BYTES: number = 512 * 1024;

/** A repository whose trust is part of this program. */
export type BuiltInRepository = Repository & {
  readonly builtIn: BuiltIn;
  /** Where it is, unless a mirror is named. */
  readonly url: string;
};

/** One of Sigstore's own repositories. */
export function instanceRepository(instance: InstanceName): BuiltInRepository {
  return INSTANCES[instance]();
}

/**
 * A repository that is trusted by its root, which a file holds. The file's content tells one from another in the
 * cache, so that the cache filled from a mirror is the same one.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `TRUST_MALFORMED` for a file that is no root metadata, `ABORTED`
 */
export async function repositoryOf(
  rootFile: string,
  options: RunOptions,
): Promise<Repository> {
  const root = await readCapped(rootFile, "TUF root", MAX_ROOT_FILE_BYTES, options);
  if (!isRoot(root)) {
    throw new ModelSigningError(
      "TRUST_MALFORMED",
      `${quote(rootFile)} is no root metadata of a TUF repository`,
      { hint: "whoever runs the instance gives it away, mostly as root.json" },
    );
  }
  return {
    id: createHash("sha256").update(root).digest("hex"),
    name: `TUF repository of root ${quote(rootFile)}`,
    root,
  };
}

/** What the reader of TUF's metadata will find out for sure, which is loaded when it is needed. */
function isRoot(bytes: Uint8Array): boolean {
  try {
    const signed = parseMember(bytes, "signed");
    return isObject(signed) && signed["_type"] === "root";
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
}

const INSTANCES: Readonly<Record<InstanceName, () => BuiltInRepository>> = {
  production: () => ({
    id: "production",
    name: "Sigstore's production instance",
    url: "https://tuf-repo-cdn.sigstore.dev",
    root: bytesOfJson(productionRoot),
    builtIn: {
      trustedRoot: productionTrustedRoot as Json,
      signingConfig: productionSigningConfig as Json,
      date: new Date("2026-05-12"),
      version: 14,
    },
  }),
  staging: () => ({
    id: "staging",
    name: "Sigstore's staging instance",
    url: "https://tuf-repo-cdn.sigstage.dev",
    root: bytesOfJson(stagingRoot),
    builtIn: {
      trustedRoot: stagingTrustedRoot as Json,
      signingConfig: stagingSigningConfig as Json,
      date: new Date("2026-04-17"),
    },
  }),
};

/** TUF signatures are over the canonical form of the JSON, whatever its spaces. */
function bytesOfJson(json: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(json));
}
