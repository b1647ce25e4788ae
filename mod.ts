/**
 * Signs and verifies machine-learning models in the OpenSSF Model Signing format.
 *
 * The pipelines {@link signModel} and {@link verifyModel} do everything; {@link hash}, {@link sign},
 * {@link verifySignature} and {@link compare} are their parts; {@link verifyDiscovered} takes the signatures that lie
 * beside a model. A model is a {@link ManifestSource}, such as {@link fileSystemSource} opens; {@link hasherFactory}
 * makes what reads it; {@link keySigner}, {@link certificateSigner}, {@link sigstoreSigner} and their verifiers bring
 * the trust.
 *
 * Everything that is exported here follows the version of the package; nothing else does. docs/library.md says what
 * that means.
 *
 * @module
 */

import { extname } from "node:path/posix";
import type { HasherFactory } from "./core/mod.ts";
import { type EngineOptions, hasherFactory as engine } from "./plugins/mod.ts";

// The two pipelines, and their parts.
export {
  compare,
  type CompareInput,
  type DiscoveredReport,
  hash,
  type HashedModel,
  type HashInput,
  type ModelComparison,
  sign,
  type SignedManifest,
  type SignedModelBundle,
  signModel,
  type SignWith,
  type UnacceptedSignature,
  type VerifiedSignature,
  verifyDiscovered,
  type VerifyDiscoveredInput,
  type VerifyInput,
  verifyModel,
  verifySignature,
} from "./core/mod.ts";

// What they give.
export {
  type CertificateInfo,
  type Check,
  type Coverage,
  type ErrorCode,
  type ErrorDetails,
  type FileDiff,
  type Identity,
  type Issue,
  type IssueCode,
  ModelSigningError,
  type Parsed,
  type Report,
  type ReportBase,
  type SignedModel,
  type Timestamp,
} from "./core/mod.ts";

// What goes along: options, progress, tracing, logs, questions.
export {
  type Attributes,
  combineObservers,
  type Facts,
  type Interaction,
  jsonLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  loggingObserver,
  type LogLevel,
  type Observer,
  type ObserverEvent,
  type Progress,
  type RunOptions,
  Secret,
  type Span,
  type SpanName,
  textLogger,
  traced,
  type Tracing,
} from "./core/mod.ts";

// The format: bundle, envelope, statement, manifest.
export {
  type Bundle,
  BUNDLE_MEDIA_TYPE,
  type Envelope,
  type Manifest,
  metadataPaths,
  type NameRules,
  pae,
  type PaeForm,
  parseBundle,
  parseStatement,
  PAYLOAD_TYPE,
  PREDICATE_TYPE,
  readBundleFile,
  type Resource,
  rootDigest,
  type Serialization,
  signedPaths,
  sortResources,
  type Statement,
  STATEMENT_TYPE,
  type VerificationMaterial,
  writeBundle,
  writeFileAtomically,
  writeStatement,
} from "./core/mod.ts";

// Limits of what is read.
export {
  MAX_BUNDLE_BYTES,
  MAX_DIRECTORY_DEPTH,
  MAX_PATH_BYTES,
  MAX_RESOURCES,
} from "./core/mod.ts";

// Interfaces to implement: a source, a hasher, a signer, a witness, a verifier.
export {
  type ByteRange,
  type Describer,
  type Description,
  type Entry,
  type EnumerationRules,
  type Evidence,
  type FileLocation,
  type FoundSignature,
  type Hashed,
  type Hasher,
  type HasherFactory,
  type HashSettings,
  type HashType,
  type ManifestSource,
  type OpenedSigner,
  type OpenedSource,
  type Puller,
  type PullInput,
  type ResourceRole,
  type SignatureStore,
  type SignatureVerification,
  type Signed,
  type Signer,
  type StatedDigest,
  type Verifier,
  type Witness,
} from "./core/mod.ts";

