/** The program's side of the contract, as plugins get it. */

import { failedCheck, skippedCheck } from "../../core/check.ts";
import { childEnvironment } from "../../core/child_environment.ts";
import { pae, PAYLOAD_TYPE } from "../../core/dsse.ts";
import { ModelSigningError, systemReason, throwIfAborted } from "../../core/errors.ts";
import { isObject, parseJson } from "../../core/json.ts";
import { keyAlgorithm, keyHint, publicKeyFromDer, verifyBytes } from "../../core/keys.ts";
import { traced } from "../../core/observer.ts";
import { ancestors, compareCodePoints, pathProblem } from "../../core/path.ts";
import { CONTRACT_VERSION } from "../../core/plugin.ts";
import type { PluginHost } from "../../core/plugin_host.ts";
import { Secret } from "../../core/secret.ts";
import {
  choiceSetting,
  flagSetting,
  listSetting,
  numberSetting,
  requiredTextSetting,
  secretSetting,
  textSetting,
} from "../../core/settings.ts";
import { excerpt, printable, quote } from "../../core/text.ts";
import { verifyEnvelope } from "../_envelope/mod.ts";

/** What every plugin is given. Frozen, so that one plugin cannot change what the next one gets. */
export const pluginHost: PluginHost = Object.freeze({
  contract: CONTRACT_VERSION,
  ModelSigningError,
  throwIfAborted,
  systemReason,
  textSetting,
  requiredTextSetting,
  choiceSetting,
  flagSetting,
  numberSetting,
  listSetting,
  secretSetting,
  Secret,
  printable,
  quote,
  excerpt,
  parseJson,
  isObject,
  PAYLOAD_TYPE,
  pae,
  keyAlgorithm,
  keyHint,
  publicKeyFromDer,
  verifyBytes,
  verifyEnvelope,
  failedCheck,
  skippedCheck,
  pathProblem,
  ancestors,
  compareCodePoints,
  traced,
  childEnvironment,
});
