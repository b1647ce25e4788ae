import assert from "node:assert/strict";
import { test } from "node:test";
import { readEnvironment } from "../../../plugins/otel/environment.ts";

const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

/** What is read, and the names of the variables that are told of. */
function read(environment: Readonly<Record<string, string>>) {
  const told: string[] = [];
  const settings = readEnvironment(environment, (message) => void told.push(message));
  return { settings, told, names: told.map((message) => message.split(" ")[0]) };
}

test("readEnvironment() exports nothing unless it is told where, or that it should", () => {
  for (
    const environment of [
      {},
      { OTEL_SERVICE_NAME: "ci", TRACEPARENT: "x", OTEL_RESOURCE_ATTRIBUTES: "a=b" },
      { [ENDPOINT]: "" },
      { [ENDPOINT]: "http://collector:4318", OTEL_SDK_DISABLED: "TRUE" },
      { [ENDPOINT]: "http://collector:4318", OTEL_TRACES_EXPORTER: "none" },
    ] as Readonly<Record<string, string>>[]
  ) assert.deepEqual(read(environment), { settings: undefined, told: [], names: [] });
});

test("readEnvironment() finds the collector's address as the specification has it", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{ OTEL_TRACES_EXPORTER: "otlp" }, "http://localhost:4318/v1/traces"],
    [{ [ENDPOINT]: "http://c:4318" }, "http://c:4318/v1/traces"],
    [{ [ENDPOINT]: "https://c/otlp/" }, "https://c/otlp/v1/traces"],
    [{ [TRACES_ENDPOINT]: "http://c:4318" }, "http://c:4318/"],
    [{ [TRACES_ENDPOINT]: "http://c/in", [ENDPOINT]: "http://d" }, "http://c/in"],
  ];
  for (const [environment, url] of cases) {
    const { settings, told } = read(environment);
    assert.deepEqual([settings?.collector?.url, told], [url, []]);
  }
});

test("readEnvironment() takes protocol, timeout, names and parent", () => {
  const { settings, told } = read({
    [ENDPOINT]: "http://c:4318",
    OTEL_TRACES_EXPORTER: "otlp, console",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_TIMEOUT: "300",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20x, x-a=b",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=ignored,deployment.environment=a%2Cb",
    OTEL_SERVICE_NAME: "admission",
    OTEL_TRACES_SAMPLER: "always_on",
    MODEL_SIGNING_OTEL_DETAILS: "1",
    TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    TRACESTATE: "vendor=1",
  });
  const { traceState, ...parent } = settings!.parent!;
  assert.deepEqual(told, []);
  assert.equal(traceState?.serialize(), "vendor=1");
  assert.deepEqual({ ...settings, parent }, {
    toConsole: true,
    collector: { url: "http://c:4318/v1/traces", protocol: "http/json", timeout: 300 },
    resource: { "service.name": "admission", "deployment.environment": "a,b" },
    details: true,
    parent: {
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
      isRemote: true,
    },
  });
});

test("readEnvironment() lets no collector delay the end by more than a second", () => {
  for (const timeout of ["10000", "751", "9999999999"]) {
    const environment = { [ENDPOINT]: "http://c", OTEL_EXPORTER_OTLP_TIMEOUT: timeout };
    assert.equal(read(environment).settings?.collector?.timeout, 750);
  }
});

test("readEnvironment() tells once of each value that it does not know, and goes on", () => {
  const bad = {
    OTEL_TRACES_EXPORTER: "otlp,zipkin,jaeger",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_TIMEOUT: "soon",
    OTEL_EXPORTER_OTLP_COMPRESSION: "zstd",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization",
    OTEL_RESOURCE_ATTRIBUTES: "a=%",
    OTEL_TRACES_SAMPLER: "sometimes",
    OTEL_SDK_DISABLED: "yes",
    MODEL_SIGNING_OTEL_DETAILS: "all",
    TRACEPARENT: "00-1-2-3",
  };
  const { settings, names } = read({ ...bad, [ENDPOINT]: "http://c" });
  assert.deepEqual(names.toSorted(), Object.keys(bad).toSorted());
  assert.deepEqual(settings, {
    toConsole: false,
    collector: { url: "http://c/v1/traces", protocol: "http/protobuf", timeout: 750 },
    resource: { "service.name": "model-signing" },
    details: false,
  });
});

test("readEnvironment() shows no address and no header that it refuses, and falls back to no other collector", () => {
  for (
    const address of [
      "user:hunter2@collector",
      "grpc://u:hunter2@c:4317",
      "hunter2",
      "unix:hunter2",
    ]
  ) {
    const { settings, told, names } = read({
      [ENDPOINT]: address,
      OTEL_EXPORTER_OTLP_HEADERS: "hunter2",
    });
    assert.equal(settings, undefined);
    assert.deepEqual(names, [ENDPOINT]);
    assert.ok(!told.join().includes("hunter2"));
  }
  const { told } = read({ [ENDPOINT]: "http://c", OTEL_EXPORTER_OTLP_HEADERS: "a=%hunter2" });
  assert.equal(told.length, 1);
  assert.ok(!told.join().includes("hunter2"));
});

test("readEnvironment() sends nothing when a certificate or key that is named cannot be read", () => {
  for (const name of ["TRACES_CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"]) {
    for (const file of ["/dev/null", "/nonexistent"]) {
      const variable = `OTEL_EXPORTER_OTLP_${name}`;
      const { settings, names } = read({ [ENDPOINT]: "https://c", [variable]: file });
      assert.deepEqual([settings, names], [undefined, [variable]]);
    }
  }
});
