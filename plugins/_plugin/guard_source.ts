/** A plugin's source of models, guarded. */

import { parseBundle, writeBundle } from "../../core/bundle.ts";
import type { Bundle } from "../../core/bundle.ts";
import type { RunOptions } from "../../core/options.ts";
import type { SourceProvider } from "../../core/plugin.ts";
import type {
  FoundSignature,
  ManifestSource,
  OpenedSource,
  Puller,
  SignatureStore,
} from "../../core/source.ts";
import { across, ENDING_MS } from "./across.ts";
import type { DeclaredProvider } from "./declaration.ts";
import { entryAt, modelAt } from "./entries.ts";
import { booleanAt, type Members, methodAt, objectAt, textAt } from "./shape.ts";
import { issueAt } from "./verification.ts";

/**
 * A guarded source. Its models are reached by its scheme only: what says that other references, or other signatures,
 * are its own (`recognizes`, `roles`) is for sources that the program trusts with every model.
 */
export function guardSource(
  who: string,
  { id, summary, options, examples = [], keepsSignatures }: DeclaredProvider,
  given: Members,
): SourceProvider {
  const open = methodAt(given, "open", `the source "${id}"`);
  return {
    kind: "source",
    id,
    summary,
    options,
    examples,
    ...(keepsSignatures === undefined ? {} : { keepsSignatures }),
    open: (reference, settings, run) =>
      across({
        who,
        what: "open()",
        options: run,
        run: (options) => open(reference, settings, options),
        read: (opened) => openedAt(who, opened),
      }),
  };
}

function openedAt(who: string, value: unknown): OpenedSource {
  const given = objectAt(value, "open()");
  const { signatures, puller } = given;
  return {
    source: sourceAt(who, given["source"]),
    ...(signatures === undefined ? {} : { signatures: storeAt(who, signatures) }),
    ...(puller === undefined ? {} : { puller: pullerAt(who, puller) }),
  };
}

function sourceAt(who: string, value: unknown): ManifestSource {
  const given = objectAt(value, "the source");
  const entries = methodAt(given, "entries", "the source");
  return {
    ...modelAt(given, "the source"),
    entries: (rules, run) =>
      iterated(
        who,
        "entries()",
        run,
        (options) => entries(rules, options),
        (value) => entryAt(value, "an entry"),
      ),
  };
}

function storeAt(who: string, value: unknown): SignatureStore {
  const given = objectAt(value, "the signature store");
  const attach = methodAt(given, "attach", "the signature store");
  const discover = methodAt(given, "discover", "the signature store");
  const prepare = given["prepare"] === undefined
    ? undefined
    : methodAt(given, "prepare", "the signature store");
  return {
    ...(prepare && {
      prepare: (run) =>
        across({ who, what: "prepare()", options: run, run: prepare, read: () => {} }),
    }),
    attach: (bundle, run) =>
      across({
        who,
        what: "attach()",
        options: run,
        run: (options) => attach(Uint8Array.from(bundle), options),
        read: (place) => textAt(place, "attach()"),
      }),
    discover: (run) =>
      iterated(who, "discover()", run, (options) => discover(options), foundSignatureAt),
  };
}

function pullerAt(who: string, value: unknown): Puller {
  const pull = methodAt(objectAt(value, "the puller"), "pull", "the puller");
  return {
    pull: (input, run) =>
      across({
        who,
        what: "pull()",
        options: run,
        steps: Infinity,
        run: (options) => pull(input, options),
        read: () => {},
      }),
  };
}

function foundSignatureAt(value: unknown): FoundSignature {
  const given = objectAt(value, "a signature");
  const reference = textAt(given["reference"], "a signature.reference");
  const bundle = objectAt(given["bundle"], "a signature.bundle");
  if (!booleanAt(bundle["ok"], "a signature.bundle.ok")) {
    return {
      reference,
      bundle: { ok: false, issue: issueAt(bundle["issue"], "a signature.issue") },
    };
  }
  // Written and read again, a bundle has no member that is not one.
  const bytes = writeBundle(objectAt(bundle["value"], "a signature.bundle") as unknown as Bundle);
  return { reference, bundle: parseBundle(bytes) };
}

/** Asks for one value after the other; ends the plugin's own iteration when nobody asks any more. */
async function* iterated<T>(
  who: string,
  what: string,
  run: RunOptions,
  begin: (options: RunOptions) => unknown,
  read: (value: unknown) => T,
): AsyncGenerator<T> {
  const iterator = await across({
    who,
    what,
    options: run,
    run: begin,
    read: (value) => objectAt(methodAt(objectAt(value, what), Symbol.asyncIterator, what)(), what),
  });
  let isOpen = false;
  try {
    for (;;) {
      // Until it answers; one that fails has ended, and one that hangs would not hear that it should.
      isOpen = false;
      const next = await across({
        who,
        what,
        options: run,
        run: () => methodAt(iterator, "next", what)(),
        read: (result) => {
          const given = objectAt(result, what);
          isOpen = given["done"] !== true;
          return isOpen ? { value: read(given["value"]) } : undefined;
        },
      });
      if (next === undefined) return;
      yield next.value;
    }
  } finally {
    if (isOpen && iterator["return"] !== undefined) {
      await across({
        who,
        what: `the end of ${what}`,
        // Also when the run was aborted.
        options: { timeout: ENDING_MS },
        steps: 1,
        run: () => methodAt(iterator, "return", what)(),
        read: () => {},
      });
    }
  }
}
