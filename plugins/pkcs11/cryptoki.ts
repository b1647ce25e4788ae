/** The functions of a PKCS#11 module ("Cryptoki") that signing takes, with JavaScript's types. */

import { Buffer } from "node:buffer";
import { OS_LOCKING_OK, SERIAL_SESSION } from "./constants.ts";
import type { NativeFunction, NativeParameter, NativeRuntime, NativeValue } from "./ffi.ts";
import { type Abi, allocate, readInteger, Structure, writeInteger } from "./layout.ts";
import { CryptokiError, RETURNED } from "./return_value.ts";
import { type Structures, structures } from "./structures.ts";

/** Position in the function list (PKCS#11 2.40 3.6), and parameters: b(ool), u(long), p(ointer). */
const FUNCTIONS = {
  C_Initialize: [0, "p"],
  C_Finalize: [1, "p"],
  C_GetInfo: [2, "p"],
  C_GetSlotList: [4, "bpp"],
  C_GetSlotInfo: [5, "up"],
  C_GetTokenInfo: [6, "up"],
  C_GetMechanismList: [7, "upp"],
  C_OpenSession: [12, "uuppp"],
  C_CloseSession: [13, "u"],
  C_Login: [18, "uupu"],
  C_GetAttributeValue: [24, "uupu"],
  C_FindObjectsInit: [26, "upu"],
  C_FindObjects: [27, "upup"],
  C_FindObjectsFinal: [28, "u"],
  C_SignInit: [42, "upu"],
  C_Sign: [43, "upupp"],
} as const;

type FunctionName = keyof typeof FUNCTIONS;

/** Slots, mechanisms or objects that are taken from a module. An HSM with more keys finds them by label or id. */
const MAX_LISTED = 4096;

/** An attribute's value: a certificate is the largest that is read. */
const MAX_ATTRIBUTE_BYTES = 1024 * 1024;

/** A signature: RSA 16384 has 2048 bytes. */
const MAX_SIGNED_BYTES = 4096;

/** What objects are looked for by: attributes and their values. */
export type Template = readonly (readonly [type: bigint, value: Uint8Array | bigint])[];

/** A loaded module. Its functions block, and throw {@link CryptokiError}. */
export class Cryptoki {
  readonly #runtime: NativeRuntime;
  readonly #abi: Abi;
  readonly #structures: Structures;
  readonly #functions = new Map<FunctionName, NativeFunction>();
  /** Keeps what a structure points to alive during the call that reads it. */
  #pinned: readonly unknown[] = [];

  /** Loads the module. Throws what the runtime throws when the file is no library, and Error for one without functions. */
  constructor(runtime: NativeRuntime, abi: Abi, path: string) {
    this.#runtime = runtime;
    this.#abi = abi;
    this.#structures = structures(abi);
    const result = ulongType(abi);
    const getList = runtime.load(path, "C_GetFunctionList", { parameters: ["buffer"], result });
    const pointer = allocate(8);
    check("C_GetFunctionList", getList(pointer));
    const { offset, size } = this.#structures.functionList.places.functions;
    const list = readInteger(pointer);
    if (list === 0n) throw new Error("C_GetFunctionList gave no list");
    for (const name of Object.keys(FUNCTIONS) as FunctionName[]) {
      const [index, kinds] = FUNCTIONS[name];
      const address = runtime.pointerAt(list + BigInt(offset + index * size));
      if (address === 0n) throw new Error(`it has no ${name}`);
      const parameters = [...kinds].map((kind) => parameterOf(kind, abi));
      this.#functions.set(name, runtime.functionAt(address, { parameters, result }));
    }
  }

