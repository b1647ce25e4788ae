/** Numbers of PKCS#11 2.40 and 3.0. */

/** Classes of objects, `CKO_…`. */
export const CLASS = { certificate: 1n, publicKey: 2n, privateKey: 3n } as const;

/** Attributes of objects, `CKA_…`. */
export const ATTRIBUTE = {
  class: 0x0n,
  private: 0x2n,
  label: 0x3n,
  value: 0x11n,
  keyType: 0x100n,
  id: 0x102n,
  modulus: 0x120n,
  publicExponent: 0x122n,
  ecParams: 0x180n,
  ecPoint: 0x181n,
  alwaysAuthenticate: 0x202n,
} as const;

/** Types of keys, `CKK_…`. */
export const KEY_TYPE = { rsa: 0x0n, ec: 0x3n, ecEdwards: 0x40n } as const;

/** Ways to sign, `CKM_…`. */
export const MECHANISM = {
  rsaPkcs: 0x1n,
  sha256RsaPkcs: 0x40n,
  ecdsa: 0x1041n,
  ecdsaSha256: 0x1044n,
  ecdsaSha384: 0x1045n,
  ecdsaSha512: 0x1046n,
  eddsa: 0x1057n,
} as const;

/** Flags of a token, `CKF_…`. */
export const TOKEN_FLAG = {
  loginRequired: 0x4n,
  protectedAuthenticationPath: 0x100n,
  tokenInitialized: 0x400n,
  userPinCountLow: 0x10000n,
  userPinFinalTry: 0x20000n,
  userPinLocked: 0x40000n,
} as const;

/** Who logs in, `CKU_…`. */
export const USER = { user: 1n, contextSpecific: 2n } as const;

/** `CKF_SERIAL_SESSION`: without it no session is opened (PKCS#11 2.40 5.6). */
export const SERIAL_SESSION = 0x4n;

/** `CKF_OS_LOCKING_OK`: the module may use threads and the system's locks. */
export const OS_LOCKING_OK = 0x2n;
