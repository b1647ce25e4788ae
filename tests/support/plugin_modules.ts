/** Sources of plugins that are ES modules. */

/** A plugin with one provider, given as source text. */
export function moduleSource(provider: string, more = ""): string {
  return `${more}
export default (host) => ({
  name: "demo",
  version: "1.0.0",
  contract: host.contract,
  providers: [${provider}],
});
`;
}

/** A signer `demo` with a key of its own. @param sign the body of `sign(pae, options)` */
export function signerSource(
  sign = "return { signature, publicKey, material };",
  options = "[]",
): string {
  return moduleSource(
    `{
    kind: "signer",
    id: "demo",
    summary: "Sign with a key that nobody keeps",
    options: ${options},
    async open(settings, run) {
      const signer = {
        async sign(pae, options) {
          host.throwIfAborted(options.signal);
          const signature = new Uint8Array(signBytes("sha256", pae, pair.privateKey));
          const publicKey = new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" }));
          const material = { kind: "public-key", hint: host.keyHint(pair.publicKey) };
          ${sign}
        },
        async [Symbol.asyncDispose]() {},
      };
      return { signer, witnesses: [] };
    },
  }`,
    `import { generateKeyPairSync, sign as signBytes } from "node:crypto";
const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });`,
  );
}

/** A verifier `demo`. @param verify the body of `verify(bundle, options)` @param more members of the provider */
export function verifierSource(verify: string, more = ""): string {
  return moduleSource(`{
    kind: "verifier",
    id: "demo",
    summary: "Verify in a way of its own",
    options: [],
    open: () => Promise.resolve({ async verify(bundle, options) { ${verify} } }),
    ${more}
  }`);
}

/** A source `demo:`. @param entries statements of `async *entries(rules, options)` */
export function sourceSource(entries: string, model = "singleFile: false"): string {
  return moduleSource(`{
    kind: "source",
    id: "demo",
    summary: "models out of thin air",
    options: [],
    open: (reference) => Promise.resolve({ source: {
      name: reference.slice(5), ignorePaths: [], ${model},
      async *entries(rules, options) {
        const file = (path, text) => ({ kind: "file", path, size: text.length,
          open: ({ start, end } = { start: 0, end: text.length }) =>
            new Blob([text.slice(start, end)]).stream() });
        ${entries}
      },
    } }),
  }`);
}
