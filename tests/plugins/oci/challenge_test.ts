import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "../../../plugins/oci/challenge.ts";

function parsed(header: string): unknown {
  return parseChallenges(header).map(({ scheme, parameters }) => [
    scheme,
    Object.fromEntries(parameters),
  ]);
}

test("parseChallenges() reads what registries send", () => {
  assert.deepEqual(
    parsed(
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
    ),
    [["bearer", {
      realm: "https://auth.example/token",
      service: "registry.example",
      scope: "repository:a/b:pull,push",
    }]],
  );
  assert.deepEqual(parsed('Basic realm="Registry, \\"test\\" \\\\"'), [
    ["basic", { realm: 'Registry, "test" \\' }],
  ]);
});

test("parseChallenges() reads several challenges, in any spacing and case (RFC 9110 11.6.1)", () => {
  assert.deepEqual(
    parsed('Newauth realm="apps", type=1 , title="Login", , BASIC Realm = simple,Negotiate'),
    [
      ["newauth", { realm: "apps", type: "1", title: "Login" }],
      ["basic", { realm: "simple" }],
      ["negotiate", {}],
    ],
  );
  assert.deepEqual(parsed('Negotiate YWJj==, Basic realm="x"'), [
    ["negotiate", {}],
    ["basic", { realm: "x" }],
  ]);
});

test("parseChallenges() finds nothing in a header that is malformed", () => {
  for (
    const header of [
      ...["", ",", 'realm="x"', 'Basic realm="x', 'Basic realm="x" @', 'Basic realm="a",realm="b"'],
      ...["Basic realm=\u00e9", `Basic realm="${"x".repeat(9000)}"`],
    ]
  ) assert.deepEqual(parsed(header), [], header);
});
