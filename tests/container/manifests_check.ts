/** The manifests of examples/kubernetes against the API's schemas, its admission policy against pods, other YAML. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Loose } from "../support/bundles.ts";
import { ROOT } from "../support/project.ts";
import { pythonTest, type PythonTool } from "../support/python_tool.ts";
import { answer, MANIFEST_FILES, manifestFile, manifestsIn, podOf, yamlIn } from "./manifests.ts";

/** Strictly: a member that the API does not know is an error. */
const VALIDATE = `
import kubernetes_validate, sys, yaml
for name in sys.argv[1:]:
    for manifest in yaml.safe_load_all(open(name)):
        kubernetes_validate.validate(manifest, "1.37", strict=True)
`;

/** Evaluates the policy on each pod, and prints the indices of the validations that refuse it. */
const ADMIT = `
import celpy, json, sys, yaml
params, policy, binding = yaml.safe_load_all(open(sys.argv[1]))
environment = celpy.Environment()
def compiled(expression):
    return environment.program(environment.compile(expression))
spec = policy["spec"]
variables = [(each["name"], compiled(each["expression"])) for each in spec["variables"]]
validations = [compiled(each["expression"]) for each in spec["validations"]]
refused = []
for pod in json.loads(sys.argv[2]):
    known = {"object": celpy.json_to_cel(pod), "params": celpy.json_to_cel(params)}
    values = celpy.celtypes.MapType()
    for name, program in variables:
        values[celpy.celtypes.StringType(name)] = program.evaluate({**known, "variables": values})
    known["variables"] = values
    refused.append([i for i, each in enumerate(validations) if not each.evaluate(known)])
print(json.dumps(refused))
`;

pythonTest("the manifests follow the schemas of the Kubernetes API", (tool) => {
  answer(tool, VALIDATE, MANIFEST_FILES.map(manifestFile));
});

pythonTest(
  "admission.yaml lets the pods of verify-volume.yaml in, and refuses what weakens them",
  (tool) => {
    const mutations: readonly ((spec: Loose, verifier: Loose) => void)[] = [
      (spec) => delete spec.initContainers,
      (_, verifier) => verifier.name = "verify",
      (_, verifier) => verifier.image = "registry.example/tools/model-signing:0.1.0",
      (_, verifier) => verifier.restartPolicy = "Always",
      (_, verifier) => verifier.command = ["/usr/local/bin/model-signing"],
      (_, verifier) => verifier.args.push("--ignore-unsigned-files"),
      (_, verifier) => delete verifier.args,
      (_, verifier) => verifier.env = [{ name: "BUN_OPTIONS", value: "--preload=/model/x.js" }],
      (_, verifier) => verifier.envFrom = [{ configMapRef: { name: "x" } }],
      (_, verifier) => verifier.volumeMounts.push({ name: "x", mountPath: "/model/weights" }),
      (_, verifier) => delete verifier.volumeMounts,
      (spec) => spec.volumes[1] = { name: "policy", configMap: { name: "mine" } },
      (spec) => spec.volumes[1].configMap.items = [{ key: "mine.pub", path: "key.pub" }],
      (spec) => delete spec.containers[0].volumeMounts[0].readOnly,
      (spec) => spec.containers[0].volumeMounts[0].subPath = "other",
      (spec) => spec.containers[0].volumeMounts[0].subPathExpr = "$(NAME)",
    ];
    const pod = deployedPod(tool);
    const pods = mutations.map((mutate) => {
      const mutant = structuredClone(pod);
      mutate(mutant.spec, mutant.spec.initContainers[0]);
      return mutant;
    });
    const others = structuredClone(pod);
    others.spec.containers.push({ name: "metrics", image: "metrics" });
    const refused: readonly (readonly number[])[] = JSON.parse(
      answer(tool, ADMIT, [manifestFile("admission.yaml"), JSON.stringify([pod, others, ...pods])]),
    );
    assert.deepEqual(refused.slice(0, 2), [[], []]);
    refused.slice(2).forEach((validations, index) =>
      assert.notDeepEqual(validations, [], String(mutations[index]))
    );
    const [, policy] = manifestsIn(tool, "admission.yaml");
    const needed = policy.spec.validations.map((_: unknown, index: number) => index);
    assert.deepEqual(
      [...new Set(refused.flat())].sort(),
      needed,
      "a validation that refuses nothing",
    );
  },
);

pythonTest("workflows are YAML, and use inputs and outputs that the action has", (tool) => {
  const [{ inputs, outputs }] = yamlIn(tool, `${ROOT}/action.yml`);
  const files = ["examples/ci", ".github/workflows"].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`).filter((name) => name.endsWith(".yml")).map((name) =>
      `${ROOT}/${folder}/${name}`
    )
  );
  let used = 0;
  for (const file of files) {
    const [{ jobs = {} }] = yamlIn(tool, file);
    for (const { steps = [] } of Object.values(jobs) as Loose[]) {
      const ours = steps.filter(({ uses = "" }: Loose) => uses.startsWith("OWNER/model-signing@"));
      for (const { id, with: given } of ours) {
        used += 1;
        for (const name of Object.keys(given)) assert.ok(name in inputs, `${file}: ${name}`);
        const read = JSON.stringify(steps).matchAll(
          new RegExp(`steps\\.${id}\\.outputs\\.([a-z-]+)`, "g"),
        );
        for (const [, name] of read) assert.ok(name! in outputs, `${file}: ${name}`);
      }
    }
  }
  assert.equal(used, 2);
});

function deployedPod(tool: PythonTool): Loose {
  const [pod] = manifestsIn(tool, "verify-volume.yaml").flatMap((each) => podOf(each) ?? []);
  return pod;
}
