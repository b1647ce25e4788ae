/** What every provider must do with settings that are no good, as cases that need no test framework. */

import assert from "node:assert/strict";
import { ModelSigningError } from "../errors.ts";
import type { Option, Settings, SettingValue } from "../plugin.ts";
import { Secret } from "../secret.ts";
import type { ContractCase } from "./case.ts";

/** What the suite needs. */
export type SettingsContractSubject = {
  readonly options: readonly Option[];
  /** Settings that work. */
  readonly settings: Settings;
  /** Opens the provider and uses it once. */
  use(settings: Settings): Promise<void>;
};

/** Codes that say that a plugin failed without knowing why. */
const BUGS: ReadonlySet<string> = new Set([
  "INTERNAL",
  "PLUGIN_CRASHED",
  "PLUGIN_FAILED",
  "PLUGIN_FLOODED",
  "PLUGIN_PROTOCOL",
  "PLUGIN_RESULT",
  "PLUGIN_TIMEOUT",
]);

/** Texts that a person or a script could give by mistake. */
const ODD_TEXTS: readonly string[] = [
  "/no/such/file",
  "x".repeat(10_000),
  "\u001b[2J\u202e\n",
  "../../..",
  "--help",
  '"; exit 1 #',
];

/** The suite: every text option with texts that are no good. */
export function settingsContract(subject: SettingsContractSubject): readonly ContractCase[] {
  return subject.options.filter(isText).map((option) => ({
    name: `open() and use with an odd --${option.name} work, or give an error of their own`,
    run: async () => {
      for (const text of ODD_TEXTS) {
        await worksOrSays(() =>
          subject.use({ ...subject.settings, [option.name]: value(option, text) })
        );
      }
    },
  }));
}

function isText({ type, choices }: Option): boolean {
  return (type === "string" || type === "file" || type === "directory") && choices === undefined;
}

function value({ secret, repeatable }: Option, text: string): SettingValue {
  if (secret) return new Secret(text);
  return repeatable ? [text] : text;
}

async function worksOrSays(use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, `throws ${String(error)}`);
    assert.ok(!BUGS.has(error.code), `${error.code}: ${error.message}`);
    assert.notEqual(error.message, "", `${error.code} says nothing`);
  }
}