// What implementations are made of; most of it is in PluginHost, too.
export {
  ancestors,
  childEnvironment,
  choiceSetting,
  compareCodePoints,
  DEFAULT_SHARD_SIZE,
  DIGEST_LENGTH,
  excerpt,
  failedCheck,
  flagSetting,
  HASH_TYPES,
  isObject,
  type Json,
  JsonError,
  type JsonObject,
  type KeyAlgorithm,
  keyAlgorithm,
  keyHint,
  listSetting,
  numberSetting,
  parseJson,
  parseShardName,
  type PathDecision,
  PathFilter,
  type PathFilterSettings,
  pathProblem,
  printable,
  publicKeyDer,
  publicKeyFromDer,
  quote,
  requiredTextSetting,
  secretSetting,
  type ShardName,
  shardName,
  shardRanges,
  signBytes,
  skippedCheck,
  systemReason,
  textSetting,
  throwIfAborted,
  verifyBytes,
} from "./core/mod.ts";

// Plugins: what they provide, and what loads them.
export {
  type CommandAction,
  type CommandIo,
  type CommandProvider,
  CONTRACT_VERSION,
  type Option,
  type Plugin,
  type PluginFactory,
  type PluginHost,
  type Provider,
  type ProviderBase,
  Registry,
  type Settings,
  type SettingValue,
  type SignerProvider,
  type SourceProvider,
  type VerifierProvider,
  type WitnessProvider,
} from "./core/mod.ts";
export {
  builtinPlugins,
  certificatePlugin,
  type DeclaredAction,
  type DeclaredProvider,
  type ExecOptions,
  findExecutable,
  fsPlugin,
  keyPlugin,
  listExecutables,
  type LoadedExecutable,
  type LoadedModule,
  loadExecutable,
  loadModule,
  type ModuleOptions,
  ociPlugin,
  pkcs11Plugin,
  type PluginDeclaration,
  pluginHost,
  PROTOCOL_VERSION,
  protocolContract,
  type ProtocolContractSubject,
  sigstorePlugin,
} from "./plugins/mod.ts";

// Models on the file system. Those in registries are in the entry "oci".
export { type FileSystemOptions, type FileSystemSource, fileSystemSource } from "./plugins/mod.ts";
export type { EngineOptions } from "./plugins/mod.ts";

// Keys, certificates, tokens of hardware.
export {
  certificateDescriber,
  certificateSigner,
  type CertificateSignerOptions,
  certificateVerifier,
  type CertificateVerifierOptions,
  type FileContent,
  keyDescriber,
  keySigner,
  type KeySignerOptions,
  keyVerifier,
  type KeyVerifierOptions,
  type NamedBytes,
  pkcs11CertificateSigner,
  pkcs11KeySigner,
  type TimestampVerifier,
  timestampVerifier,
  type TimestampVerifierOptions,
  timestampWitness,
  type TimestampWitnessOptions,
  type TokenCertificateOptions,
  type TokenKeyOptions,
} from "./plugins/mod.ts";

// Sigstore.
export {
  ambientToken,
  type AmbientTokenOptions,
  builtinTrust,
  describeTrust,
  type ExpectedText,
  givenToken,
  type IdentityToken,
  type InstanceName,
  interactiveToken,
  type InteractiveTokenOptions,
  type OAuthClient,
  parseTrustedRoot,
  type SelectedTrust,
  selectTrust,
  type SignerPolicy,
  sigstoreSigner,
  type SigstoreSignerOptions,
  sigstoreVerifier,
  type SigstoreVerifierOptions,
  type TokenSource,
  type Trust,
  type TrustChoice,
  type TrustedRoot,
  type TrustOrigin,
} from "./plugins/mod.ts";

/**
 * The hashing engine, with a worker for each core; `jobs: 1` hashes in one. A bundler moves modules, so a
 * bundled program gives the `workerUrl` of its own copy of the entry `worker`.
 *
 * The factory's hashers throw `USAGE` for a shard size or number of jobs that is not a positive integer.
 */
export function hasherFactory(options: EngineOptions = {}): HasherFactory {
  return engine({ workerUrl: workerUrl(), ...options });
}

function workerUrl(): URL {
  // `.ts` in the sources and on JSR, `.js` in the npm package.
  const url = new URL(`./plugins/hash/worker${extname(import.meta.url)}`, import.meta.url);
  // Deno starts workers from files and data only, and a module from JSR is neither.
  return url.protocol === "file:"
    ? url
    : new URL(`data:text/javascript,import ${encodeURIComponent(JSON.stringify(url.href))}`);
}
