/** What PKCS#11 functions answer, `CKR_…`. */

/** The answers that mean something to this program. */
export const RETURNED = {
  ok: 0x0n,
  attributeSensitive: 0x11n,
  attributeTypeInvalid: 0x12n,
  dataLenRange: 0x21n,
  deviceRemoved: 0x32n,
  keyHandleInvalid: 0x60n,
  keyFunctionNotPermitted: 0x68n,
  objectHandleInvalid: 0x82n,
  pinIncorrect: 0xa0n,
  pinInvalid: 0xa1n,
  pinLenRange: 0xa2n,
  pinExpired: 0xa3n,
  pinLocked: 0xa4n,
  sessionClosed: 0xb0n,
  sessionCount: 0xb1n,
  sessionHandleInvalid: 0xb3n,
  tokenNotPresent: 0xe0n,
  tokenNotRecognized: 0xe1n,
  userAlreadyLoggedIn: 0x100n,
  userNotLoggedIn: 0x101n,
  userPinNotInitialized: 0x102n,
  cryptokiAlreadyInitialized: 0x191n,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  0x00: "OK",
  0x01: "CANCEL",
  0x02: "HOST_MEMORY",
  0x03: "SLOT_ID_INVALID",
  0x05: "GENERAL_ERROR",
  0x06: "FUNCTION_FAILED",
  0x07: "ARGUMENTS_BAD",
  0x08: "NO_EVENT",
  0x09: "NEED_TO_CREATE_THREADS",
  0x0a: "CANT_LOCK",
  0x10: "ATTRIBUTE_READ_ONLY",
  0x11: "ATTRIBUTE_SENSITIVE",
  0x12: "ATTRIBUTE_TYPE_INVALID",
  0x13: "ATTRIBUTE_VALUE_INVALID",
  0x1b: "ACTION_PROHIBITED",
  0x20: "DATA_INVALID",
  0x21: "DATA_LEN_RANGE",
  0x30: "DEVICE_ERROR",
  0x31: "DEVICE_MEMORY",
  0x32: "DEVICE_REMOVED",
  0x40: "ENCRYPTED_DATA_INVALID",
  0x41: "ENCRYPTED_DATA_LEN_RANGE",
  0x50: "FUNCTION_CANCELED",
  0x51: "FUNCTION_NOT_PARALLEL",
  0x54: "FUNCTION_NOT_SUPPORTED",
  0x60: "KEY_HANDLE_INVALID",
  0x62: "KEY_SIZE_RANGE",
  0x63: "KEY_TYPE_INCONSISTENT",
  0x64: "KEY_NOT_NEEDED",
  0x65: "KEY_CHANGED",
  0x66: "KEY_NEEDED",
  0x67: "KEY_INDIGESTIBLE",
  0x68: "KEY_FUNCTION_NOT_PERMITTED",
  0x69: "KEY_NOT_WRAPPABLE",
  0x6a: "KEY_UNEXTRACTABLE",
  0x70: "MECHANISM_INVALID",
  0x71: "MECHANISM_PARAM_INVALID",
  0x82: "OBJECT_HANDLE_INVALID",
  0x90: "OPERATION_ACTIVE",
  0x91: "OPERATION_NOT_INITIALIZED",
  0xa0: "PIN_INCORRECT",
  0xa1: "PIN_INVALID",
  0xa2: "PIN_LEN_RANGE",
  0xa3: "PIN_EXPIRED",
  0xa4: "PIN_LOCKED",
  0xb0: "SESSION_CLOSED",
  0xb1: "SESSION_COUNT",
  0xb3: "SESSION_HANDLE_INVALID",
  0xb4: "SESSION_PARALLEL_NOT_SUPPORTED",
  0xb5: "SESSION_READ_ONLY",
  0xb6: "SESSION_EXISTS",
  0xb7: "SESSION_READ_ONLY_EXISTS",
  0xb8: "SESSION_READ_WRITE_SO_EXISTS",
  0xc0: "SIGNATURE_INVALID",
  0xc1: "SIGNATURE_LEN_RANGE",
  0xd0: "TEMPLATE_INCOMPLETE",
  0xd1: "TEMPLATE_INCONSISTENT",
  0xe0: "TOKEN_NOT_PRESENT",
  0xe1: "TOKEN_NOT_RECOGNIZED",
  0xe2: "TOKEN_WRITE_PROTECTED",
  0x100: "USER_ALREADY_LOGGED_IN",
  0x101: "USER_NOT_LOGGED_IN",
  0x102: "USER_PIN_NOT_INITIALIZED",
  0x103: "USER_TYPE_INVALID",
  0x104: "USER_ANOTHER_ALREADY_LOGGED_IN",
  0x105: "USER_TOO_MANY_TYPES",
  0x120: "RANDOM_SEED_NOT_SUPPORTED",
  0x121: "RANDOM_NO_RNG",
  0x130: "DOMAIN_PARAMS_INVALID",
  0x140: "CURVE_NOT_SUPPORTED",
  0x150: "BUFFER_TOO_SMALL",
  0x160: "SAVED_STATE_INVALID",
  0x170: "INFORMATION_SENSITIVE",
  0x180: "STATE_UNSAVEABLE",
  0x190: "CRYPTOKI_NOT_INITIALIZED",
  0x191: "CRYPTOKI_ALREADY_INITIALIZED",
  0x1a0: "MUTEX_BAD",
  0x1a1: "MUTEX_NOT_LOCKED",
  0x1b0: "NEW_PIN_MODE",
  0x1b1: "NEXT_OTP",
  0x1b5: "EXCEEDED_MAX_ITERATIONS",
  0x1b6: "FIPS_SELF_TEST_FAILED",
  0x1b7: "LIBRARY_LOAD_FAILED",
  0x1b8: "PIN_TOO_WEAK",
  0x1b9: "PUBLIC_KEY_INVALID",
  0x200: "FUNCTION_REJECTED",
  0x201: "TOKEN_RESOURCE_EXCEEDED",
  0x202: "OPERATION_CANCEL_FAILED",
};

/** `CKR_VENDOR_DEFINED` */
const VENDOR_DEFINED = 0x80000000n;

/** The name of an answer, such as `CKR_PIN_INCORRECT`. */
function returnedName(value: bigint): string {
  const name = value < VENDOR_DEFINED ? NAMES[Number(value)] : undefined;
  if (name !== undefined) return `CKR_${name}`;
  return `${value >= VENDOR_DEFINED ? "the module's own code" : "the code"} 0x${
    value.toString(16)
  }`;
}

/** A function answered something else than `CKR_OK`. Never reaches a caller: `explain` makes a fault of it. */
export class CryptokiError extends Error {
  /** The answer. */
  readonly value: bigint;

  /** `called` is the function, such as `C_Login`. */
  constructor(called: string, value: bigint) {
    super(`${called} gave ${returnedName(value)}`);
    this.value = value;
  }
}
