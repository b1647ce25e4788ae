import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeProblem } from "../../cli/package/node_problem.ts";

test("nodeProblem() refuses a Node that is older than the package asks for, and no other runtime", () => {
  const engines = ">=22.3.1";
  for (const node of ["20.20.2", "8.0.0", "22.2.9", "22.3.0", "22.3"]) {
    assert.equal(
      nodeProblem({ node }, engines),
      `this is Node ${node}, and the package needs 22.3.1 or a later one`,
    );
  }
  for (const node of ["22.3.1", "22.3.10", "22.10.0", "26.0.0", "23.0.0-nightly20240101"]) {
    assert.equal(nodeProblem({ node }, engines), undefined, node);
  }
  assert.equal(nodeProblem({ node: "20.0.0", bun: "1.2.0" }, engines), undefined);
  assert.equal(nodeProblem({ node: "20.0.0", deno: "2.0.0" }, engines), undefined);
  assert.equal(nodeProblem({ node: "20.0.0" }, undefined), undefined);
});
