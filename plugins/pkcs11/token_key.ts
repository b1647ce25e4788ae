/** A private key in a token. */

import type { KeyObject } from "node:crypto";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm } from "../../core/keys.ts";
import type { RunOptions } from "../../core/options.ts";
import { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { ATTRIBUTE } from "./constants.ts";
import type { Cryptoki } from "./cryptoki.ts";
import { explained } from "./explain.ts";
import { afterBlocking, type Authority, findAuthority } from "./login.ts";
import { type Mechanism, mechanismsFor } from "./mechanism.ts";
import { useModule } from "./module.ts";
import { findModule } from "./module_file.ts";
import {
  findCompanions,
  findPrivateKeys,
  flag,
  notOne,
  type TokenObject,
  type View,
} from "./objects.ts";
import { type ReadKey, readPublicKey } from "./public_key.ts";
import { CryptokiError, RETURNED } from "./return_value.ts";
import { findToken, type Token } from "./token.ts";
import { parsePkcs11Uri, type Pkcs11Uri } from "./uri.ts";

/** Which key, and what it takes to use it. */
export type TokenKeyOptions = {
  /** The private key as a PKCS#11 URI (RFC 7512), which also names the module. A secret, since it may hold a PIN. */
  readonly uri: string | Secret;
  /** Directories in which a `module-name` is looked for before the system's; absolute paths. */
  readonly modulePaths?: readonly string[];
  /** The PIN, if the URI names none. Without either, `interaction.askSecret` asks for it. */
  readonly pin?: Secret;
};

/** A certificate in the token. */
export type TokenCertificate = {
  readonly object: TokenObject;
  readonly der: Uint8Array;
};

/** A key that can sign until it is disposed of. */
export type TokenKey = Disposable & {
  /** Names the key in messages, quoted. */
  readonly name: string;
  /** Its public half, as far as the token tells. */
  readonly publicKey: ReadKey;
  /** The token's certificates that belong to it by id or label. */
  readonly certificates: readonly TokenCertificate[];
  /**
   * What signs with it.
   *
   * @param publicKey its public half
   * @throws {ModelSigningError} `KEY_UNSUPPORTED`
   */
  signing(publicKey: KeyObject): (bytes: Uint8Array, options: RunOptions) => Promise<Uint8Array>;
};

/**
 * Finds a key and logs in, if that is what it takes. The login holds until the key is disposed of.
 *
 * @throws {ModelSigningError} `USAGE_PKCS11_URI`, `PKCS11_MODULE`, `PKCS11_MODULE_NOT_FOUND`, `PKCS11_TOKEN`,
 * `PKCS11_OBJECT`, `PKCS11_PIN`, `PKCS11_FAILED`, `FILE_UNREADABLE` for a PIN file, `ABORTED`
 */
export async function openTokenKey(options: TokenKeyOptions, run: RunOptions): Promise<TokenKey> {
  const { uri: text, modulePaths = [], pin } = options;
  const uri = parsePkcs11Uri(text instanceof Secret ? text.reveal() : text);
  if (uri.ignored.length > 0) {
    run.logger?.log("warn", `ignored in the PKCS#11 URI: ${uri.ignored.join(", ")}`);
  }
  const path = await findModule(uri, modulePaths);
  throwIfAborted(run.signal);
  const module = await useModule(path);
  using stack = new DisposableStack();
  const { cryptoki } = stack.use(module);
  const token = findToken(cryptoki, uri);
  // This session stays open: a token forgets the login with the last one.
  const view = stack.use(openView(cryptoki, token));
  const found = await findKey(view, token, uri, pin, run);
  const name = `${quote(found.key.label)} of token ${quote(token.label)}`;
  const { publicKey, certificates, mechanisms } = explained(`read key ${name}`, () => ({
    publicKey: publicKeyOf(view, found.key),
    certificates: certificatesOf(view, found.key),
    mechanisms: cryptoki.mechanisms(token.slot),
  }));
  const resources = stack.move();
  return {
    name,
    publicKey,
    certificates,
    signing(publicKey) {
      const mechanism = choose(publicKey, mechanisms, name);
      return (bytes, options) => sign({ view, token, name, ...found }, mechanism, bytes, options);
    },
    [Symbol.dispose]: () => resources.dispose(),
  };
}

type FoundKey = {
  readonly key: TokenObject;
  /** Set for a key each of whose signatures must be confirmed. */
  readonly confirm?: Authority["confirm"];
};

async function findKey(
  view: View,
  token: Token,
  uri: Pkcs11Uri,
  pin: Secret | undefined,
  run: RunOptions,
): Promise<FoundKey> {
  const look = () =>
    explained(`find the key in token ${quote(token.label)}`, () => {
      const [key, ...others] = findPrivateKeys(view, uri);
      if (key === undefined) return undefined;
      if (others.length > 0) throw notOne(view, [key, ...others], uri, token.label);
      return {
        key,
        isPublic: flag(view, key.handle, ATTRIBUTE.private) === false,
        always: flag(view, key.handle, ATTRIBUTE.alwaysAuthenticate) === true,
      };
    });
  let found = look();
  const mustLogIn = token.is("loginRequired") && found?.isPublic !== true;
  let authority: Authority | undefined;
  if (mustLogIn || found?.always) {
    authority = await findAuthority(view.cryptoki, token.slot, uri, pin, run);
    throwIfAborted(run.signal);
    if (mustLogIn) {
      authority.logIn(view.session);
      await afterBlocking(run.signal);
      found = look();
    }
  }
  if (found === undefined) {
    throw explained("list the keys", () => notOne(view, [], uri, token.label));
  }
  const { key, always } = found;
  return { key, ...(always && authority ? { confirm: authority.confirm } : {}) };
}

async function sign(
  { view, token, name, key, confirm }: FoundKey & {
    readonly view: View;
    readonly token: Token;
    readonly name: string;
  },
  mechanism: Mechanism,
  bytes: Uint8Array,
  { signal }: RunOptions,
): Promise<Uint8Array> {
  throwIfAborted(signal);
  const input = mechanism.input(bytes);
  using inner = signingView(view, token);
  const { cryptoki, session } = inner;
  const signature = explained(`sign with key ${name}`, () => {
    cryptoki.signInit(session, mechanism.type, key.handle);
    confirm?.(session);
    return cryptoki.sign(session, input);
  });
  await afterBlocking(signal);
  return mechanism.output(signature);
}

/**
 * A session of its own, so that a signature that fails half-way leaves nothing behind; the given one where the token has
 * no other, as some smart cards.
 */
function signingView(view: View, token: Token): View & Disposable {
  try {
    return openView(view.cryptoki, token);
  } catch (error) {
    const cause = error instanceof ModelSigningError ? error.cause : undefined;
    if (!(cause instanceof CryptokiError && cause.value === RETURNED.sessionCount)) throw error;
    return { ...view, [Symbol.dispose]() {} };
  }
}

/** Opens a session. */
function openView(cryptoki: Cryptoki, token: Token): View & Disposable {
  const session = explained(
    `open a session with token ${quote(token.label)}`,
    () => cryptoki.openSession(token.slot),
  );
  return {
    cryptoki,
    session,
    [Symbol.dispose]: () => {
      try {
        cryptoki.closeSession(session);
      } catch (error) {
        // The token may be gone. Then its sessions are closed, and what failed before tells more.
        if (!(error instanceof CryptokiError)) throw error;
      }
    },
  };
}

/** Some tools give every pair the same id; then the label tells which public key is meant. */
function publicKeyOf(view: View, key: TokenObject): ReadKey {
  const companions = findCompanions(view, key, "publicKey");
  const object = companions.find(({ label }) => label === key.label) ?? companions[0];
  return readPublicKey(view, object ?? key);
}

function certificatesOf(view: View, key: TokenObject): readonly TokenCertificate[] {
  return findCompanions(view, key, "certificate").flatMap((object) => {
    const der = view.cryptoki.attribute(view.session, object.handle, ATTRIBUTE.value);
    return der === undefined || der.length === 0 ? [] : [{ object, der: new Uint8Array(der) }];
  });
}

function choose(publicKey: KeyObject, offered: readonly bigint[], name: string): Mechanism {
  const found = keyAlgorithm(publicKey);
  if ("refused" in found) throw unsupported(name, found.refused);
  const { algorithm } = found;
  const mechanism = mechanismsFor(algorithm).find(({ type }) => offered.includes(type));
  if (mechanism !== undefined) return mechanism;
  const wanted = mechanismsFor(algorithm).map(({ type }) => `0x${type.toString(16)}`).join(" or ");
  throw new ModelSigningError(
    "KEY_UNSUPPORTED",
    `the token cannot sign with key ${name}, which is ${algorithm.name}: ` +
      `it has no mechanism ${wanted}`,
  );
}

/** The fault about a key of a type that models are not signed with. */
export function unsupported(name: string, refused: string): ModelSigningError {
  return new ModelSigningError(
    "KEY_UNSUPPORTED",
    `key ${name} is ${refused}, expected ${ACCEPTED_KEYS}`,
  );
}
