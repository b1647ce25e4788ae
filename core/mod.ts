/** The contract and the two pipelines. */

export * from "./bundle.ts";
export { compare, type CompareInput, type ModelComparison } from "./compare.ts";
export * from "./check.ts";
export { childEnvironment } from "./child_environment.ts";
export { manifestProblem, type NameRules } from "./check_manifest.ts";
export * from "./dsse.ts";
export {
  type ErrorCode,
  type ErrorDetails,
  type Issue,
  type IssueCode,
  ModelSigningError,
  type Parsed,
  systemCode,
  systemReason,
  throwIfAborted,
  UNDECIDED,
} from "./errors.ts";
export * from "./files.ts";
export { hash, type HashedModel, type HashInput } from "./hash.ts";
export * from "./hasher.ts";
export { hintedReport, type Hints, withHints } from "./hint.ts";
export * from "./json.ts";
export * from "./keys.ts";
export * from "./limits.ts";
export * from "./logger.ts";
export * from "./manifest.ts";
export * from "./observer.ts";
export * from "./options.ts";
export * from "./parse_statement.ts";
export * from "./path.ts";
export * from "./path_filter.ts";
export * from "./plugin.ts";
export * from "./plugin_host.ts";
export * from "./registry.ts";
export * from "./report.ts";
export * from "./secret.ts";
export * from "./settings.ts";
export * from "./shard.ts";
export * from "./sign.ts";
export * from "./signer.ts";
export * from "./source.ts";
export * from "./statement.ts";
export * from "./text.ts";
export * from "./user_folders.ts";
export * from "./verifier.ts";
export * from "./verify.ts";
export * from "./verify_discovered.ts";
