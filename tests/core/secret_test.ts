import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { format, inspect } from "node:util";
import { Secret } from "../../core/secret.ts";
import { evaluation, moduleUrl } from "../support/evaluate.ts";
import { ROOT } from "../support/project.ts";

const VALUE = "hunter2";

test("Secret gives its value only to reveal()", () => {
  assert.equal(new Secret(VALUE).reveal(), VALUE);
  assert.equal(new Secret("").reveal(), "");
});

test("Secret is not shown by conversions, serialisation and inspection", () => {
  const secret = new Secret(VALUE);
  const shown = [
    String(secret),
    `${secret}`,
    "" + secret,
    secret.toString(),
    Object.prototype.toString.call(secret),
    JSON.stringify(secret),
    JSON.stringify({ a: [secret] }),
    inspect(secret),
    inspect({ a: [secret] }, { depth: 9, showHidden: true }),
    inspect(new Map([["a", secret]])),
    format("%s %o %O %j", secret, secret, secret, secret),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(Reflect.ownKeys(secret).map(String)),
    String(new Error(`cannot use ${secret}`)),
    inspect(new Error("x", { cause: secret })),
    JSON.stringify(structuredClone({ ...secret })),
  ];
  for (const text of shown) assert.ok(!text.includes(VALUE), text);
  assert.equal(`${secret}`, "[redacted]");
});

test("Secret is not shown by the runtime's console", () => {
  const module = moduleUrl("core/secret.ts");
  const script = `
    const { Secret } = await import(${JSON.stringify(module)});
    const secret = new Secret(${JSON.stringify(VALUE)}.split("").join(""));
    console.log(secret, { secret }, [secret], new Map([[secret, secret]]), new Set([secret]));
    console.log("%s %o %O %j %d", secret, secret, secret, secret, secret);
    console.error(new Error("x", { cause: secret }));
    console.table([{ secret }]);
    console.dir({ secret }, { depth: 9, showHidden: true });
    console.log(Object.assign(new Error("y"), { secret }));
    console.log("end");
  `;
  const [runtime, ...args] = evaluation(script);
  const { stdout, stderr, status } = spawnSync(runtime, args, { encoding: "utf8", cwd: ROOT });
  assert.equal(status, 0, stderr);
  assert.ok(stdout.includes("end") && stdout.includes("[redacted]"));
  // Bun repeats the source around an error, so the value is looked for without it.
  assert.ok(!`${stdout}${stderr.replace(/^.*new Secret\(.*$/gm, "")}`.includes(VALUE));
});
