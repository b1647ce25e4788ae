/** Taking secrets out of what a user typed in the wrong place. */

/** What is a secret by its form. */
const SECRETS: readonly RegExp[] = [
  // A signed JSON Web Token: `eyJ` is the base64url of `{"`.
  /(?<![\w-])eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g,
  // The PIN in a PKCS#11 URI (RFC 7512 2.4).
  /(?<=\bpin-value=)[^&;\s"]+/gi,
];

/** A URL in a sentence, from the last word of its scheme. Values are quoted, so it ends at a quotation mark. */
const URL_IN_TEXT = /(?<![\w/])(\w+:\/\/)([^\s"]+)/g;

/** A text without tokens, PINs and passwords in URLs. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((rest, secret) => rest.replace(secret, "[redacted]"), text)
    .replace(URL_IN_TEXT, withoutLogin);
}

/** A reference without all that, whatever characters stand before its host. */
export function withoutCredentials(reference: string): string {
  return withoutSecrets(reference).replace(/^([a-z][a-z0-9+.-]*:\/\/)(.+)$/is, withoutLogin);
}

/** What ends a login, and begins neither a digest nor the name of a branch or a tag in an identity. */
const LOGIN_END = /@(?!sha(?:256|512):|refs\/)/g;

/** A password may hold slashes, so a colon may begin one wherever an `@` follows; a name without one holds none. */
function withoutLogin(_: string, scheme: string, rest: string): string {
  const end = [...rest.matchAll(LOGIN_END)].at(-1)?.index ?? 0;
  const [authority = ""] = rest.split("/", 1);
  const login = rest.slice(0, end).includes(":") ? end : authority.lastIndexOf("@");
  return login < 0 ? scheme + rest : `${scheme}[redacted]${rest.slice(login)}`;
}
