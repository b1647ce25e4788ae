/** The structures of PKCS#11 2.40 that signing takes. */

import { type Abi, type Layout, layout, type Member } from "./layout.ts";

/** `CK_ATTRIBUTE` and `CK_MECHANISM`, which have the same members. */
const TRIPLE = { type: "ulong", value: "pointer", length: "ulong" } as const;

/** `CK_C_INITIALIZE_ARGS` */
const INITIALIZE_ARGS = {
  createMutex: "pointer",
  destroyMutex: "pointer",
  lockMutex: "pointer",
  unlockMutex: "pointer",
  flags: "ulong",
  reserved: "pointer",
} as const;

/** `CK_INFO` */
const INFO = {
  cryptokiVersion: 2,
  manufacturer: 32,
  flags: "ulong",
  libraryDescription: 32,
  libraryVersion: 2,
} as const;

/** `CK_SLOT_INFO` */
const SLOT_INFO = {
  description: 64,
  manufacturer: 32,
  flags: "ulong",
  hardwareVersion: 2,
  firmwareVersion: 2,
} as const;

/** `CK_TOKEN_INFO` */
const TOKEN_INFO = {
  label: 32,
  manufacturer: 32,
  model: 16,
  serial: 16,
  flags: "ulong",
  maxSessions: "ulong",
  sessions: "ulong",
  maxWritableSessions: "ulong",
  writableSessions: "ulong",
  maxPinBytes: "ulong",
  minPinBytes: "ulong",
  totalPublicMemory: "ulong",
  freePublicMemory: "ulong",
  totalPrivateMemory: "ulong",
  freePrivateMemory: "ulong",
  hardwareVersion: 2,
  firmwareVersion: 2,
  utcTime: 16,
} as const;

/** The function list begins with a version; the pointers follow, in the order of the specification. */
const FUNCTION_LIST = { version: 2, functions: "pointer" } as const;

/** Every layout, for one platform. */
export type Structures = {
  /** Of a mechanism, too. */
  readonly attribute: Layout<keyof typeof TRIPLE>;
  readonly initializeArgs: Layout<keyof typeof INITIALIZE_ARGS>;
  readonly info: Layout<keyof typeof INFO>;
  readonly slotInfo: Layout<keyof typeof SLOT_INFO>;
  readonly tokenInfo: Layout<keyof typeof TOKEN_INFO>;
  readonly functionList: Layout<keyof typeof FUNCTION_LIST>;
};

/** The layouts on a platform. */
export function structures(abi: Abi): Structures {
  const of = <Name extends string>(members: Readonly<Record<Name, Member>>) => layout(members, abi);
  return {
    attribute: of(TRIPLE),
    initializeArgs: of(INITIALIZE_ARGS),
    info: of(INFO),
    slotInfo: of(SLOT_INFO),
    tokenInfo: of(TOKEN_INFO),
    functionList: of(FUNCTION_LIST),
  };
}
