import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { type Collector, type SentSpan, startCollector, traceOf } from "../support/collector.ts";
import { NO_TELEMETRY, otelProgram } from "../support/otel_program.ts";
import { assertStatus } from "../support/outcome.ts";
import { startSigstore } from "../support/sigstore.ts";
import { assertHidden, desk, IDENTITY, signing, verifying } from "../support/sigstore_cli.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

/** `run > sign > hash`, and the services that the last one asked: one line for each span, in order of their begin. */
function tree(spans: readonly SentSpan[]): readonly string[] {
  const path = (span: SentSpan): string => {
    const above = spans.find(({ spanId }) => spanId === span.parentSpanId);
    const { "model_signing.service": service } = span.attributes;
    const name = service === undefined ? span.name : `${span.name}: ${service}`;
    return above ? `${path(above)} > ${name}` : name;
  };
  return spans.toSorted((a, b) => a.start < b.start ? -1 : 1).map(path);
}

/** The one trace that a collector got, and its bytes as text. */
function received({ exports }: Collector) {
  assert.equal(exports.length, 1);
  const [sent] = exports;
  return { ...traceOf(sent!), sent: sent!, text: Buffer.from(sent!.body).toString("latin1") };
}

function spanOf(spans: readonly SentSpan[], name: string): Readonly<Record<string, unknown>> {
  const found = spans.find((span) => span.name === name);
  assert.ok(found, name);
  return found.attributes;
}

