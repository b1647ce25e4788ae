/** The commands `trust show`, `trust update` and `trust export`. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../../core/errors.ts";
import {
  checkWritable,
  isTyped,
  type Replaceable,
  writeFileAtomically,
} from "../../../core/files.ts";
import { type Hints, withHints } from "../../../core/hint.ts";
import type { CommandIo, CommandProvider, Option, Settings } from "../../../core/plugin.ts";
import { textSetting } from "../../../core/settings.ts";
import { jsonDocument, printable } from "../../../core/text.ts";
import { userFolders } from "../../../core/user_folders.ts";
import { serializeClientTrustConfig } from "../client_trust_config.ts";
import { trustChoice } from "./choice.ts";
import { describeTrust } from "./describe.ts";
import { instanceRepository, type Repository, repositoryOf } from "./repository.ts";
import { selectTrust, type TrustChoice } from "./select.ts";
import type { SelectedTrust } from "./trust.ts";

const USE_STAGING: Option = {
  name: "use-staging",
  type: "boolean",
  fromEnvironment: false,
  description: "Sigstore's staging instance instead of the production one",
};
const TUF_ROOT: Option = {
  name: "tuf-root",
  type: "file",
  metavar: "FILE",
  fromEnvironment: false,
  description: "A TUF repository of your own, by the root metadata that you trust it for",
};
const TUF_URL: Option = {
  name: "tuf-url",
  type: "string",
  metavar: "URL",
  fromEnvironment: false,
  description: "Where the TUF repository is: a mirror of Sigstore's, or with --tuf-root one of " +
    "your own",
};
/** What `show` and `export` are about; by default Sigstore's production instance. */
const SELECTION: readonly Option[] = [
  USE_STAGING,
  {
    name: "trust-config",
    type: "file",
    metavar: "FILE",
    fromEnvironment: false,
    description: "Another instance, as a ClientTrustConfig JSON file",
  },
  {
    name: "trust-root",
    type: "file",
    metavar: "FILE",
    fromEnvironment: false,
    description: "What another instance is trusted by, as a TrustedRoot JSON file",
  },
  TUF_ROOT,
];

/** Provides `trust`. */
export const trustCommand: CommandProvider = {
  kind: "command",
  id: "trust",
  summary: "Show, update or export what Sigstore signatures are trusted by",
  subcommands: [
    {
      name: "show",
      summary: "Show what is trusted, where that comes from, and how old it is",
      options: [...SELECTION, {
        name: "format",
        type: "string",
        choices: ["text", "json"],
        description: "How to print it: text (the default) or json",
      }],
      examples: [
        "model-signing trust show",
        "model-signing trust show --trust-config instance.json --format json",
      ],
      run: show,
    },
    {
      name: "update",
      summary: "Fetch what is trusted now, verified from the root that is built in or given",
      options: [USE_STAGING, TUF_URL, TUF_ROOT],
      examples: [
        "model-signing trust update",
        "model-signing trust update --tuf-url https://mirror.example.com/sigstore",
        "model-signing trust update --tuf-url https://tuf.example.com --tuf-root root.json",
      ],
      run: update,
    },
    {
      name: "export",
      summary: "Write what is trusted to one file, for a host without a network",
      operand: {
        metavar: "FILE",
        description: "File to write, for --trust-config on the other host; - is stdout",
      },
      options: SELECTION,
      examples: [
        "model-signing trust export sigstore.json",
        "model-signing trust export instance.json --tuf-root root.json",
      ],
      run: exportTrust,
    },
  ],
};

function hintsOf({ tufRoot = "FILE" }: TrustChoice): Hints {
  const update = `model-signing trust update --tuf-url URL --tuf-root ${printable(tufRoot)}`;
  return {
    USAGE: "give one of --use-staging, --trust-root, --trust-config, --tuf-root",
    TRUST_UNAVAILABLE: `run \`${update}\` first`,
  };
}

async function show(settings: Settings, io: CommandIo): Promise<0> {
  const now = new Date();
  const trust = await chosenTrust(settings, now, io);
  const { viewTrust } = await import("./view.ts");
  const view = viewTrust(trust, now);
  if (textSetting(settings, "format") === "json") {
    io.stdout(jsonDocument({ schemaVersion: 1, ...view }));
  } else {
    const { trustPage } = await import("./page.ts");
    io.stdout(trustPage(trust, view, now));
  }
  return 0;
}

/** What an export may replace. */
const EARLIER_EXPORT: Replaceable = {
  kind: "exported trust",
  is: (content) => isTyped(content, "application/vnd.dev.sigstore.clienttrustconfig"),
  streamHint: "trust export - writes to standard output",
};

async function exportTrust(settings: Settings, io: CommandIo): Promise<0> {
  const { operand: path } = io;
  if (path === undefined) throw new ModelSigningError("USAGE", "no file to write was named");
  if (path !== "-") await checkWritable(path, EARLIER_EXPORT);
  const now = new Date();
  const { message: trustedRoot, signingConfig, origin } = await chosenTrust(settings, now, io);
  const bytes = serializeClientTrustConfig(
    signingConfig === undefined ? { trustedRoot } : { trustedRoot, signingConfig },
  );
  for (const note of origin.notes) io.logger?.log("warn", note);
  if (path === "-") {
    io.stdout(Buffer.from(bytes).toString());
    return 0;
  }
  await writeFileAtomically(path, bytes);
  const purpose = signingConfig === undefined ? "verify" : "verify and sign";
  io.success(
    `Exported  ${describeTrust(origin, now)}\n` +
      `To        ${printable(path)}, to ${purpose} with --trust-config\n`,
  );
  return 0;
}

async function update(settings: Settings, io: CommandIo): Promise<0> {
  const { cache: cacheFolder } = userFolders();
  if (cacheFolder === undefined) {
    throw new ModelSigningError(
      "FILE_UNWRITABLE",
      "there is no folder to keep what is fetched: no home directory is set",
      { hint: "set HOME, XDG_CACHE_HOME, or LOCALAPPDATA on Windows" },
    );
  }
  const { repository, url } = await asked(settings, io);
  const { updateCache } = await import("./update.ts");
  const { updatePage } = await import("./update_page.ts");
  const done = await updateCache(repository, { ...io, url, cacheFolder, now: new Date() });
  io.success(updatePage(repository, url, done));
  return 0;
}

/** Which repository is to be fetched, and from where. */
async function asked(
  settings: Settings,
  io: CommandIo,
): Promise<{ readonly repository: Repository; readonly url: string }> {
  const { useStaging, tufRoot } = trustChoice(settings);
  const url = textSetting(settings, "tuf-url");
  if (tufRoot === undefined) {
    const repository = instanceRepository(useStaging ? "staging" : "production");
    return { repository, url: url ?? repository.url };
  }
  if (useStaging) {
    throw new ModelSigningError(
      "USAGE",
      "--use-staging and --tuf-root name different repositories",
    );
  }
  if (url === undefined) {
    throw new ModelSigningError("USAGE", "--tuf-root says whom to trust, and no --tuf-url where");
  }
  return { repository: await repositoryOf(tufRoot, io), url };
}

async function chosenTrust(settings: Settings, now: Date, io: CommandIo): Promise<SelectedTrust> {
  const choice = trustChoice(settings);
  return await withHints(hintsOf(choice), () => selectTrust({ ...choice, now }, io));
}
