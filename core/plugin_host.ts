/** What a plugin of a third party is given by the program that loads it. */

import type { Envelope } from "./bundle.ts";
import type { failedCheck, skippedCheck } from "./check.ts";
import type { childEnvironment } from "./child_environment.ts";
import type { pae, PaeForm, PAYLOAD_TYPE } from "./dsse.ts";
import type { ModelSigningError, systemReason, throwIfAborted } from "./errors.ts";
import type { isObject, parseJson } from "./json.ts";
import type { keyAlgorithm, keyHint, publicKeyFromDer, verifyBytes } from "./keys.ts";
import type { traced } from "./observer.ts";
import type { ancestors, compareCodePoints, pathProblem } from "./path.ts";
import type { Plugin } from "./plugin.ts";
import type { Secret } from "./secret.ts";
import type {
  choiceSetting,
  flagSetting,
  listSetting,
  numberSetting,
  requiredTextSetting,
  secretSetting,
  textSetting,
} from "./settings.ts";
import type { excerpt, printable, quote } from "./text.ts";

/**
 * The program's own functions and classes. Modules are not shared with a compiled program, so a plugin takes these
 * from its argument: a `ModelSigningError` of a copy that it brought along would not be known for one.
 *
 * The members belong to the contract. One that is added leaves `contract` as it is; one that changes or goes away
 * raises it.
 */
export type PluginHost = {
  /** The contract's version, for {@link Plugin.contract}. */
  readonly contract: number;

  /** What a plugin throws, with a code `PLUGIN_…` of its own or one of `ErrorCode`. Other errors count as its bugs. */
  readonly ModelSigningError: typeof ModelSigningError;
  /** Ends a step when the signal has fired. */
  readonly throwIfAborted: typeof throwIfAborted;
  /** The reason of an I/O error in words. */
  readonly systemReason: typeof systemReason;

  /** The text of an option. This and the other readers refuse a value of another type with `USAGE`. */
  readonly textSetting: typeof textSetting;
  /** The same, of an option that must be given. */
  readonly requiredTextSetting: typeof requiredTextSetting;
  /** The same, of an option with choices. */
  readonly choiceSetting: typeof choiceSetting;
  /** Whether an option is on. */
  readonly flagSetting: typeof flagSetting;
  /** The number of an option. */
  readonly numberSetting: typeof numberSetting;
  /** The texts of a repeatable option. */
  readonly listSetting: typeof listSetting;
  /** The value of a secret option. */
  readonly secretSetting: typeof secretSetting;

  /** What secret settings and answers are wrapped in. */
  readonly Secret: typeof Secret;
  /** Makes a text from outside safe to print. */
  readonly printable: typeof printable;
  /** The same, in double quotes. */
  readonly quote: typeof quote;
  /** The same, of the beginning of a text of any length. */
  readonly excerpt: typeof excerpt;
  /** Strict JSON: no duplicate members, bounded depth and number of values. */
  readonly parseJson: typeof parseJson;
  /** Whether a JSON value is an object. */
  readonly isObject: typeof isObject;

  /** The payload type of every envelope. */
  readonly PAYLOAD_TYPE: typeof PAYLOAD_TYPE;
  /** The bytes that a signature covers. */
  readonly pae: typeof pae;
  /** The algorithm that the format demands of a key, or why the key is refused. */
  readonly keyAlgorithm: typeof keyAlgorithm;
  /** The hint by which a bundle names a key. */
  readonly keyHint: typeof keyHint;
  /** A key from SubjectPublicKeyInfo, DER. */
  readonly publicKeyFromDer: typeof publicKeyFromDer;
  /** Whether a signature over bytes holds. */
  readonly verifyBytes: typeof verifyBytes;
  /** The encoding over which the signature of an envelope holds, in every form that was ever written. */
  readonly verifyEnvelope: (
    envelope: Envelope,
    publicKey: ReturnType<typeof publicKeyFromDer>,
  ) => Promise<PaeForm | undefined>;

  /** A check that found something wrong. */
  readonly failedCheck: typeof failedCheck;
  /** A check that did not apply. */
  readonly skippedCheck: typeof skippedCheck;

  /** What is wrong with a name inside a model, if anything is. */
  readonly pathProblem: typeof pathProblem;
  /** The folders above a name inside a model. */
  readonly ancestors: typeof ancestors;
  /** The order of the format. */
  readonly compareCodePoints: typeof compareCodePoints;

  /** Runs a step inside a span of the program's tracing. */
  readonly traced: typeof traced;
  /** The environment for other programs that a plugin starts. */
  readonly childEnvironment: typeof childEnvironment;
};

/** The default export of a plugin that is an ES module. */
export type PluginFactory = (host: PluginHost) => Plugin | Promise<Plugin>;