test("a signing run is one trace below TRACEPARENT, which says nothing of whose and which", async () => {
  await using collector = await startCollector();
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  const outcome = await at.run([...signing(sigstore), "--identity-token", token], {
    program: otelProgram(),
    env: {
      ...NO_TELEMETRY,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20hunter2",
      OTEL_SERVICE_NAME: "admission",
      TRACEPARENT: `00-${TRACE}-${PARENT}-01`,
    },
  });
  assertStatus(outcome, 0, "sign");
  assert.ok(!outcome.stderr.includes("warning"), outcome.stderr);
  const { spans, resource, sent, text } = received(collector);
  assert.equal(sent.headers["content-type"], "application/x-protobuf");
  assert.equal(sent.headers["authorization"], "Bearer hunter2");
  assert.equal(resource["service.name"], "admission");
  assert.ok(spans.every(({ traceId }) => traceId === TRACE));
  assert.equal(spans.find(({ name }) => name === "run")?.parentSpanId, PARENT);
  const { lines, others } = Object.groupBy(
    tree(spans),
    (line) => line.includes("witness") ? "others" : "lines",
  );
  assert.deepEqual(lines, [
    "run",
    "run > open.model",
    "run > open.signer",
    "run > sign",
    "run > sign > hash",
    "run > sign > hash > enumerate",
    "run > sign > sign.signature",
    "run > sign > sign.signature > http.request: the certificate authority",
    "run > sign > verify.signature",
    "run > sign > verify.statement",
  ]);
  // Asked at the same time.
  assert.deepEqual(others?.toSorted(), [
    "run > sign > sign.witness",
    "run > sign > sign.witness",
    "run > sign > sign.witness > http.request: the timestamp authority",
    "run > sign > sign.witness > http.request: the transparency log",
  ]);
  const {
    "model_signing.command": command,
    "model_signing.method": method,
    "process.exit.code": exit,
  } = spanOf(spans, "run");
  assert.deepEqual([command, method, exit], ["sign", "sigstore", 0]);
  const {
    "model_signing.files": files,
    "model_signing.bytes": bytes,
    "model_signing.hash.algorithm": algorithm,
  } = spanOf(spans, "hash");
  assert.deepEqual([files, bytes, algorithm], [3, 67, "sha256"]);
  const asked = spanOf(spans, "http.request");
  assert.equal(asked["http.request.method"], "POST");
  assert.equal(asked["http.response.status_code"], 200);
  assertHidden(token, { trace: text });
  for (const hidden of ["hunter2", "model.sig", "weights", "127.0.0.1", IDENTITY, at.path]) {
    assert.ok(!text.includes(hidden), hidden);
  }

  await using second = await startCollector();
  await at.write({ "model/new": "" });
  const rejected = await at.run(verifying(sigstore), {
    program: otelProgram(),
    env: {
      ...NO_TELEMETRY,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${second.url}/in`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      MODEL_SIGNING_OTEL_DETAILS: "1",
    },
  });
  assertStatus(rejected, 1, "verify");
  const verified = received(second);
  assert.equal(verified.sent.path, "/in");
  assert.deepEqual(tree(verified.spans), [
    "run",
    "run > open.verifier",
    "run > open.model",
    "run > verify",
    "run > verify > verify.signature",
    "run > verify > verify.statement",
    "run > verify > hash",
    "run > verify > hash > enumerate",
    "run > verify > compare",
  ]);
  const run = spanOf(verified.spans, "run");
  assert.deepEqual(
    [
      "model_signing.verdict",
      "process.exit.code",
      "model_signing.operand",
      "model_signing.signature",
    ]
      .map((name) => run[name]),
    ["rejected", 1, "model", "model.sig"],
  );
  const { "model_signing.identity": identity, "model_signing.issue.codes": codes } = spanOf(
    verified.spans,
    "verify",
  );
  assert.deepEqual([identity, codes], [IDENTITY, "FILE_UNSIGNED"]);
  assert.equal(spanOf(verified.spans, "compare")["model_signing.unsigned"], 1);
  assertHidden(token, { trace: verified.text });
});

test("with details, hosts are told, and no secret", async () => {
  await using collector = await startCollector();
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  const outcome = await at.run([...signing(sigstore, 2), "--identity-token", token], {
    program: otelProgram(),
    env: {
      ...NO_TELEMETRY,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      MODEL_SIGNING_OTEL_DETAILS: "1",
    },
  });
  assertStatus(outcome, 0, "sign");
  const { spans, text } = received(collector);
  assert.equal(spanOf(spans, "http.request")["server.address"], "127.0.0.1");
  assertHidden(token, { trace: text });
});

test("a run that fails says with which code, and a collector that never answers changes nothing", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await using collector = await startCollector(() => {});
  const env = { ...NO_TELEMETRY, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const program = otelProgram();
  const plain = await cli(["digest", "none"], { cwd });
  // The run ends although the collector never lets go: the connection is dropped at this end.
  const dropped = collector.closed();
  const traced = await cli(["digest", "none", "--log-level", "error"], { cwd, env, program });
  await dropped;
  assert.deepEqual(traced, plain);
  const { spans } = received(collector);
  assert.deepEqual(spans.map(({ name, error }) => [name, error]), [[
    "open.model",
    "MODEL_NOT_FOUND",
  ], ["run", "MODEL_NOT_FOUND"]]);
  assert.equal(spanOf(spans, "run")["error.type"], "MODEL_NOT_FOUND");
});

test("unknown values are told once, and console spans go to stderr", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const program = otelProgram();
  const bad = {
    OTEL_TRACES_EXPORTER: "console,zipkin",
    OTEL_TRACES_SAMPLER: "sometimes",
    OTEL_RESOURCE_ATTRIBUTES: "%",
    TRACEPARENT: "malformed",
  };
  const plain = await cli(SIGN, { cwd });
  const traced = await cli(SIGN, { cwd, program, env: { ...NO_TELEMETRY, ...bad } });
  assert.deepEqual([traced.status, traced.stdout], [0, plain.stdout]);
  const lines = traced.stderr.trimEnd().split("\n");
  const warnings = lines.filter((line) => line.startsWith("model-signing: warning: "));
  assert.deepEqual(
    warnings.map((line) => line.split(" ")[2]).toSorted(),
    Object.keys(bad).toSorted(),
  );
  const spans = lines.slice(warnings.length).map((line) => JSON.parse(line));
  const names = ["open.model", "open.signer", "enumerate", "hash", "sign.signature", "sign", "run"];
  assert.deepEqual(spans.map(({ span }) => span), names);

  // Nothing is exported, and nobody is asked, unless a variable says so.
  const quiet = await cli(VERIFY, {
    cwd,
    program,
    env: { ...NO_TELEMETRY, OTEL_SERVICE_NAME: "x", TRACEPARENT: "malformed" },
  });
  assert.deepEqual([quiet.status, quiet.stderr], [0, ""]);
});

const binary = process.env["MODEL_SIGNING_BINARY"];
if (binary !== undefined) {
  test("only the binary that is built with --otel holds OpenTelemetry", () => {
    const holds = (file: string) => /opentelemetry/i.test(readFileSync(file).toString("latin1"));
    assert.deepEqual([holds(binary), holds(otelProgram()[0])], [false, true]);
  });
}