  /** Whether it was this call that initialised the module; false when it was initialised before. */
  initialize(): boolean {
    const args = new Structure(this.#structures.initializeArgs);
    args.setInteger("flags", OS_LOCKING_OK);
    const answer = this.#ask("C_Initialize", args.memory);
    if (answer === RETURNED.cryptokiAlreadyInitialized) return false;
    check("C_Initialize", answer);
    return true;
  }

  finalize(): void {
    this.#call("C_Finalize", null);
  }

  /** What the library says of itself. */
  info(): Structure<"manufacturer" | "libraryDescription" | "libraryVersion"> {
    const info = new Structure(this.#structures.info);
    this.#call("C_GetInfo", info.memory);
    return info;
  }

  /** Slots that have a token in them. */
  slots(): readonly bigint[] {
    return this.#list((list, count) => this.#call("C_GetSlotList", 1n, list, count));
  }

  slotInfo(slot: bigint): Structure<"description" | "manufacturer"> {
    const info = new Structure(this.#structures.slotInfo);
    this.#call("C_GetSlotInfo", slot, info.memory);
    return info;
  }

  tokenInfo(slot: bigint): Structure<keyof Structures["tokenInfo"]["places"]> {
    const info = new Structure(this.#structures.tokenInfo);
    this.#call("C_GetTokenInfo", slot, info.memory);
    return info;
  }

  /** Mechanisms that the token knows. */
  mechanisms(slot: bigint): readonly bigint[] {
    return this.#list((list, count) => this.#call("C_GetMechanismList", slot, list, count));
  }

  /** Opens a session that can only read and sign. */
  openSession(slot: bigint): bigint {
    const session = this.#ulong();
    this.#call("C_OpenSession", slot, SERIAL_SESSION, null, null, session);
    return readInteger(session);
  }

  closeSession(session: bigint): void {
    this.#call("C_CloseSession", session);
  }

  /** Logs in. Without a PIN the token asks for it by its own means. */
  login(session: bigint, user: bigint, pin: Uint8Array | undefined): void {
    this.#call("C_Login", session, user, pin ?? null, BigInt(pin?.length ?? 0));
  }

  /** Handles of the objects that have all these attributes. */
  find(session: bigint, template: Template): readonly bigint[] {
    const attributes = this.#triples(template.map(([type, value]) => [
      type,
      typeof value === "bigint" ? this.#ulong(value) : copied(value),
    ]));
    this.#call("C_FindObjectsInit", session, attributes, BigInt(template.length));
    const found: bigint[] = [];
    try {
      const { ulongBytes } = this.#abi;
      const batch = allocate(64 * ulongBytes);
      const count = this.#ulong();
      for (;;) {
        this.#call("C_FindObjects", session, batch, 64n, count);
        const handles = this.#integers(batch, Math.min(Number(readInteger(count)), 64));
        found.push(...handles);
        if (handles.length === 0 || found.length >= MAX_LISTED) break;
      }
    } finally {
      // Whatever it answers changes nothing in what was found, and must not hide why a search failed.
      this.#ask("C_FindObjectsFinal", session);
    }
    return found;
  }

  /** An attribute's value, or undefined when the object has none or does not tell. */
  attribute(session: bigint, object: bigint, type: bigint): Uint8Array | undefined {
    const { attribute } = this.#structures;
    const asked = this.#triples([[type, null]]);
    if (!this.#readAttribute(session, object, asked)) return undefined;
    const length = new Structure(attribute, asked).integer("length");
    // CK_UNAVAILABLE_INFORMATION is the largest integer.
    if (length > MAX_ATTRIBUTE_BYTES) return undefined;
    const value = allocate(Number(length));
    if (length === 0n) return value;
    const filled = this.#triples([[type, value]]);
    if (!this.#readAttribute(session, object, filled)) return undefined;
    const filledLength = new Structure(attribute, filled).integer("length");
    return filledLength > length ? undefined : value.subarray(0, Number(filledLength));
  }

  signInit(session: bigint, mechanism: bigint, key: bigint): void {
    this.#call("C_SignInit", session, this.#triples([[mechanism, null]]), key);
  }

  /** The signature. One call: asking for its length first would ask some tokens' holders twice. */
  sign(session: bigint, data: Uint8Array): Uint8Array {
    const signature = allocate(MAX_SIGNED_BYTES);
    const length = this.#ulong(BigInt(signature.length));
    this.#call("C_Sign", session, copied(data), BigInt(data.length), signature, length);
    return signature.slice(0, Number(readInteger(length)));
  }

  #readAttribute(session: bigint, object: bigint, attributes: Uint8Array): boolean {
    const answer = this.#ask("C_GetAttributeValue", session, object, attributes, 1n);
    if (answer === RETURNED.attributeSensitive || answer === RETURNED.attributeTypeInvalid) {
      return false;
    }
    check("C_GetAttributeValue", answer);
    return true;
  }

  /** Asks for the length of a list, then for the list. */
  #list(ask: (list: Uint8Array | null, count: Uint8Array) => void): readonly bigint[] {
    const count = this.#ulong();
    ask(null, count);
    const length = Math.min(Number(readInteger(count)), MAX_LISTED);
    if (length === 0) return [];
    const list = allocate(length * this.#abi.ulongBytes);
    writeInteger(count, BigInt(length));
    ask(list, count);
    // A token may have gone in between.
    return this.#integers(list, Math.min(Number(readInteger(count)), length));
  }

  #integers(bytes: Uint8Array, count: number): readonly bigint[] {
    const { ulongBytes } = this.#abi;
    return Array.from(
      { length: count },
      (_, index) => readInteger(bytes.subarray(index * ulongBytes, (index + 1) * ulongBytes)),
    );
  }

  #ulong(value = 0n): Uint8Array {
    const bytes = allocate(this.#abi.ulongBytes);
    writeInteger(bytes, value);
    return bytes;
  }

  /** An array of types with the addresses and lengths of their values, which stay pinned for the next call. */
  #triples(entries: readonly (readonly [type: bigint, value: Uint8Array | null])[]): Uint8Array {
    const { attribute } = this.#structures;
    const memory = allocate(entries.length * attribute.size);
    for (const [index, [type, value]] of entries.entries()) {
      const triple = new Structure(attribute, memory, index);
      triple.setInteger("type", type);
      // The address of no bytes is none.
      if (value === null || value.length === 0) continue;
      triple.setInteger("value", this.#runtime.addressOf(value));
      triple.setInteger("length", BigInt(value.length));
    }
    this.#pinned = entries.map(([, value]) => value);
    return memory;
  }

  #call(name: FunctionName, ...values: readonly NativeValue[]): void {
    check(name, this.#ask(name, ...values));
  }

  #ask(name: FunctionName, ...values: readonly NativeValue[]): bigint {
    try {
      return this.#functions.get(name)!(...values);
    } finally {
      this.#pinned = [];
    }
  }
}

function check(name: string, answer: bigint): void {
  if (answer !== RETURNED.ok) throw new CryptokiError(name, answer);
}

function ulongType({ ulongBytes }: Abi): "u32" | "u64" {
  return ulongBytes === 4 ? "u32" : "u64";
}

function parameterOf(kind: string, abi: Abi): NativeParameter {
  return kind === "p" ? "buffer" : kind === "b" ? "u8" : ulongType(abi);
}

/** The same bytes where nothing moves them. */
function copied(bytes: Uint8Array): Uint8Array {
  const copy = allocate(bytes.length);
  copy.set(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  return copy;
}
