import assert from "node:assert/strict";
import { test } from "node:test";
import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { BasicTracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { ModelSigningError } from "../../../core/errors.ts";
import { beginSpan, type Observer, traced } from "../../../core/observer.ts";
import { spanObserver, type SpanOptions } from "../../../plugins/otel/span_observer.ts";

/** The spans that `use` makes. */
async function spansOf(
  use: (observer: Observer) => Promise<void> | void,
  options: SpanOptions = {},
): Promise<ReadableSpan[]> {
  const spans: ReadableSpan[] = [];
  const provider = new BasicTracerProvider({
    spanProcessors: [{
      onStart: () => {},
      onEnd: (span) => void spans.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }],
  });
  await use(spanObserver(provider.getTracer("test"), options));
  return spans;
}

test("spanObserver() keeps names, parents, times and codes", async () => {
  const events: { readonly time: number }[] = [];
  const [inner, outer] = await spansOf(async (observer) => {
    const both: Observer = {
      emit(event) {
        if (event.kind !== "progress") events.push(event);
        observer.emit(event);
      },
    };
    await assert.rejects(traced({ observer: both }, "sign", async (options) => {
      options.span.set({ resources: 2 });
      await traced(options, "http.request", () => {
        throw new ModelSigningError("NETWORK_TIMEOUT", "https://secret.example.com did not answer");
      });
    }, { attributes: { late: false } }));
  });
  assert.ok(inner && outer);
  assert.deepEqual([inner.name, outer.name], ["http.request", "sign"]);
  assert.deepEqual([inner.kind, outer.kind], [SpanKind.CLIENT, SpanKind.INTERNAL]);
  assert.equal(inner.parentSpanContext?.spanId, outer.spanContext().spanId);
  assert.equal(inner.spanContext().traceId, outer.spanContext().traceId);
  const status = { code: SpanStatusCode.ERROR, message: "NETWORK_TIMEOUT" };
  assert.deepEqual([inner.status, outer.status], [status, status]);
  assert.deepEqual(inner.attributes, { "error.type": "NETWORK_TIMEOUT" });
  assert.deepEqual(outer.attributes, {
    "model_signing.late": false,
    "model_signing.resources": 2,
    "error.type": "NETWORK_TIMEOUT",
  });
  const ms = ([seconds, nanoseconds]: readonly [number, number]) =>
    seconds * 1000 + nanoseconds / 1e6;
  const times = [outer.startTime, inner.startTime, inner.endTime, outer.endTime].map(ms);
  times.forEach((time, index) => assert.ok(Math.abs(time - events[index]!.time) < 0.001));
});

test("spanObserver() leaves details out, unless it is told otherwise", async () => {
  const use = (observer: Observer) => {
    const facts = { attributes: { files: 1 }, details: { path: "a/b" } };
    const { span, end } = beginSpan({ observer }, "hash", facts);
    span.set({ bytes: 2 }, { identity: "dev@example.com" });
    end();
  };
  const [without] = await spansOf(use);
  assert.deepEqual(without?.attributes, { "model_signing.files": 1, "model_signing.bytes": 2 });
  const [full] = await spansOf(use, { details: true });
  assert.deepEqual(full?.attributes, {
    ...without.attributes,
    "model_signing.path": "a/b",
    "model_signing.identity": "dev@example.com",
  });
});

test("spanObserver() makes no more than 256 spans below another, and counts the others", async () => {
  const spans = await spansOf(async (observer) => {
    await traced({ observer }, "hash", async (options) => {
      for (let index = 0; index < 10_000; index++) {
        await traced(
          options,
          "http.request",
          (inner) => traced(inner, "plugin.step", () => Promise.resolve()),
        );
      }
    });
    await traced({ observer }, "compare", () => Promise.resolve());
  });
  const count = (name: string) => spans.filter((span) => span.name === name).length;
  assert.deepEqual([count("http.request"), count("plugin.step")], [256, 256]);
  assert.equal(count("compare"), 1);
  const hash = spans.find(({ name }) => name === "hash");
  assert.equal(hash?.attributes["model_signing.spans.dropped"], 10_000 - 256);
});

test("spanObserver() cuts long values, and sends no text that cannot be encoded", async () => {
  const [span] = await spansOf((observer) => {
    const details = { path: "\ud800".padEnd(5000, "x") };
    beginSpan({ observer }, "hash", { details }).end();
  }, { details: true });
  const path = span?.attributes["model_signing.path"];
  assert.ok(typeof path === "string" && path.length === 1024 && path.isWellFormed());
});

test("spanObserver() puts what is at the top below the parent that it is given", async () => {
  const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
  const use = (observer: Observer) => beginSpan({ observer }, "run").end();
  const [span] = await spansOf(use, { parent: { ...parent, traceFlags: 1, isRemote: true } });
  assert.equal(span?.spanContext().traceId, parent.traceId);
  assert.equal(span?.parentSpanContext?.spanId, parent.spanId);
  // Not sampled there, so not here.
  assert.deepEqual(await spansOf(use, { parent: { ...parent, traceFlags: 0 } }), []);
});
