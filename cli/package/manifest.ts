/** The package.json of the npm package. */

/** What of the project's own package.json goes into that of the package. */
export type ProjectManifest = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Entries by their names, as in `exports` of deno.json: `./mod.ts`. */
export type Entries = Readonly<Record<string, string>>;

/** The first that has `Promise.withResolvers`. */
const NODE = ">=22.0.0";

/**
 * Prebuilt addons, one for each platform: the package manager takes the one that fits, or none, and then WebAssembly is
 * used.
 */
const ADDON = /^@napi-rs\/blake-hash-/;

/** The manifest of the package, in the order in which it is written. */
export function packageManifest(
  { name, version, license, dependencies, devDependencies }: ProjectManifest,
  entries: Entries,
): Readonly<Record<string, unknown>> {
  return {
    name,
    version,
    description: "Signs and verifies machine-learning models in the OpenSSF Model Signing format",
    keywords: ["model-signing", "sigstore", "openssf", "machine-learning", "supply-chain"],
    license,
    type: "module",
    engines: { node: NODE },
    exports: {
      ...Object.fromEntries(
        Object.entries(entries).map(([entry, source]) => [entry, conditions(source)]),
      ),
      "./package.json": "./package.json",
    },
    bin: { [name]: "cli/package/bin.js" },
    // Of the program there are no declarations: nobody imports it.
    files: ["mod.*", "core/", "plugins/", "cli/", "!cli/**/*.d.ts", "docs/", "CHANGELOG.md"],
    dependencies: withNames(dependencies, (name) => !ADDON.test(name)),
    optionalDependencies: withNames(dependencies, (name) => ADDON.test(name)),
    peerDependencies: {
      // For the entry `otel`.
      "@opentelemetry/api": `^${devDependencies["@opentelemetry/api"]}`,
      // The declarations speak of `KeyObject` and `ReadableStream`; programs without TypeScript need none of it.
      "@types/node": `>=${devDependencies["@types/node"]}`,
    },
    peerDependenciesMeta: {
      "@opentelemetry/api": { optional: true },
      "@types/node": { optional: true },
    },
  };
}

/** How the compiled form of a source file is imported. */
function conditions(source: string): Readonly<Record<string, string>> {
  const stem = source.replace(/\.ts$/, "");
  return { types: `${stem}.d.ts`, default: `${stem}.js` };
}

function withNames(
  versions: Readonly<Record<string, string>>,
  belongs: (name: string) => boolean,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(versions).filter(([name]) => belongs(name)));
}
