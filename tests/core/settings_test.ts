import assert from "node:assert/strict";
import { test } from "node:test";
import {
  choiceSetting,
  flagSetting,
  kindOf,
  listSetting,
  ModelSigningError,
  numberSetting,
  requiredTextSetting,
  Secret,
  secretSetting,
  type Settings,
  textSetting,
} from "../../core/mod.ts";

const READERS = {
  text: textSetting,
  required: requiredTextSetting,
  choice: (settings: Settings, name: string) => choiceSetting(settings, name, ["text", "json"]),
  flag: flagSetting,
  number: numberSetting,
  list: listSetting,
  secret: secretSetting,
};

const FITTING: Readonly<Record<keyof typeof READERS, Settings[string]>> = {
  text: "",
  required: "k.pem",
  choice: "json",
  flag: false,
  number: 0,
  list: ["a,b", ""],
  secret: new Secret("hunter2"),
};

function fault(use: () => unknown): ModelSigningError {
  try {
    use();
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "accepted" });
}

test("readers of settings give the value of their type as it is", () => {
  for (const [kind, read] of Object.entries(READERS)) {
    const value = FITTING[kind as keyof typeof READERS];
    assert.deepEqual(read({ x: value }, "x"), value, kind);
  }
});

test("readers of settings tell what was left out from what is false, empty or 0", () => {
  for (const [kind, read] of Object.entries(READERS)) {
    if (kind === "required") assert.equal(fault(() => read({}, "x")).code, "USAGE");
    else assert.deepEqual(read({}, "x"), kind === "list" ? [] : undefined, kind);
  }
});

test("readers of settings refuse every other type, name the option and do not repeat the value", () => {
  const values = Object.values({
    ...FITTING,
    text: "hunter2",
    required: "hunter2",
    choice: "hunter2",
  });
  for (const [kind, read] of Object.entries(READERS)) {
    const own = kindOf(FITTING[kind as keyof typeof READERS]);
    const others: readonly unknown[] = values.filter((value) => kindOf(value) !== own);
    for (const value of [...others, null, {}, ["hunter2", 1]]) {
      const { code, message } = fault(() => read({ x: value } as Settings, "x"));
      assert.equal(code, "USAGE", kind);
      assert.ok(message.includes("--x") && !message.includes("hunter2"), `${kind}: ${message}`);
    }
  }
});

test("choiceSetting() refuses a text that is none of the choices", () => {
  assert.equal(fault(() => choiceSetting({ x: "JSON" }, "x", ["text", "json"])).code, "USAGE");
});
