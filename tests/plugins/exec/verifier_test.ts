import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bundle } from "../../../core/bundle.ts";
import type { SignatureVerification } from "../../../core/verifier.ts";
import { derOf, Pki } from "../../support/pki.ts";
import {
  assertFails,
  type Folder,
  folder,
  keepingLogger,
  person,
  program,
  providerOf,
} from "./_programs.ts";

const BUNDLE: Bundle = {
  mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  material: { kind: "certificate-chain", certificates: [Uint8Array.of(1), Uint8Array.of(2, 3)] },
  tlogEntries: [{ logIndex: "1" }],
  timestamps: [Uint8Array.of(9)],
  envelope: {
    payloadType: "application/vnd.in-toto+json",
    payload: Uint8Array.of(7, 7),
    signature: Uint8Array.of(5),
  },
};

/** A verifier that answers every request with this expression. @param more members of what it says of itself */
function code(answer: string, more = ""): string {
  return `hello(verifier={"summary": "Verify somehow", "options": [], "payload": "pae"${more}})
for request in frames():
    send({"id": request["id"], **(${answer})})`;
}

async function verifyWith(
  answer: string,
  bundle: Bundle = BUNDLE,
  logger = keepingLogger(),
): Promise<SignatureVerification> {
  await using place = await folder();
  const provider = await providerOf("verifier", await program(place, code(answer)));
  const verifier = await provider.open({}, { logger });
  return await verifier.verify(bundle, { logger });
}

async function describing(place: Folder, answer: string) {
  return await providerOf("verifier", await program(place, code(answer, `, "describes": True`)));
}

const PASSED = `{"id": "signature", "status": "passed", "detail": "holds"}`;
const FAILED =
  `{"id": "signature", "status": "failed", "detail": "no", "issue": {"code": "PLUGIN_DEMO_NO", "message": "no"}}`;

test("a program's findings become a verification, with its name as the method", async () => {
  const verified = await verifyWith(
    `{"type": "verified", "checks": [${PASSED}], "identity": {"name": "me", "issuer": "you", "kind": "key"},
      "timestamps": [{"source": "rfc3161", "time": "2026-01-01T00:00:00Z", "authority": "tsa"}]}`,
  );
  assert.deepEqual(verified, {
    checks: [{ id: "signature", status: "passed", detail: "holds" }],
    identity: { kind: "named", method: "demo", name: "me", issuer: "you" },
    timestamps: [{ source: "rfc3161", time: "2026-01-01T00:00:00Z", authority: "tsa" }],
    encoding: "standard",
  });
  const refused = await verifyWith(`{"type": "verified", "checks": [${FAILED}]}`);
  assert.equal(refused.identity, undefined);
  assert.equal(refused.encoding, undefined);
});

test("a program gets what a bundle claims, and the payload as a file", async () => {
  const logger = keepingLogger();
  await verifyWith(
    `print(json.dumps({**request, "content": list(open(request["payload"]["file"], "rb").read())}),
      file=sys.stderr) or {"type": "verified", "checks": [${FAILED}]}`,
    BUNDLE,
    logger,
  );
  const line = logger.lines.find((line) => line.includes('"verify"'))!;
  const request = JSON.parse(line.slice(line.indexOf("{")));
  assert.deepEqual(request.material, { kind: "certificates", certificates: ["AQ==", "AgM="] });
  assert.deepEqual(request.tlogEntries, [{ logIndex: "1" }]);
  assert.deepEqual(request.timestamps, ["CQ=="]);
  assert.equal(request.signature, "BQ==");
  assert.equal(
    String.fromCharCode(...request.content),
    "DSSEv1 28 application/vnd.in-toto+json 2 \x07\x07",
  );
});

test("findings that contradict the contract are refused", async () => {
  const identity = `"identity": {"name": "me"}`;
  for (
    const answer of [
      `{"type": "verified"}`,
      `{"type": "verified", "checks": []}`,
      `{"type": "verified", "checks": [${PASSED}, ${PASSED}]}`,
      `{"type": "verified", "checks": [${FAILED}], ${identity}}`,
      `{"type": "verified", "checks": [${PASSED}], "identity": {}}`,
      `{"type": "verified", "checks": [${PASSED}], "identity": {"name": "me", "method": "key"}}`,
      `{"type": "verified", "checks": [{"id": "signature", "status": "ok", "detail": "x"}]}`,
      `{"type": "verified", "checks": [${PASSED}], "timestamps": [1]}`,
      `{"type": "signed"}`,
    ]
  ) await assertFails(verifyWith(answer), "PLUGIN_RESULT");
});

test("material that no frame could hold is a finding, and nothing is started", async () => {
  const certificates = [new Uint8Array(60_000)] as const;
  const material = { kind: "certificate-chain", certificates } as const;
  const { checks, identity } = await verifyWith("sys.exit(1)", { ...BUNDLE, material });
  assert.equal(identity, undefined);
  assert.ok(checks.some(({ status }) => status === "failed"));
});

test("a program describes what a bundle claims, or leaves it to others", async () => {
  using pki = new Pki();
  await using place = await folder();
  const { describer } = await describing(
    place,
    `{"type": "described"} if request["material"]["kind"] == "public-key" else
      {"type": "described", "fields": [["kept in", "a safe"]]}`,
  );
  assert.ok(describer);
  const certificates = [derOf(pki.root().certificate), Uint8Array.of(2, 3)] as const;
  const material = { kind: "certificate-chain", certificates } as const;
  const described = await describer.describe({ ...BUNDLE, material }, {});
  assert.equal(described?.method, "demo");
  assert.deepEqual(described.fields, [["kept in", "a safe"]]);
  assert.equal(described.certificates.length, 1);
  const key = { kind: "public-key", hint: "0" } as const;
  assert.equal(await describer.describe({ ...BUNDLE, material: key }, {}), undefined);
  const large = { kind: "certificate", certificate: new Uint8Array(60_000) } as const;
  assert.equal(await describer.describe({ ...BUNDLE, material: large }, {}), undefined);
});

test("a program that describes is aborted, and asks nobody", async () => {
  await using place = await folder();
  const hanging = await describing(place, "time.sleep(60)");
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await assertFails(hanging.describer!.describe(BUNDLE, { signal: abort.signal }), "ABORTED");
  await assertFails(hanging.describer!.describe(BUNDLE, { timeout: 1000 }), "PLUGIN_TIMEOUT");
  const asking = await describing(
    place,
    `send({"type": "prompt", "id": request["id"], "prompt": 1, "kind": "line", "text": "who?"}) or
      {"type": "described", "fields": [["answer", next(frames())["error"]]]}`,
  );
  const anybody = person("me");
  const described = await asking.describer!.describe(BUNDLE, { interaction: anybody });
  assert.deepEqual(described?.fields, [["answer", "INTERACTION_UNAVAILABLE"]]);
  assert.deepEqual(anybody.heard, []);
});

test("a program that does not say that it describes is not asked to", async () => {
  await using place = await folder();
  const provider = await providerOf("verifier", await program(place, code("sys.exit(1)")));
  assert.equal(provider.describer, undefined);
});
