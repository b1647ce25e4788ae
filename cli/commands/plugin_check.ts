/** `plugin check PLUGIN` */

import {
  jsonDocument,
  listSetting,
  ModelSigningError,
  type Plugin,
  Registry,
  textSetting,
  throwIfAborted,
  userFolders,
} from "../../core/mod.ts";
import {
  builtinPlugins,
  isModule,
  loadExecutable,
  loadModule,
  protocolContract,
} from "../../plugins/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { addPlugin } from "../plugin_names.ts";
import { pluginSettings } from "../plugin_settings.ts";
import { type Suite, suitesOf } from "../plugin_suites.ts";
import { type CheckedCase, checkText } from "../report/plugin_check.ts";
import { pageStyle } from "../report/page.ts";
import { readUsableSignature } from "../signature.ts";

/** What a plugin has passed when there is anything to check. */
const LOADED =
  "the plugin lies where nobody else can change it, loads, and declares what it provides";

/** Longest time for one case, in ms: the largest payloads through the slowest of services. */
const CASE_MS = 120_000;

/** Runs the contract suites on a plugin and reports. Gives 1 when a case failed, 3 when something could not be checked. */
export async function pluginCheck(invocation: Invocation): Promise<ExitStatus> {
  const { settings, operand: path, io, run } = invocation;
  const bundle = textSetting(settings, "bundle");
  const { plugin, suites: protocol } = await loaded(invocation, path);
  // It must be possible to use it beside what is built in.
  addPlugin(new Registry(builtinPlugins), plugin);
  const suites: Suite[] = [
    // Whatever is wrong with that is thrown.
    { about: "plugin", cases: [{ name: LOADED, run: () => Promise.resolve() }] },
    ...protocol,
    ...await suitesOf({
      plugin,
      settings: pluginSettings(plugin, listSetting(settings, "set"), io.env),
      reference: textSetting(settings, "reference"),
      bundle: bundle === undefined ? undefined : await readUsableSignature(bundle, run.signal),
      run,
    }),
  ];
  const results = await checked(suites, run.signal);
  const report = { plugin: `${plugin.name} ${plugin.version}`, path, results };
  const outcomes = results.map(({ outcome }) => outcome);
  const status = outcomes.includes("failed") ? 1 : outcomes.includes("unchecked") ? 3 : 0;
  if (textSetting(settings, "format") === "json") {
    io.stdout.write(jsonDocument({ schemaVersion: 1, ...report }));
  } else if (invocation.tells(status === 0)) {
    io.stdout.write(checkText(report, pageStyle(io.stdout, io)));
  }
  return status;
}

async function loaded(
  { io, run, version }: Invocation,
  path: string,
): Promise<{ readonly plugin: Plugin; readonly suites: readonly Suite[] }> {
  if (isModule(path)) {
    const { cache } = userFolders(io.env);
    const { plugin } = await loadModule(path, {
      outside: [],
      environment: io.env,
      ...(cache === undefined ? {} : { cacheFolder: cache }),
    }, { signal: run.signal });
    return { plugin, suites: [] };
  }
  const { plugin } = await loadExecutable(path, {
    outside: [],
    environment: io.env,
    programVersion: version,
  }, run);
  const cases = await protocolContract({
    path,
    environment: io.env,
    ...(run.logger ? { logger: run.logger } : {}),
  });
  return { plugin, suites: [{ about: "protocol", cases }] };
}

/** One case after the other, also after one that failed. */
async function checked(
  suites: readonly Suite[],
  signal: AbortSignal,
): Promise<readonly CheckedCase[]> {
  const results: CheckedCase[] = [];
  for (const suite of suites) {
    const { about } = suite;
    if ("skipped" in suite) {
      results.push({ about, name: "all", outcome: "skipped", reason: suite.skipped });
      continue;
    }
    if ("unchecked" in suite) {
      results.push({ about, name: "all", outcome: "unchecked", reason: suite.unchecked });
      continue;
    }
    let hangs = false;
    for (const { name, run } of suite.cases) {
      throwIfAborted(signal);
      if (hangs) {
        // Each would take as long.
        results.push({ about, name, outcome: "unchecked", reason: "an earlier case did not end" });
        continue;
      }
      const failure = await failureOf(run, signal);
      hangs = failure?.hangs === true;
      results.push({
        about,
        name,
        ...(failure ? { outcome: "failed", reason: failure.reason } : { outcome: "passed" }),
      });
    }
  }
  return results;
}

/** Why a case failed. */
type Failure = { readonly reason: string; readonly hangs: boolean };

/** Runs a case; undefined when it passed. */
async function failureOf(
  run: () => Promise<void>,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { promise: ended, resolve } = Promise.withResolvers<Failure>();
  const timer = setTimeout(
    () => resolve({ reason: `it did not end within ${CASE_MS / 1000} s`, hangs: true }),
    CASE_MS,
  );
  const abort = () => resolve({ reason: "aborted", hangs: false });
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([run().then(() => undefined), ended]);
  } catch (error) {
    return readFailure(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

function readFailure(error: unknown): Failure {
  // Of `await using`: what comes first is what was suppressed when disposing failed, too.
  if (error instanceof Error && "suppressed" in error && "error" in error) {
    const { reason, hangs } = readFailure(error.suppressed);
    return { reason, hangs: hangs || readFailure(error.error).hangs };
  }
  if (error instanceof ModelSigningError) {
    const { message, code } = error;
    return { reason: `${message} [${code}]`, hangs: code === "PLUGIN_TIMEOUT" };
  }
  // Assertions show both values below their first line.
  return { reason: error instanceof Error ? error.message : String(error), hangs: false };
}
