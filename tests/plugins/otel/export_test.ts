import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { type Logger, textLogger } from "../../../core/logger.ts";
import { traced } from "../../../core/observer.ts";
import { openTelemetry } from "../../../plugins/otel/mod.ts";
import { startCollector, traceOf } from "../../support/collector.ts";

/** Exports the trace of one step to a collector, and gives what is logged. */
async function exported(environment: Readonly<Record<string, string>>): Promise<string> {
  let log = "";
  const logger: Logger = textLogger({ level: "debug", write: (line) => void (log += line) });
  const telemetry = await openTelemetry(environment, logger);
  await traced(
    { observer: telemetry!.observer },
    "run",
    (options) =>
      traced(options, "hash", () => Promise.resolve(), {
        attributes: { files: 3, ratio: 0.5, "hash.algorithm": "sha256", stated: false },
        details: { model: "hidden" },
      }),
  );
  await telemetry!.flush();
  return log;
}

for (const protocol of ["http/protobuf", "http/json"]) {
  test(`openTelemetry() sends one export by ${protocol} with names, parents, times and attributes`, async () => {
    await using collector = await startCollector();
    const before = BigInt(Date.now()) * 1_000_000n;
    const log = await exported({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
    });
    assert.match(log, /debug: sent the trace spans=2/);
    assert.equal(collector.exports.length, 1);
    const [sent] = collector.exports;
    assert.equal(sent?.path, "/v1/traces");
    const { resource, spans: [hash, run] } = traceOf(sent!);
    assert.equal(resource["service.name"], "model-signing");
    assert.equal(resource["deployment.environment"], "test");
    assert.deepEqual([hash?.name, run?.name], ["hash", "run"]);
    assert.equal(hash?.parentSpanId, run?.spanId);
    assert.equal(run?.parentSpanId, "");
    assert.equal(hash?.traceId, run?.traceId);
    assert.deepEqual(hash?.attributes, {
      "model_signing.files": 3,
      "model_signing.ratio": 0.5,
      "model_signing.hash.algorithm": "sha256",
      "model_signing.stated": false,
    });
    // The clock of spans and that of the system may have come apart a little since the process began.
    assert.ok(run!.start > before - 60_000_000_000n && run!.end < before + 60_000_000_000n);
    assert.ok(run!.start <= hash!.start && hash!.start <= hash!.end && hash!.end <= run!.end);
  });
}

const UNUSABLE: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "refuses": (response) => void response.writeHead(403).end("hunter2"),
  "is overloaded": (response) => void response.writeHead(503, { "retry-after": "600" }).end(),
  "breaks off": (response) => void response.destroy(),
  "never answers": () => {},
  "answers a byte at a time": (response) => {
    const timer = setInterval(() => response.write("x"), 50);
    response.on("close", () => clearInterval(timer));
  },
};

for (const [what, answer] of Object.entries(UNUSABLE)) {
  test(`a collector that ${what} is a warning`, async () => {
    await using collector = await startCollector(answer);
    const log = await exported({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_TIMEOUT: "200",
    });
    assert.match(log, /^model-signing: warning: the trace was not sent /);
    assert.ok(!log.includes("hunter2"));
    assert.equal(collector.exports.length, 1);
  });
}

test("a collector that answers garbage with success has the trace", async () => {
  await using collector = await startCollector((response) => response.end("\xff{garbage"));
  const log = await exported({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  assert.match(log, /debug: sent the trace/);
});

test("a collector that is not there is a warning", async () => {
  const { url } = await (async () => {
    await using collector = await startCollector();
    return collector;
  })();
  const log = await exported({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
  assert.match(log, /^model-signing: warning: the trace was not sent reason=\S*ECONNREFUSED/);
});
