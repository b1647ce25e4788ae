/** A plugin's describer. */

import type { Bundle } from "../../core/bundle.ts";
import type { RunOptions } from "../../core/options.ts";
import type { CertificateInfo, Describer } from "../../core/verifier.ts";
import { describing, descriptionAt } from "../_plugin/mod.ts";
import { certificateInfo, parseCertificate } from "../_x509/mod.ts";
import { certificatesOf, haveRoom, materialOf } from "./claims.ts";
import type { PluginSession } from "./session.ts";

/** What a describer works with. */
export type ExecDescriberOptions = {
  /** Starts the plugin, for each bundle anew. */
  open(run: RunOptions): Promise<PluginSession>;
  /** The plugin's name, which is that of its method. */
  readonly method: string;
};

/** Describes through a plugin: its words, and beside them the certificates as the program reads them. */
export function execDescriber({ open, method }: ExecDescriberOptions): Describer {
  return {
    async describe(bundle, options) {
      const material = materialOf(bundle.material);
      // The built-in methods describe it all the same.
      if (!haveRoom(material)) return undefined;
      const run = describing(options);
      await using session = await open(run);
      return await session.request({
        type: "describe",
        answer: "described",
        members: () => Promise.resolve({ material }),
        read: ({ fields }) => {
          if (fields === undefined) return undefined;
          const described = descriptionAt({ method, fields }, "described", method);
          return described && { ...described, certificates: certificatesIn(bundle) };
        },
      }, run);
    },
  };
}

/** Those that can be read, of those that the bundle claims. */
function certificatesIn({ material }: Bundle): readonly CertificateInfo[] {
  return certificatesOf(material).flatMap((der) => {
    const certificate = parseCertificate(der);
    return certificate.ok ? [certificateInfo(certificate.value)] : [];
  });
}
