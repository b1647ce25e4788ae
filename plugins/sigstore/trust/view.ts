/** What `trust show` shows, as JSON has it. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../../core/errors.ts";
import { keyAlgorithm } from "../../../core/keys.ts";
import { certificateInfo, isoTime } from "../../_x509/mod.ts";
import type { Period } from "../members.ts";
import { parseSigningConfig, type Service, type ServiceGroup } from "../signing_config.ts";
import type { Authority, Log } from "../trusted_root.ts";
import { ageInDays } from "./describe.ts";
import type { SelectedTrust } from "./trust.ts";

/** A span of time, ISO 8601, UTC. */
export type PeriodView = { readonly start: string; readonly end?: string };

/** A transparency log, or a certificate transparency log. */
export type LogView = {
  readonly url: string;
  /** Lowercase hex. */
  readonly id: string;
  /** The same in base64, as bundles have it. */
  readonly keyId: string;
  /** Such as `EC P-256`. */
  readonly key: string;
  readonly validFor: PeriodView;
};

/** A certificate or timestamp authority. */
export type AuthorityView = {
  readonly name: string;
  readonly url: string;
  readonly validFor: PeriodView;
  /** Down from the one that is trusted. */
  readonly certificates: readonly {
    readonly subject: string;
    /** SHA-256 of the DER, lowercase hex. */
    readonly fingerprint: string;
    readonly notBefore: string;
    readonly notAfter: string;
  }[];
};

/** A service that signing may use. */
export type ServiceView = {
  readonly url: string;
  readonly majorApiVersion: number;
  readonly operator: string;
  readonly validFor?: PeriodView;
};

/** Services of one kind. */
export type ServiceGroupView = {
  /** How many are to be used. */
  readonly use: "any" | "all" | number;
  readonly services: readonly ServiceView[];
};

/** Everything that is trusted, and what is used to sign. */
export type TrustView = {
  readonly origin: {
    readonly kind: "built-in" | "cache" | "file";
    readonly name: string;
    readonly date?: string;
    /** By this machine's clock. */
    readonly ageInDays?: number;
    /** Version of the TUF targets metadata. */
    readonly version?: number;
    readonly fetched?: string;
    readonly notes: readonly string[];
  };
  readonly certificateAuthorities: readonly AuthorityView[];
  readonly transparencyLogs: readonly LogView[];
  readonly certificateLogs: readonly LogView[];
  readonly timestampAuthorities: readonly AuthorityView[];
  /** Absent when there is none, or one that cannot be used; then a note says why. */
  readonly signing?: {
    readonly certificateAuthorities: readonly ServiceView[];
    readonly identityProviders: readonly ServiceView[];
    readonly logs: ServiceGroupView;
    readonly timestampAuthorities: ServiceGroupView;
  };
};

/** Everything about trust that there is to show. */
export function viewTrust({ root, signingConfig, origin }: SelectedTrust, now: Date): TrustView {
  const { date, fetched, notes, ...rest } = origin;
  const signing = signingView(signingConfig, origin.name);
  return {
    origin: {
      ...rest,
      ...(date ? { date: isoTime(date), ageInDays: ageInDays(date, now) } : {}),
      ...(fetched ? { fetched: isoTime(fetched) } : {}),
      notes: "refused" in signing ? [...notes, signing.refused] : notes,
    },
    certificateAuthorities: root.certificateAuthorities.map(authorityView),
    transparencyLogs: root.transparencyLogs.map(logView),
    certificateLogs: root.certificateLogs.map(logView),
    timestampAuthorities: root.timestampAuthorities.map(authorityView),
    ...("refused" in signing ? {} : signing),
  };
}

function signingView(
  signingConfig: SelectedTrust["signingConfig"],
  name: string,
): Pick<TrustView, "signing"> | { readonly refused: string } {
  if (signingConfig === undefined) return {};
  try {
    const config = parseSigningConfig(signingConfig, name);
    return {
      signing: {
        certificateAuthorities: config.certificateAuthorities.map(serviceView),
        identityProviders: config.identityProviders.map(serviceView),
        logs: groupView(config.logs),
        timestampAuthorities: groupView(config.timestampAuthorities),
      },
    };
  } catch (error) {
    // Verifying goes without it.
    if (error instanceof ModelSigningError) return { refused: error.message };
    throw error;
  }
}

function logView({ baseUrl, id, key, validFor }: Log): LogView {
  const found = keyAlgorithm(key);
  return {
    url: baseUrl,
    id,
    keyId: Buffer.from(id, "hex").toString("base64"),
    key: "algorithm" in found ? found.algorithm.name : found.refused,
    validFor: periodView(validFor),
  };
}

function authorityView({ name, uri, anchor, others, validFor }: Authority): AuthorityView {
  return {
    name,
    url: uri,
    validFor: periodView(validFor),
    certificates: [anchor, ...[...others].reverse()].map((certificate) => {
      const { subject, fingerprint, notBefore, notAfter } = certificateInfo(certificate);
      return { subject, fingerprint, notBefore, notAfter };
    }),
  };
}

function serviceView({ url, majorApiVersion, operator, validFor }: Service): ServiceView {
  return {
    url,
    majorApiVersion,
    operator,
    ...(validFor ? { validFor: periodView(validFor) } : {}),
  };
}

function groupView({ services, selector }: ServiceGroup): ServiceGroupView {
  return {
    use: selector.kind === "exact" ? selector.count : selector.kind,
    services: services.map(serviceView),
  };
}

function periodView({ start, end }: Period): PeriodView {
  return { start: isoTime(start), ...(end ? { end: isoTime(end) } : {}) };
}
