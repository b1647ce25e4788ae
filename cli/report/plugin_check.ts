/** What `plugin check` tells. */

import { counted } from "../../core/mod.ts";
import { Page, type PageStyle } from "./page.ts";

/** One case and what came of it. */
export type CheckedCase =
  & {
    /** The provider, or the protocol. */
    readonly about: string;
    readonly name: string;
  }
  & (
    | { readonly outcome: "passed" }
    | { readonly outcome: "failed" | "skipped" | "unchecked"; readonly reason: string }
  );

/** A plugin and its cases. */
export type PluginCheck = {
  readonly plugin: string;
  readonly path: string;
  readonly results: readonly CheckedCase[];
};

/** Every case, what failed with its reason, and a verdict. */
export function checkText({ plugin, path, results }: PluginCheck, style: PageStyle): string {
  const page = new Page(style);
  const count = (wanted: CheckedCase["outcome"]) =>
    results.filter(({ outcome }) => outcome === wanted).length;
  const [failed, skipped, unchecked] = [count("failed"), count("skipped"), count("unchecked")];
  const [word, tone] = failed > 0
    ? ["REFUSED", "bad"] as const
    : unchecked > 0
    ? ["INCOMPLETE", "unsure"] as const
    : ["CONFORMS", "good"] as const;
  const figures = [
    `${counted(count("passed"), "case")} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(unchecked > 0 ? [`${unchecked} not checked`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  page.headline(word, tone, `${plugin} (${path}): ${figures.join(", ")}`);
  for (const about of new Set(results.map((result) => result.about))) {
    page.list(
      about,
      results.filter((result) => result.about === about).map((result) =>
        result.outcome === "passed"
          ? [`passed    ${result.name}`]
          : [`${result.outcome.padEnd(9)} ${result.name}`, ...reasonLines(result.reason)]
      ),
      Infinity,
    );
  }
  return page.toString();
}

function reasonLines(reason: string): readonly string[] {
  return reason.split("\n").filter((line) => line.trim() !== "").slice(0, 12);
}
