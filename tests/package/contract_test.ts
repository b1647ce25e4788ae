/** What plugins of a contract rely on. Changing a line here is changing the contract: docs/library.md says when it may be. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CONTRACT_VERSION, pluginHost } from "../../mod.ts";

/** By contract: what a plugin that was written for its first release takes from its host. */
const HOST: Readonly<Record<number, readonly string[]>> = {
  1: [
    "ModelSigningError",
    "PAYLOAD_TYPE",
    "Secret",
    "ancestors",
    "childEnvironment",
    "choiceSetting",
    "compareCodePoints",
    "contract",
    "excerpt",
    "failedCheck",
    "flagSetting",
    "isObject",
    "keyAlgorithm",
    "keyHint",
    "listSetting",
    "numberSetting",
    "pae",
    "parseJson",
    "pathProblem",
    "printable",
    "publicKeyFromDer",
    "quote",
    "requiredTextSetting",
    "secretSetting",
    "skippedCheck",
    "systemReason",
    "textSetting",
    "throwIfAborted",
    "traced",
    "verifyBytes",
    "verifyEnvelope",
  ],
};

test("the host of a contract has every member that it was released with", () => {
  assert.equal(pluginHost.contract, CONTRACT_VERSION);
  const released = HOST[CONTRACT_VERSION] ?? [];
  assert.ok(released.length > 0, `list the members of contract ${CONTRACT_VERSION}`);
  assert.deepEqual(released.filter((name) => !(name in pluginHost)), []);
});
