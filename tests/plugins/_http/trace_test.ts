import assert from "node:assert/strict";
import { test } from "node:test";
import { type ObserverEvent, traced } from "../../../core/observer.ts";
import { request } from "../../../plugins/_http/mod.ts";
import { answerOf, listen } from "./_server.ts";

test("a request is one span in that of its caller, with its outcome, and where it went only as a detail", async () => {
  await using server = await listen((_asked, socket, count) => {
    socket.end(count === 0 ? answerOf(503) : answerOf(200, "hello"));
  });
  const events: ObserverEvent[] = [];
  const options = { observer: { emit: (event: ObserverEvent) => void events.push(event) } };
  const asked = {
    service: "the service",
    url: new URL("/secret?token=hunter2", server.url),
    headers: { authorization: "hunter2" },
    body: "12345",
    method: "POST",
    maxBytes: 10,
  } as const;
  await traced(options, "run", (inner) => request(asked, inner));
  const [run, start, end] = events;
  assert.ok(run?.kind === "span-start" && start?.kind === "span-start" && end?.kind === "span-end");
  assert.deepEqual([start.name, start.parent], ["http.request", run.span]);
  assert.deepEqual({ ...start.attributes, ...end.attributes }, {
    service: "the service",
    "http.request.method": "POST",
    "http.request.body.size": 5,
    "http.request.resend_count": 1,
    "http.response.status_code": 200,
    "http.response.body.size": 5,
  });
  const where = { "server.address": "127.0.0.1", "server.port": Number(server.url.port) };
  assert.deepEqual([start.details, end.details], [where, where]);
  assert.ok(!JSON.stringify(events).includes("hunter2"));
});

test("a request that is refused has the status and the code in its span", async () => {
  await using server = await listen((_asked, socket) => void socket.end(answerOf(403)));
  const events: ObserverEvent[] = [];
  const options = { observer: { emit: (event: ObserverEvent) => void events.push(event) } };
  const asked = { service: "the service", url: server.url, maxBytes: 10 };
  await assert.rejects(request(asked, options));
  const end = events.at(-1);
  assert.ok(end?.kind === "span-end");
  assert.equal(end.error, "NETWORK_STATUS");
  assert.equal(end.attributes["http.response.status_code"], 403);
});
