/** Services that fail or lie: a clear fault, exit status 3, and the folder as it was. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { type FaultSpec, type Sigstore, startSigstore } from "../support/sigstore.ts";
import { assertHidden, type Desk, desk, signing, verifying } from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";
import { OLD_SIGNATURE } from "../support/workbench.ts";

/** A service that signing needs, in an instance with one version of Rekor. */
type Needed = { readonly service: FaultSpec["service"]; readonly rekor: 1 | 2 };

const SERVICES: Readonly<Record<string, Needed>> = {
  "Fulcio": { service: "fulcio", rekor: 1 },
  "Rekor v1": { service: "rekor", rekor: 1 },
  "Rekor v2": { service: "rekor2", rekor: 2 },
  "the timestamp authority": { service: "tsa", rekor: 2 },
};

/** What the line does to any of them, and the code of the fault. */
const LINE: readonly (readonly [fault: Omit<FaultSpec, "service">, code: string])[] = [
  [{ kind: "status", status: 400 }, "NETWORK_STATUS"],
  [{ kind: "status", status: 403, body: '{"message": "no \\u001b[2Jentry"}' }, "NETWORK_STATUS"],
  [{ kind: "status", status: 302, headers: { location: "/elsewhere" } }, "NETWORK_STATUS"],
  [{ kind: "status", status: 500 }, "NETWORK_STATUS"],
  [{ kind: "garbage" }, "NETWORK_RESPONSE"],
  [{ kind: "garbage", body: "" }, "NETWORK_RESPONSE"],
  [{ kind: "garbage", body: "{}" }, "NETWORK_RESPONSE"],
  [{ kind: "huge" }, "NETWORK_RESPONSE"],
  [{ kind: "slow" }, "NETWORK_TIMEOUT"],
  [{ kind: "hang" }, "NETWORK_TIMEOUT"],
  [{ kind: "close" }, "NETWORK_UNREACHABLE"],
];

/** What each of them can lie about, and the code of the fault, or of what is wrong with the signature. */
const LIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Fulcio": {
    "no-sct": "SCT_MISSING",
    "bad-sct": "SCT_INVALID",
    "wrong-key": "NETWORK_RESPONSE",
    "other-identity": "NETWORK_RESPONSE",
    "other-authority": "CERTIFICATE_UNTRUSTED",
    "expired": "NETWORK_RESPONSE",
  },
  "Rekor v1": {
    "wrong-body": "NETWORK_RESPONSE",
    "wrong-index": "TLOG_INCLUSION_PROMISE",
    "wrong-time": "CERTIFICATE_NOT_YET_VALID",
    "bad-set": "TLOG_INCLUSION_PROMISE",
    "bad-proof": "TLOG_INCLUSION_PROOF",
    "bad-checkpoint": "TLOG_CHECKPOINT",
    "other-log": "TLOG_UNKNOWN",
  },
  "Rekor v2": {
    "wrong-body": "NETWORK_RESPONSE",
    "wrong-index": "TLOG_INCLUSION_PROOF",
    "bad-proof": "TLOG_INCLUSION_PROOF",
    "bad-checkpoint": "TLOG_CHECKPOINT",
    "other-log": "TLOG_UNKNOWN",
  },
  "the timestamp authority": {
    "wrong-imprint": "NETWORK_RESPONSE",
    "wrong-nonce": "NETWORK_RESPONSE",
    "rejected": "TIMESTAMP_REFUSED",
    "bad-signature": "NETWORK_RESPONSE",
  },
};

/** A desk with an older signature, an instance, and a token. */
async function scene(sigstore: Sigstore, at: Desk, rekor: 1 | 2) {
  await at.write({ "model.sig": OLD_SIGNATURE });
  const before = snapshot(at.path);
  const token = await sigstore.token();
  return {
    /** Signs under a fault, and asserts that nothing was written and nothing given away. */
    async sign(fault: FaultSpec) {
      await sigstore.fault(fault);
      const limit = ["slow", "hang"].includes(fault.kind) ? ["--timeout", "1s"] : [];
      const args = [...signing(sigstore, rekor), ...limit];
      const outcome = await at.run(args, { env: { MODEL_SIGNING_IDENTITY_TOKEN: token } });
      const what = JSON.stringify(fault);
      assertStatus(outcome, 3, what);
      assert.equal(outcome.stdout, "", what);
      assert.ok(!outcome.stderr.includes("\x1b"), what);
      assertHidden(token, { [what]: outcome.stderr });
      assert.deepEqual(snapshot(at.path), before, what);
      return outcome;
    },
    token,
  };
}

