/** The bill of materials of a release: CycloneDX 1.6 as JSON (ECMA-424). */

import { createHash } from "node:crypto";
import { type LockedPackage, sha512Of } from "./lock.ts";

/** A package, and the licence that its `package.json` names. */
export type LicensedPackage = LockedPackage & { readonly license: string };

/** A binary, and what is in it. */
export type BuiltBinary = {
  readonly file: string;
  /** Lowercase hex. */
  readonly sha256: string;
  /** Bun's runtime for the platform. */
  readonly runtime: LicensedPackage;
  /** JavaScript and native code. */
  readonly packages: readonly LicensedPackage[];
};

/** What the bill is about. */
export type Release = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly binaries: readonly BuiltBinary[];
  /** Seconds since 1970, where the time of the release is known: a clock would make every build another one. */
  readonly time: number | undefined;
};

type Component = {
  readonly type: "application" | "file" | "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version?: string;
  readonly [member: string]: unknown;
};

/** The bill as JSON text. The same release gives the same text. */
export function sbom(release: Release): string {
  const { binaries } = release;
  const application = applicationComponent(release);
  const parts = new Map<string, Component>();
  for (const { runtime, packages } of binaries) {
    parts.set(purl(runtime), packageComponent(runtime, "platform"));
    for (const part of packages) parts.set(purl(part), packageComponent(part, "library"));
  }
  const body = {
    metadata: {
      ...(release.time === undefined
        ? {}
        : { timestamp: new Date(release.time * 1000).toISOString() }),
      lifecycles: [{ phase: "build" }],
      component: application,
    },
    components: [
      ...binaries.map(fileComponent),
      ...[...parts.keys()].sort().map((key) => parts.get(key)!),
    ],
    dependencies: dependencies(application["bom-ref"], binaries),
  };
  return `${
    JSON.stringify(
      {
        $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bomFormat: "CycloneDX",
        specVersion: "1.6",
        serialNumber: serialNumber(JSON.stringify(body)),
        version: 1,
        ...body,
      },
      null,
      2,
    )
  }\n`;
}

function applicationComponent({ name, version, license }: Release): Component {
  return {
    type: "application",
    "bom-ref": `pkg:npm/${name}@${version}`,
    name,
    version,
    licenses: licenses(license),
    purl: `pkg:npm/${name}@${version}`,
  };
}

function fileComponent({ file, sha256 }: BuiltBinary): Component {
  return {
    type: "file",
    "bom-ref": fileReference(file),
    name: file,
    hashes: [{ alg: "SHA-256", content: sha256 }],
  };
}

/** The hash is that of the package's tarball, as it was locked. */
function packageComponent(part: LicensedPackage, type: "library" | "platform"): Component {
  const [scope, name] = part.name.startsWith("@") ? part.name.split("/") : [undefined, part.name];
  return {
    type,
    "bom-ref": purl(part),
    ...(scope === undefined ? {} : { group: scope }),
    name: name!,
    version: part.version,
    hashes: [{ alg: "SHA-512", content: sha512Of(part) }],
    licenses: licenses(part.license),
    purl: purl(part),
  };
}

function dependencies(
  application: string,
  binaries: readonly BuiltBinary[],
): { readonly ref: string; readonly dependsOn: readonly string[] }[] {
  const edges = new Map<string, readonly string[]>([
    [application, binaries.map(({ file }) => fileReference(file))],
  ]);
  for (const { file, runtime, packages } of binaries) {
    const purls = new Map(packages.map((part) => [`${part.name}@${part.version}`, purl(part)]));
    edges.set(fileReference(file), [purl(runtime), ...purls.values()].sort());
    edges.set(purl(runtime), []);
    for (const part of packages) {
      const bundled = part.dependencies.map((key) => purls.get(key));
      edges.set(purl(part), bundled.filter((purl) => purl !== undefined).sort());
    }
  }
  return [...edges].map(([ref, dependsOn]) => ({ ref, dependsOn }));
}

function fileReference(file: string): string {
  return `file:${file}`;
}

/** The package URL; the scope's `@` is escaped (purl-spec, npm). */
function purl({ name, version }: LockedPackage): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}

/** One SPDX identifier, or an expression of several. */
function licenses(license: string): readonly unknown[] {
  return /^[A-Za-z0-9.+-]+$/.test(license)
    ? [{ license: { id: license } }]
    : [{ expression: license }];
}

/** A UUID made of the content (RFC 9562 5.8), where others take a random one. */
function serialNumber(content: string): string {
  const bytes = createHash("sha256").update(content).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `urn:uuid:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")}`;
}