for (const [name, { service, rekor }] of Object.entries(SERVICES)) {
  test(`sign ends with 3 and writes nothing when ${name} fails`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const { sign } = await scene(sigstore, at, rekor);
    for (const [fault, code] of LINE) assertFault(await sign({ service, ...fault }), 3, code);
  });

  test(`sign ends with 3 and writes nothing when ${name} lies`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const { sign } = await scene(sigstore, at, rekor);
    for (const [kind, code] of Object.entries(LIES[name]!)) {
      const outcome = await sign({ service, kind });
      const faults = [...outcome.stderr.matchAll(/\[([A-Z0-9_]+)\]$/gm)].map(([, each]) => each);
      // A lie that only a verifier can see is told as what is wrong with the finished signature.
      const [first, ...issues] = faults;
      assert.ok(
        first === code || (first === "SIGNATURE_SELF_CHECK" && issues.includes(code)),
        `${kind}: ${outcome.stderr}`,
      );
    }
  });

  test(`sign tries again when ${name} fails once, and gives up when it goes on`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const token = ["--identity-token", await sigstore.token()];
    for (const kind of ["status", "close"]) {
      await sigstore.reset();
      await sigstore.fault({ service, kind, count: 1 });
      assertStatus(await at.run([...signing(sigstore, rekor), ...token]), 0, kind);
      assertStatus(await at.run(verifying(sigstore)), 0, "verify");
      const all = await sigstore.requests();
      assert.equal(all.filter((each) => each.service === service).length, 2, kind);
    }
    await sigstore.reset();
    await sigstore.fault({ service, kind: "status" });
    assertStatus(await at.run([...signing(sigstore, rekor), ...token]), 3, "500 for ever");
    const all = await sigstore.requests();
    assert.equal(all.filter((each) => each.service === service).length, 3);
  });

  test(`Ctrl-C while ${name} does not answer ends with 3 and writes nothing`, async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    await at.write({ "model.sig": OLD_SIGNATURE });
    const before = snapshot(at.path);
    await sigstore.fault({ service, kind: "hang" });
    const interrupted = async (pid: number) => {
      while (!(await sigstore.requests()).some((each) => each.service === service)) await sleep(20);
      process.kill(pid, "SIGINT");
    };
    const args = [...signing(sigstore, rekor), "--identity-token", await sigstore.token()];
    const outcome = await at.run(args, { started: (pid) => void interrupted(pid) });
    assertFault(outcome, 3, "ABORTED");
    assert.deepEqual(snapshot(at.path), before);
  });
}

test("sign does not show a token that a service quotes, whole or in part", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const { sign, token } = await scene(sigstore, at, 1);
  const [header, claims, signature] = token.split(".");
  for (const quoted of [token, `${header}.${claims}`, claims!, signature!]) {
    for (const body of [JSON.stringify({ code: 3, message: `bad token ${quoted}` }), quoted]) {
      // scene() asserts that it is hidden.
      assertFault(
        await sign({ service: "fulcio", kind: "status", status: 400, body }),
        3,
        "NETWORK_STATUS",
      );
    }
  }
});

test("sign says that nobody is there when the instance is gone", async () => {
  await using at = await desk();
  await using sigstore = await startSigstore();
  await using other = await startSigstore();
  const token = ["--identity-token", await sigstore.token()];
  // Its files go with it.
  await at.write({
    "config.json": await readFile(sigstore.trustConfig, "utf8"),
  });
  const args = ["sign", "model", "--trust-config", "config.json", ...token];
  await sigstore.stop();
  assertFault(await at.run(args), 3, "NETWORK_UNREACHABLE");
  // Somebody else's certificate authority does not know the token's issuer.
  assertFault(await at.run([...signing(other), ...token]), 3, "NETWORK_STATUS");
  assert.ok(!existsSync(join(at.path, "model.sig")));
});
